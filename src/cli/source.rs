use std::path::{Path, PathBuf};

use super::Session;
use crate::compose::{self, Managed, Project, Wanted};
use crate::config::{self, Diagnostic, Severity};
use crate::error::{Error, Kind, Result};
use crate::model::App;

/// Where the configuration is: a bgd.yaml, or a compose project.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Source {
    /// The configuration: a bgd.yaml, or a compose file, of which there can be several
    #[arg(short, long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The name of the compose project, as compose takes it
    #[arg(short, long, value_name = "NAME")]
    pub project_name: Option<String>,

    /// A profile of the compose project to turn on
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
}

/// A configuration as it was found.
pub(super) enum Configured {
    /// A bgd.yaml, with one app.
    File(PathBuf, Box<App>),
    /// A compose project, with an app for each service that has an `x-bgd`.
    Project(Box<Project>),
}

/// Which files describe what is to be deployed.
pub(super) enum Files {
    /// A bgd.yaml.
    Own(PathBuf),
    /// Those of a compose project.
    Compose(Vec<PathBuf>),
}

impl Source {
    /// What the command line says of a compose project.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            files: self.files.clone(),
            project: self.project_name.clone(),
            profiles: self.profiles.clone(),
        }
    }

    /// Finds the files: those of `-f`, else the bgd.yaml of this folder, else its compose files when a service of theirs
    /// has an `x-bgd`.
    ///
    /// # Errors
    /// Of kind `Usage` or `Config` when it is not clear which are meant.
    pub(super) fn find(&self, session: &Session) -> Result<Option<Files>> {
        let files = match self.files.as_slice() {
            [] => self.in_this_folder(session)?,
            [one] if !is_compose(one) => Some(Files::Own(one.clone())),
            several => Some(Files::Compose(several.to_vec())),
        };
        if let Some(Files::Own(path)) = &files
            && (self.project_name.is_some() || !self.profiles.is_empty())
        {
            return Err(Error::new(
                Kind::Usage,
                format!("-p and --profile are for compose projects, and {} is none", path.display()),
            ));
        }
        Ok(files)
    }

    fn in_this_folder(&self, session: &Session) -> Result<Option<Files>> {
        let here = session.host.folder();
        let own = config::find(here).map(|path| without_dot(&path));
        let project = compose::find(here, &session.env);
        let describes = |files: &[PathBuf]| files.iter().any(|path| compose::describes_apps(path));
        match (own, project) {
            (Some(own), Ok(files)) => match files.iter().find(|path| describes(std::slice::from_ref(path))) {
                Some(other) => Err(Error::new(
                    Kind::Config,
                    format!(
                        "{} and x-bgd in {} both describe what to deploy",
                        own.display(),
                        without_dot(other).display()
                    ),
                )
                .hint("keep one of them, or name the one that you mean with -f FILE")),
                None => Ok(Some(Files::Own(own))),
            },
            (Some(own), Err(_)) => Ok(Some(Files::Own(own))),
            (None, Ok(files)) if describes(&files) => {
                Ok(Some(Files::Compose(files.iter().map(|path| without_dot(path)).collect())))
            }
            (None, Ok(_)) => Ok(None),
            (None, Err(error)) => Err(error),
        }
    }

    /// Reads the configuration; `None` when there is none.
    pub(super) fn read(&self, session: &Session) -> Result<Option<Configured>> {
        Ok(match self.find(session)? {
            None => None,
            Some(Files::Own(path)) => {
                let (app, remarks) = config::load_with_remarks(&path, &session.env)?;
                session.remark(&remarks);
                Some(Configured::File(path, Box::new(app)))
            }
            Some(Files::Compose(files)) => {
                let project = Project::open(files, &self.wanted(), session.env)?;
                for name in &project.unset {
                    let message =
                        format!("the variable {name} is not set: compose takes an empty text for it");
                    let remedy = format!("set it, or write ${{{name}:-}} where empty is right");
                    if session.told.borrow_mut().insert(message.clone()) {
                        session.report.warn(message, Some(remedy));
                    }
                }
                Some(Configured::Project(Box::new(project)))
            }
        })
    }
}

impl Session {
    /// Tells warnings and notes of a configuration that was taken.
    pub(super) fn remark(&self, remarks: &[Diagnostic]) {
        for remark in remarks {
            if !self.told.borrow_mut().insert(remark.title()) {
                continue;
            }
            match remark.severity {
                Severity::Error | Severity::Warning => self.report.warn(remark.title(), remark.hint.clone()),
                Severity::Note => self.report.note(remark.title()),
            }
        }
    }

    /// The app of a service, with warnings and notes of what it says.
    pub(super) fn app_of_service(&self, project: &Project, service: &str) -> Result<App> {
        let (app, remarks) = project.app_with_remarks(service)?;
        self.remark(&remarks);
        Ok(app)
    }

    /// The services of this folder's compose project that are bgd's, with the names of their apps. Whatever is wrong
    /// with the project, there are none: a rollback must not depend on it.
    pub(super) fn services_here(&self) -> Vec<Managed> {
        let source = Source::default();
        match source.find(self) {
            Ok(Some(Files::Compose(files))) => {
                compose::managed(&files, &source.wanted(), self.env).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }
}

fn is_compose(path: &Path) -> bool {
    text(path).is_some_and(|text| compose::is_project(&text))
}

fn text(path: &Path) -> Option<String> {
    String::from_utf8(config::read_file(path).ok()?).ok()
}

fn without_dot(path: &Path) -> PathBuf {
    path.strip_prefix("./").map_or_else(|_| path.to_owned(), Path::to_owned)
}
