//! Annotations for GitHub Actions, as workflow commands on standard error, which the runner reads like standard output.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Style, took};
use crate::error::Place;
use crate::event::{Event, Failure, Report};

/// The runner shows no more errors of one step than this.
const SHOWN: usize = 10;
/// Characters of a message; GitHub cuts longer ones.
const LONGEST: usize = 4000;

/// Annotates warnings, the end, and the places of errors.
#[derive(Debug)]
pub(super) struct Github {
    style: Style,
    /// The checkout, to which GitHub relates the names of files.
    workspace: Option<PathBuf>,
}

impl Github {
    pub(super) fn new(style: Style, workspace: Option<String>) -> Self {
        Self { style, workspace: workspace.filter(|path| !path.is_empty()).map(PathBuf::from) }
    }

    fn commands(&self, event: &Event) -> Vec<String> {
        let title = ("title", "bgd".to_owned());
        match event {
            Event::Warning { message, remedy } => {
                vec![self.command("warning", &[title], &with_hints(message, &[], remedy.as_slice()))]
            }
            Event::Done { app, release, slot, took: time, .. } => {
                let message = format!("{app}: release {release} is live on {slot} ({})", took(*time));
                vec![self.command("notice", &[title], &message)]
            }
            Event::Failed(failure) => self.failed(failure),
            _ => Vec::new(),
        }
    }

    fn failed(&self, failure: &Failure) -> Vec<String> {
        let title = ("title", format!("bgd: {} (exit code {})", failure.class, failure.code));
        if failure.places.is_empty() {
            let message = with_hints(&failure.message, &failure.causes, &failure.hints);
            return vec![self.command("error", &[title], &message)];
        }
        let at = |place: &Place| {
            let mut properties = vec![("file", self.relative(&place.file))];
            if place.line > 0 {
                properties.push(("line", place.line.to_string()));
                properties.push(("col", place.column.to_string()));
            }
            properties.push(title.clone());
            self.command("error", &properties, &place.message)
        };
        failure.places.iter().take(SHOWN).map(at).collect()
    }

    fn command(&self, name: &str, properties: &[(&str, String)], message: &str) -> String {
        let properties: Vec<String> = properties
            .iter()
            .map(|(name, value)| format!("{name}={}", property(&self.style.clean(value))))
            .collect();
        let message: String = self.style.clean(message).chars().take(LONGEST).collect();
        format!("::{name} {}::{}", properties.join(","), data(&message))
    }

    /// The name of a file beneath the checkout, or else the whole path.
    fn relative(&self, file: &Path) -> String {
        let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let beneath = self.workspace.as_ref().and_then(|workspace| {
            let real = |path: &Path| path.canonicalize().ok();
            let by_name = whole.strip_prefix(workspace).map(Path::to_owned).ok();
            by_name.or_else(|| real(&whole)?.strip_prefix(real(workspace)?).map(Path::to_owned).ok())
        });
        beneath.unwrap_or(whole).display().to_string()
    }
}

impl Report for Github {
    fn event(&self, event: Event) {
        for command in self.commands(&event) {
            // A closed standard error leaves nobody to tell, and must not stop a deploy.
            let _ = std::io::stderr().write_all(format!("{command}\n").as_bytes());
        }
    }
}

fn with_hints(message: &str, causes: &[String], hints: &[String]) -> String {
    let causes = causes.iter().map(|cause| format!("\ncaused by: {cause}"));
    let hints = hints.iter().map(|hint| format!("\nhint: {hint}"));
    causes.chain(hints).fold(message.to_owned(), |text, more| text + &more)
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn github(workspace: &str) -> Github {
        Github::new(Style { color: false, dumb: true, github: true }, Some(workspace.to_owned()))
    }

    fn failure(places: Vec<Place>) -> Failure {
        Failure {
            class: "smoke",
            code: 7,
            message: "100% of 1\r\nrequests, failed: all".to_owned(),
            causes: vec!["::error::x".to_owned()],
            details: Vec::new(),
            hints: vec!["look at ##[add-mask]y".to_owned()],
            places,
        }
    }

    #[test]
    fn an_error_is_one_line_with_everything_escaped() {
        let commands = github("/repo").commands(&Event::Failed(failure(Vec::new())));
        assert_eq!(
            commands,
            ["::error title=bgd%3A smoke (exit code 7)::100%25 of 1%0Arequests, failed: all%0Acaused by: \
              ::error::x%0Ahint: look at ## [add-mask]y"]
        );
    }

    #[test]
    fn places_are_named_as_the_checkout_names_them() {
        let place = |file: &str, line| Place {
            file: PathBuf::from(file),
            line,
            column: 3,
            message: "unknown key \"a\"\nexpected: b".to_owned(),
        };
        let places = vec![place("/repo/a,b:c/bgd.yaml", 4), place("/etc/bgd.yaml", 0)];
        let commands = github("/repo").commands(&Event::Failed(failure(places)));
        assert_eq!(
            commands,
            [
                "::error file=a%2Cb%3Ac/bgd.yaml,line=4,col=3,title=bgd%3A smoke (exit code 7)::unknown key \
                 \"a\"%0Aexpected: b",
                "::error file=/etc/bgd.yaml,title=bgd%3A smoke (exit code 7)::unknown key \"a\"%0Aexpected: b",
            ]
        );
        let many = vec![place("/repo/bgd.yaml", 1); 30];
        assert_eq!(github("/repo").commands(&Event::Failed(failure(many))).len(), SHOWN);
    }

    #[test]
    fn a_checkout_behind_a_link_is_the_same_one() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::fs::write(real.join("bgd.yaml"), "").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(github(&link.display().to_string()).relative(&real.join("bgd.yaml")), "bgd.yaml");
    }

    #[test]
    fn warnings_and_a_good_end_are_told_and_steps_are_not() {
        let warning = Event::Warning { message: "a".to_owned(), remedy: Some("b".to_owned()) };
        assert_eq!(github("").commands(&warning), ["::warning title=bgd::a%0Ahint: b"]);
        assert!(github("").commands(&Event::Note { message: "a".to_owned() }).is_empty());
    }
}
