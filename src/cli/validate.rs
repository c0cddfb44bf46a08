use super::Session;
use super::source::{Configured, Source};
use crate::compose::Project;
use crate::error::{Error, Kind, Result};

/// Check the configuration file, or the services of a compose project that have an x-bgd.
///
/// Every fault is shown at once, with its line, its column and what was expected. Docker is not asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the configuration is
    #[command(flatten)]
    pub source: Source,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<()> {
    let (path, apps) = match args.source.read(session)? {
        None => {
            return Err(Error::new(
                Kind::Config,
                "there is no bgd.yaml in this folder, and no service with x-bgd",
            )
            .hint("name the configuration with -f FILE"));
        }
        Some(Configured::File(path, app)) => (path, vec![*app]),
        Some(Configured::Project(project)) => (project.files[0].clone(), services(session, &project)?),
    };
    for app in apps {
        session.report.note(format!("{} is fine: {} ({})", path.display(), app.name, app.image));
    }
    Ok(())
}

/// The apps of a project's services; what is wrong with any of them is told at once.
fn services(session: &Session, project: &Project) -> Result<Vec<crate::model::App>> {
    let managed = project.managed();
    if managed.is_empty() {
        return Err(Error::new(
            Kind::Config,
            format!("no service of the project {} has an x-bgd", project.name),
        )
        .hint("give one an x-bgd with at least \"port\" and \"proxy\""));
    }
    let mut apps = Vec::new();
    let mut wrong: Option<Error> = None;
    for one in managed {
        match (session.app_of_service(project, &one.service), wrong.take()) {
            (Ok(app), error) => {
                apps.push(app);
                wrong = error;
            }
            (Err(error), None) => wrong = Some(error),
            (Err(more), Some(first)) => {
                let texts: Vec<String> = more
                    .details()
                    .iter()
                    .map(|detail| format!("{}\n{}", detail.title, detail.text))
                    .collect();
                let places = more.places().to_vec();
                wrong = Some(first.detail(more.to_string(), texts.join("\n")).at(places));
            }
        }
    }
    wrong.map_or(Ok(apps), Err)
}
