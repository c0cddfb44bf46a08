use super::Session;
use super::source::{Configured, Source};
use crate::compose::{Managed, Project};
use crate::error::{Error, Kind, Result};
use crate::model::{App, AppName, ImageRef, InvalidImage};

/// Which image goes to which app.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The service of the compose project, or the image with its tag or digest
    ///
    /// In a compose project a word without ":", "/" and "@" is a service; all else is an image. Where there is no compose
    /// project it is an image.
    #[arg(value_name = "SERVICE|IMAGE", value_parser = Word::parse)]
    pub first: Option<Word>,

    /// The image, after a service; the configuration's own when left out
    #[arg(value_parser = ImageRef::parse)]
    pub image: Option<ImageRef>,

    /// The app to deploy to
    #[arg(long, value_parser = AppName::parse)]
    pub app: Option<AppName>,

    /// Go on although the records know another host or image repository under the app's name
    #[arg(long)]
    pub same_app: bool,

    /// Where the configuration is
    #[command(flatten)]
    pub source: Source,
}

/// The first word after the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Without `:`, `/` and `@`: a service in a compose project, else an image.
    Bare(String),
    /// An image, whatever it stands in.
    Image(ImageRef),
}

impl Word {
    fn parse(text: &str) -> Result<Self, InvalidImage> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if !text.is_empty() && text.chars().all(is_name) {
            return Ok(Self::Bare(text.to_owned()));
        }
        ImageRef::parse(text).map(Self::Image)
    }

    fn into_image(self) -> Result<ImageRef> {
        match self {
            Self::Image(image) => Ok(image),
            Self::Bare(text) => {
                ImageRef::parse(&text).map_err(|why| Error::new(Kind::Usage, why.to_string()))
            }
        }
    }
}

/// What the command line names.
struct Named<'a> {
    service: Option<&'a str>,
    image: Option<ImageRef>,
    app: Option<&'a AppName>,
}

impl Which {
    /// Finds the app, and the image with its tag.
    pub(super) fn find(&self, session: &Session) -> Result<(App, ImageRef)> {
        let configured = self.source.read(session)?;
        let in_project = matches!(configured, Some(Configured::Project(_)));
        let app = self.app.as_ref();
        let named = match (&self.first, self.image.clone()) {
            (None, image) => Named { service: None, image, app },
            (Some(Word::Bare(service)), image) if in_project => Named { service: Some(service), image, app },
            (Some(word), None) => Named { service: None, image: Some(word.clone().into_image()?), app },
            (Some(first), Some(_)) => return Err(two_words(first, in_project)),
        };
        let app = match configured {
            Some(Configured::Project(project)) => named.in_project(session, &self.source, &project)?,
            Some(Configured::File(path, app)) => session.app_of_file(
                &path,
                *app,
                !self.source.files.is_empty(),
                named.image.as_ref(),
                named.app,
            )?,
            None => session.recorded_app(named.image.as_ref(), named.app)?,
        };
        let image = named.image.unwrap_or_else(|| app.image.clone()).or_latest();
        Ok((app, image))
    }
}

fn two_words(first: &Word, in_project: bool) -> Error {
    let first = match first {
        Word::Bare(text) => text.clone(),
        Word::Image(image) => image.to_string(),
    };
    if in_project {
        return Error::new(Kind::Usage, format!("{first} is an image, and a second image stands after it"))
            .hint("the service comes first: bgd deploy SERVICE IMAGE");
    }
    Error::new(Kind::Usage, format!("{first} would be a service, and there is no compose project here"))
        .hint("go to the project's folder, or name its compose file with -f FILE")
        .hint("with a bgd.yaml it is: bgd deploy IMAGE")
}

impl Named<'_> {
    fn in_project(&self, session: &Session, source: &Source, project: &Project) -> Result<App> {
        let managed = project.managed();
        if let Some(service) = self.service {
            let Some(one) = managed.iter().find(|one| one.service == service) else {
                return Err(not_bgds(project, service, &managed));
            };
            if self.app.is_some_and(|app| one.app.as_ref() != Some(app)) {
                return Err(Error::new(Kind::Usage, format!("{service} is not the app that --app names")));
            }
            return session.app_of_service(project, service);
        }
        let fits = |one: &&Managed| match (self.app, &self.image) {
            (Some(app), _) => one.app.as_ref() == Some(app),
            (None, Some(image)) => {
                image.repository().is_empty()
                    || one.image.as_ref().is_some_and(|own| own.same_repository(image))
            }
            (None, None) => true,
        };
        let found: Vec<&Managed> = managed.iter().filter(fits).collect();
        match found.as_slice() {
            [one] => session.app_of_service(project, &one.service),
            [] if source.files.is_empty() && self.app.is_some() => {
                session.recorded_app(self.image.as_ref(), self.app)
            }
            [] => Err(none_fits(project, self, &managed)),
            several => Err(Error::new(Kind::Usage, "it is not clear which service is meant")
                .hint(format!("name one of: {}", services(several.iter().copied())))
                .hint("or its app: --app NAME")),
        }
    }
}

fn not_bgds(project: &Project, service: &str, managed: &[Managed]) -> Error {
    let error = if project.services().contains(&service) {
        Error::new(Kind::Config, format!("the service {service} has no x-bgd: compose runs it, not bgd"))
            .hint("give it an x-bgd with at least \"port\" and \"proxy\"")
    } else {
        Error::new(Kind::Usage, format!("the project {} has no service {service}", project.name))
            .hint(format!("an image of that name is written with its tag: {service}:latest"))
    };
    error.hint(format!("bgd deploys: {}", services(managed.iter())))
}

fn none_fits(project: &Project, named: &Named<'_>, managed: &[Managed]) -> Error {
    let what = match (named.app, &named.image) {
        (Some(app), _) => format!("no service of {} is the app {app}", project.name),
        (None, Some(image)) => format!("no service of {} that bgd deploys runs {image}", project.name),
        (None, None) => format!("no service of {} has an x-bgd", project.name),
    };
    let error = Error::new(Kind::Usage, what);
    match (managed, &named.image) {
        ([], _) => error.hint("give the service an x-bgd with at least \"port\" and \"proxy\""),
        (_, Some(image)) => error
            .hint(format!(
                "to deploy it to one all the same, name it: bgd deploy {} {image}",
                managed[0].service
            ))
            .hint(format!("bgd deploys: {}", services(managed.iter()))),
        _ => error.hint(format!("bgd deploys: {}", services(managed.iter()))),
    }
}

/// The names of services, for people.
pub(super) fn services<'m>(managed: impl Iterator<Item = &'m Managed>) -> String {
    managed.map(|one| one.service.as_str()).collect::<Vec<_>>().join(", ")
}
