use crate::error::{Error, Kind, Result};
use crate::model::App;

/// What kind of container a route carrier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CarrierKind {
    /// One that runs, asleep: Traefik 3.4 and 3.5 look at nothing else.
    Running,
    /// One that runs, asleep, and whose route stays when it is stopped: Traefik 3.6 and newer.
    Kept,
    /// One that is never started, on Traefik 3.6 and newer. It costs nothing, but `docker container prune` and
    /// `docker system prune` remove it, and the route with it.
    Created,
}

impl CarrierKind {
    /// Whether the container runs.
    pub fn runs(self) -> bool {
        self != Self::Created
    }

    /// Whether Traefik takes the route of a carrier that runs or does not.
    pub(super) fn routes(self, running: bool) -> bool {
        running || self.stays()
    }

    /// Whether the route of a container that does not run counts.
    pub(super) fn stays(self) -> bool {
        self != Self::Running
    }
}

/// What kind of carrier a version of Traefik takes, such as `3.7.15` or `v3.6.0-rc.1`.
///
/// `loadbalancer.server.url` as a label came with 3.4, `traefik.docker.allownonrunning` with 3.6 (Traefik's migration
/// notes; seen to work on 3.4.3, 3.5.3 and 3.7.15).
///
/// # Errors
/// Of the kind `Config`: it is too old, or that is no version.
pub fn support(version: &str) -> Result<CarrierKind> {
    let mut parts = version.trim().trim_start_matches('v').split(['.', '-', '+']).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
        return Err(Error::new(Kind::Config, format!("{version:?} is no version of Traefik"))
            .hint("use  proxy.traefik.mode: file , which works with every Traefik 3"));
    };
    match (major, minor) {
        (..3, _) | (3, ..4) => Err(Error::new(
            Kind::Config,
            format!("Traefik {version} is too old for the mode labels"),
        )
        .caused_by("the route is in the labels of a container beside the app's own, and those can name the app's address (loadbalancer.server.url) since Traefik 3.4")
        .hint("use  proxy.traefik.mode: file  with a dynamic_dir that providers.file.directory of Traefik names")
        .hint("or take Traefik 3.4 or newer")),
        (3, 4..6) => Ok(CarrierKind::Running),
        _ => Ok(CarrierKind::Kept),
    }
}

/// Tells why an app's `labels:` do not go with the mode labels; `None` when they do.
///
/// The app's containers carry no label of Traefik's there: it would route to a release before its time.
pub fn unfit_labels(app: &App) -> Option<Error> {
    // Traefik reads labels without regard to case.
    let of_traefik = |key: &&String| {
        let key = key.to_ascii_lowercase();
        key == "traefik" || key.starts_with("traefik.")
    };
    let keys: Vec<&str> = app.container.labels.keys().filter(of_traefik).map(String::as_str).collect();
    let first = keys.first()?;
    let message = format!("{} has labels of Traefik's: {}", app.name, keys.join(", "));
    let error = Error::new(Kind::Config, message)
        .caused_by("in the mode labels bgd keeps the route in a container of its own, because the labels of one that runs cannot change; a label at the app would route to a release that is not live")
        .hint("take them out of  labels:  and write the route into proxy.traefik (rule, entrypoints, tls, middlewares, priority)");
    Some(
        if first.to_ascii_lowercase().contains("middlewares")
            || keys.iter().any(|key| key.contains("middlewares"))
        {
            error.hint("define middlewares at Traefik itself or in a file, and name them as in auth@file; or use proxy.traefik.template")
        } else {
            error
        },
    )
}
