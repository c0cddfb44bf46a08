use std::cell::RefCell;
use std::collections::HashSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use super::Host;
use super::source::{Configured, Files, Source};
use crate::config;
use crate::docker::{self, Engine};
use crate::error::{Context, Error, Kind, Result};
use crate::event::Report;
use crate::model::{App, AppName, ImageRef};
use crate::proxy::Proxies;
use crate::record::{AppStore, Store};
use crate::saga::Cancel;
use crate::turn::Turn;
use crate::ui::Style;

/// What every command works with: the machine, the environment and the printer.
pub struct Session {
    /// The machine on which it runs.
    pub host: Rc<dyn Host>,
    /// Prints what happens.
    pub report: Rc<dyn Report>,
    /// How text is coloured.
    pub style: Style,
    /// Whether the output is for a program.
    pub json: bool,
    /// Reads a variable of the environment.
    pub env: fn(&str) -> Option<String>,
    /// The locks that this command holds on the engine.
    pub turns: RefCell<Vec<Turn>>,
    /// What has been said of the configuration, which may be read a second time after a wait.
    pub told: RefCell<HashSet<String>>,
}

impl Session {
    /// Connects to the engine. From then on it is waited for when it is away for a moment.
    pub(super) async fn engine(&self) -> Result<Rc<dyn Engine>> {
        let engine = self.host.engine().await?;
        let report = Rc::clone(&self.report);
        Ok(Rc::new(docker::Patient::new(engine, move |message| report.warn(message, None))))
    }

    /// The proxies that run on the engine.
    pub(super) fn proxies(&self, engine: &Rc<dyn Engine>) -> Proxies {
        self.host.proxies(engine)
    }

    /// Takes an app's lock on the engine, which is held until the command ends.
    ///
    /// # Errors
    /// Of kind `Locked` when somebody holds it, be it with another state folder.
    pub(super) async fn take_turn(
        &self,
        engine: &Rc<dyn Engine>,
        app: &AppName,
        wait: Duration,
    ) -> Result<()> {
        if self.turns.borrow().iter().any(|turn| turn.app() == app) {
            return Ok(());
        }
        let state = self.store()?;
        let turn = Turn::take(engine, app, state.root(), wait, self.report.as_ref()).await?;
        self.turns.borrow_mut().extend(turn);
        Ok(())
    }

    /// Gives back all that the command has held.
    pub(super) async fn give_back(&self) {
        let turns = self.turns.take();
        for turn in turns {
            // Whoever comes next finds that this process is gone.
            if let Err(error) = turn.give_back().await {
                tracing::debug!("the lock on the engine stays: {}", error.one_line());
            }
        }
    }

    /// The records of this user.
    pub(super) fn store(&self) -> Result<Store> {
        self.host.store()
    }

    /// Prints data for people to standard output.
    pub(super) fn print(&self, text: &str) {
        self.host.print(&self.style.clean(text));
    }

    /// Prints data as JSON to standard output.
    pub(super) fn print_json(&self, value: &impl serde::Serialize) -> Result<()> {
        let text =
            serde_json::to_string_pretty(value).or_error(Kind::Other, || "cannot write JSON".to_owned())?;
        self.host.print(&self.style.clean_json(format!("{text}\n")));
        Ok(())
    }

    /// Listens for signals from now on.
    pub(super) fn cancel(&self) -> Result<Cancel> {
        self.host.cancel()
    }

    /// Finds the app to deploy with a bgd.yaml: its own when its repository is the image's (or none is named), else the
    /// one whose records name that repository, or the one of `--app`.
    pub(super) fn app_of_file(
        &self,
        path: &Path,
        app: App,
        asked_for: bool,
        image: Option<&ImageRef>,
        wanted: Option<&AppName>,
    ) -> Result<App> {
        let named = wanted.is_some_and(|wanted| *wanted == app.name);
        let other_name = wanted.is_some() && !named;
        let fits =
            image.is_none_or(|image| image.repository().is_empty() || image.same_repository(&app.image));
        if !other_name && (fits || named) {
            return Ok(app);
        }
        if asked_for || !other_name {
            let asked = image.map_or_else(|| "another app".to_owned(), ToString::to_string);
            return Err(Error::new(
                Kind::Usage,
                format!("{} is for {} ({}), not for {asked}", path.display(), app.name, app.image),
            )
            .hint(format!("to deploy it to {} all the same: add --app {}", app.name, app.name)));
        }
        self.recorded_app(image, wanted)
    }

    /// Finds an app without a configuration file: in the records.
    pub(super) fn recorded_app(&self, image: Option<&ImageRef>, wanted: Option<&AppName>) -> Result<App> {
        let store = self.store()?;
        let mut apps = Vec::new();
        for name in store.apps()? {
            match recorded(&store.app(&name)) {
                Ok(app) => apps.extend(app),
                // Whatever is wrong with the records of another app must not stand in the way.
                Err(error) if wanted.is_some_and(|wanted| *wanted != name) => {
                    self.report.warn(format!("the records of {name}: {}", error.one_line()), None);
                }
                Err(error) => return Err(error),
            }
        }
        let fits = |app: &&App| match wanted {
            Some(name) => app.name == *name,
            None => image.is_some_and(|image| image.same_repository(&app.image)),
        };
        let found: Vec<&App> = apps.iter().filter(fits).collect();
        match found.as_slice() {
            [app] => Ok((*app).clone()),
            [] => Err(no_app(image, wanted, &apps)),
            several => Err(Error::new(Kind::Usage, "several apps run this image")
                .hint(format!("name one with --app: {}", list(several.iter().map(|app| &app.name))))),
        }
    }

    /// The configuration of an app in this folder. Whatever is wrong with it, there is none: what can be done without must
    /// not depend on it.
    pub(super) fn app_here(&self, name: &AppName) -> Option<App> {
        let found = match Source::default().find(self).ok()?? {
            Files::Own(path) => config::load(&path, &self.env).ok()?,
            Files::Compose(_) => {
                let service = self.services_here().into_iter().find(|one| one.app.as_ref() == Some(name))?;
                match Source::default().read(self).ok()?? {
                    Configured::Project(project) => project.app(&service.service).ok()?,
                    Configured::File(..) => return None,
                }
            }
        };
        (found.name == *name).then_some(found)
    }

    /// Finds an app for a command that needs no configuration: by name, the one of this folder, or the only one.
    pub(super) fn known_app(&self, wanted: Option<&AppName>) -> Result<AppName> {
        let apps = self.store()?.apps()?;
        if let Some(name) = wanted {
            let services = self.services_here();
            let service = services.iter().find(|one| one.service == name.as_str());
            let of_service = service.and_then(|one| one.app.as_ref()).filter(|app| apps.contains(app));
            match of_service {
                Some(app) if app != name && apps.contains(name) => {
                    return Err(Error::new(
                        Kind::Usage,
                        format!(
                            "{name} is an app of this host, and a service of this folder whose app is {app}"
                        ),
                    )
                    .hint("go to another folder to mean the app of that name"));
                }
                Some(app) => return Ok(app.clone()),
                None if apps.contains(name) => return Ok(name.clone()),
                None => {}
            }
            let error = Error::new(Kind::Usage, format!("there is no app {name} on this host"));
            return Err(match apps.as_slice() {
                [] => error.hint("nothing has been deployed here yet: bgd deploy IMAGE"),
                _ => error.hint(format!("there are: {}", list(apps.iter()))),
            });
        }
        // Whatever is wrong with the configuration must not stand in the way of a rollback.
        if let Ok(Some(Files::Own(path))) = Source::default().find(self)
            && let Ok(app) = config::load(&path, &self.env)
            && apps.contains(&app.name)
        {
            return Ok(app.name);
        }
        let services = self.services_here();
        let here: Vec<&AppName> =
            services.iter().filter_map(|one| one.app.as_ref()).filter(|app| apps.contains(app)).collect();
        match here.as_slice() {
            [] => {}
            [app] => return Ok((*app).clone()),
            several => {
                return Err(Error::new(Kind::Usage, "this project has more than one app")
                    .hint(format!("name one: {}", list(several.iter().copied()))));
            }
        }
        match apps.as_slice() {
            [app] => Ok(app.clone()),
            [] => Err(Error::new(Kind::Usage, "nothing has been deployed on this host yet")
                .hint("bgd deploy IMAGE")),
            _ => Err(Error::new(Kind::Usage, "there is more than one app on this host")
                .hint(format!("name one: {}", list(apps.iter())))),
        }
    }
}

/// The configuration of an app as its records know it.
pub(super) fn recorded(records: &AppStore) -> Result<Option<App>> {
    let number = match records.state()?.live() {
        Some(live) => Some(live),
        None => records.numbers()?.last().copied(),
    };
    let release = number.map(|number| records.release(number)).transpose()?.flatten();
    Ok(release.map(|release| release.app))
}

fn no_app(image: Option<&ImageRef>, wanted: Option<&AppName>, apps: &[App]) -> Error {
    let nowhere = "neither in a bgd.yaml or a compose file of this folder nor in the records";
    let what = match (wanted, image) {
        (Some(name), _) => format!("there is no app {name}, {nowhere}"),
        (None, Some(image)) => format!("no app runs {}, {nowhere}", image.repository()),
        (None, None) => {
            "this folder has no bgd.yaml and no service with x-bgd, and no image and no app was named"
                .to_owned()
        }
    };
    let error = Error::new(Kind::Config, what)
        .hint("go to the project's folder, or name its configuration with -f FILE");
    if apps.is_empty() {
        error
    } else {
        error.hint(format!("known apps: {}", list(apps.iter().map(|app| &app.name))))
    }
}

fn list<'a>(names: impl Iterator<Item = &'a AppName>) -> String {
    names.map(AppName::as_str).collect::<Vec<_>>().join(", ")
}
