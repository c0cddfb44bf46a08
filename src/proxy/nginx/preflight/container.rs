use crate::error::Error;
use crate::model::AppName;
use crate::proxy::seat::Seat;
use crate::proxy::{Finding, Severity};

/// The container does not run, and bgd does not know how to help it.
pub fn stopped(seat: &Seat, error: &Error) -> Finding {
    let reason =
        error.details().iter().find_map(|detail| detail.text.lines().rfind(|line| line.contains("[emerg]")));
    let container = &seat.container;
    let message = match reason {
        Some(reason) => {
            format!("nginx in {} is {}: {}", container.name, container.state.status, reason.trim())
        }
        None => format!(
            "nginx in {} is {}, exit code {}",
            container.name, container.state.status, container.state.exit_code
        ),
    };
    let remedy = match reason {
        Some(_) => format!("mend its configuration, then: docker restart {}", container.name),
        None => format!("start it with: docker start {}", container.name),
    };
    Finding { severity: Severity::Refusal, message, remedy: Some(remedy) }
}

/// The container does not run because nginx does not take a file of bgd's.
pub fn refuses(seat: &Seat, app: &AppName, what: &str) -> Finding {
    let message = format!("nginx in {} does not take the file of {app}: {what}", seat.container.name);
    let remedy = format!("have it written for this nginx: bgd recover {app}");
    Finding { severity: Severity::Refusal, message, remedy: Some(remedy) }
}
