use std::path::PathBuf;

use super::find::{Wanted, with_dotenv};
use super::located::{Located, place};
use super::tool::Tool;
use super::translate::{Translated, translate};
use super::{extension, harmless, name, own};
use crate::config::app::APP_NAME;
use crate::config::context::Context;
use crate::config::node::{Node, Value};
use crate::config::{Diagnostic, Env, app, read_file};
use crate::error::{Error, Kind, Result};
use crate::model::{App, AppName, ComposeService, Dependency, ImageRef};

/// A service that bgd deploys: one with `x-bgd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// The service.
    pub service: String,
    /// The app that it is: `app` of `x-bgd`, or `PROJECT-SERVICE`. `None` when neither is a name.
    pub app: Option<AppName>,
    /// Its image, where one is written that can be read.
    pub image: Option<ImageRef>,
}

/// A compose project with its files resolved.
pub struct Project {
    /// Its name.
    pub name: String,
    /// The files, as they were named.
    pub files: Vec<PathBuf>,
    /// Who resolved them.
    pub tool: Tool,
    /// The variables that are not set, for which compose took an empty text.
    pub unset: Vec<String>,
    located: Located,
    /// What compose printed; bgd itself goes by what the files have.
    printed: Option<Node>,
    env: fn(&str) -> Option<String>,
}

impl Project {
    /// Reads and resolves the files of a project.
    ///
    /// # Errors
    /// Of kind `Config`: what compose or bgd does not take, with file and line where they are known.
    pub fn open(files: Vec<PathBuf>, wanted: &Wanted, env: fn(&str) -> Option<String>) -> Result<Self> {
        let tool = Tool::present(&env)?;
        if tool == Tool::Own && files.len() > 1 {
            return Err(Error::new(
                Kind::Config,
                "several compose files are put together by compose, which does not answer here",
            )
            .hint("install the Compose plugin of Docker, or docker-compose"));
        }
        let located = Located::read(&files, tool != Tool::Own)?;
        if !located.problems.is_empty() {
            return Err(located.diagnostics(located.problems.clone()).into());
        }
        let (printed, unset) = match tool {
            Tool::Own => (None, Vec::new()),
            tool => {
                let profiles = profiles(&located, wanted);
                let (tree, unset) = tool.resolve(&files, wanted.project.as_deref(), &profiles)?;
                (Some(tree), unset)
            }
        };
        let printed_name = printed.as_ref().and_then(|root| root.get("name")?.scalar());
        let name = match printed_name {
            Some(scalar) => scalar.text.clone(),
            None => named(&located, wanted, tool == Tool::One, &env)?,
        };
        Ok(Self { name, files, tool, unset, located, printed, env })
    }

    /// The services that bgd deploys, in the order of their names.
    pub fn managed(&self) -> Vec<Managed> {
        let root = self.printed.as_ref().or(self.located.trees.first());
        let mut found = root.map(|root| managed_in(root, &self.name)).unwrap_or_default();
        if self.tool == Tool::One {
            // See `extension::restore`.
            let all = self.services();
            let written = managed_in_files(&self.located, &self.name).into_iter();
            let lost = written.filter(|one| all.contains(&one.service.as_str()));
            let lost: Vec<_> =
                lost.filter(|one| !found.iter().any(|known| known.service == one.service)).collect();
            found.extend(lost);
        }
        found
    }

    /// The names of all its services.
    pub fn services(&self) -> Vec<&str> {
        let root = self.printed.as_ref().or(self.located.trees.first());
        let Some(Value::Map(entries)) = root.and_then(|root| root.get("services")).map(|node| &node.value)
        else {
            return Vec::new();
        };
        entries.iter().map(|(key, _)| key.text.as_str()).collect()
    }

    /// The app that a service describes.
    ///
    /// # Errors
    /// Of kind `Config`: everything that is wrong with the service and its `x-bgd`, with file, line and column.
    pub fn app(&self, service: &str) -> Result<App> {
        self.app_with_remarks(service).map(|(app, _)| app)
    }

    /// The same with warnings and notes, for commands that tell them.
    ///
    /// # Errors
    /// Those of [`Project::app`].
    pub fn app_with_remarks(&self, service: &str) -> Result<(App, Vec<Diagnostic>)> {
        let folder = self.located.folder().to_owned();
        let env = with_dotenv(&folder, &self.env);
        let mut problems = self.located.problems.clone();
        self.located.service(service).into_iter().for_each(|node| harmless::show(&mut problems, node));
        self.located.at(&["include"]).into_iter().for_each(|node| problems.public(node));
        let mut cx = Context { problems, folder: &folder, env: &env, read_file: &read_file };
        let around = self.located.service_span(service);
        let root = match &self.printed {
            Some(root) => root.clone(),
            None => {
                let mut root =
                    self.located.trees.first().cloned().unwrap_or(Node { span: around, value: Value::Null });
                own::resolve(&mut cx, &mut root, service);
                root
            }
        };
        let node = root.get("services").and_then(|services| services.get(service)).ok_or_else(|| {
            Error::new(Kind::Usage, format!("the project {} has no service {service}", self.name))
                .hint(format!("it has: {}", self.services().join(", ")))
        })?;
        let node = match &self.printed {
            Some(_) => {
                let mut node = node.clone();
                extension::restore(&mut cx, &mut node, &self.located.service(service));
                place(node, &self.located.service(service), around, service)
            }
            None => node.clone(),
        };
        let mut translated = translate(&mut cx, &root, &self.name, service, &node, around);
        self.name_app(&mut cx, &mut translated, service, &node);
        let read = app::read(&mut cx, &translated.root, "x-bgd");
        match read {
            Some(app) if cx.problems.is_empty() => {
                Ok((self.complete(app, translated, service), self.located.remarks(cx.problems)))
            }
            _ => Err(self.located.diagnostics(cx.problems).into()),
        }
    }

    /// The app's name, where `x-bgd` does not say it.
    fn name_app(&self, cx: &mut Context<'_>, translated: &mut Translated, service: &str, node: &Node) {
        let given = node.get("x-bgd").and_then(|own| own.get("app")).is_some_and(|node| !node.is_empty());
        if given {
            return;
        }
        let span = translated.root.span;
        let Some(name) = name::default_app(&self.name, service) else {
            let remedy = match name::suggested_app(&self.name, service) {
                Some(name) => format!("write \"app: {name}\" into x-bgd, or another name"),
                None => "write \"app: NAME\" into x-bgd".to_owned(),
            };
            cx.problems
                .add(span, format!("{}-{service} cannot be the name of an app", self.name))
                .expected(APP_NAME)
                .hint(remedy);
            // So that nothing else is said of it.
            super::translate::put_text(&mut translated.root, "app", span, "app");
            return;
        };
        super::translate::put_text(&mut translated.root, "app", span, name.as_str());
    }

    fn complete(&self, mut app: App, translated: Translated, service: &str) -> App {
        let managed = self.managed();
        let depends_on = translated.depends_on.into_iter().map(|(service, condition, required)| {
            let app = managed.iter().find(|one| one.service == service).and_then(|one| one.app.clone());
            Dependency { service, condition, required, app }
        });
        app.container.expose = translated.expose;
        app.container.health = translated.check;
        app.compose = Some(ComposeService {
            command: self.tool.words().join(" "),
            project: self.name.clone(),
            service: service.to_owned(),
            depends_on: depends_on.collect(),
            external: translated.external,
            started_by_up: translated.started_by_up,
        });
        app
    }
}

/// The services that bgd deploys, read from the files alone, for commands that need no more than a name.
///
/// # Errors
/// Of kind `Config` when a file cannot be read, or the project has no name.
pub fn managed(files: &[PathBuf], wanted: &Wanted, env: fn(&str) -> Option<String>) -> Result<Vec<Managed>> {
    let located = Located::read(files, true)?;
    let name = named(&located, wanted, false, &env)?;
    Ok(managed_in_files(&located, &name))
}

fn managed_in_files(located: &Located, project: &str) -> Vec<Managed> {
    let mut found: Vec<Managed> = Vec::new();
    for one in located.trees.iter().rev().flat_map(|tree| managed_in(tree, project)) {
        if !found.iter().any(|known| known.service == one.service) {
            found.push(one);
        }
    }
    found
}

fn managed_in(root: &Node, project: &str) -> Vec<Managed> {
    let Some(Value::Map(services)) = root.get("services").map(|node| &node.value) else { return Vec::new() };
    let of = |(key, node): &(crate::config::node::Key, Node)| {
        let own = node.get("x-bgd")?;
        let text = |node: Option<&Node>| Some(node?.scalar()?.text.clone());
        let app = match text(own.get("app")) {
            Some(name) => AppName::parse(&name).ok(),
            None => name::default_app(project, &key.text),
        };
        let image = text(node.get("image")).and_then(|image| ImageRef::parse(&image).ok());
        Some(Managed { service: key.text.clone(), app, image })
    };
    services.iter().filter_map(of).collect()
}

fn named(located: &Located, wanted: &Wanted, one: bool, env: Env<'_>) -> Result<String> {
    let env = with_dotenv(located.folder(), env);
    let in_files = located.at(&["name"]).into_iter().find_map(|node| node.scalar());
    let in_files = in_files.map(|scalar| scalar.text.as_str());
    name::project_name(wanted.project.as_deref(), in_files, located.folder(), one, &env)
}

/// The profiles to turn on: those that were named, and those that keep bgd's own services from compose.
fn profiles(located: &Located, wanted: &Wanted) -> Vec<String> {
    let mut profiles = wanted.profiles.clone();
    let services = located.at(&["services"]).into_iter().filter_map(|node| match &node.value {
        Value::Map(entries) => Some(entries),
        _ => None,
    });
    for (_, service) in services.flatten().filter(|(_, service)| service.get("x-bgd").is_some()) {
        let listed = service.get("profiles").map(|node| match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        });
        for name in listed.unwrap_or_default().iter().filter_map(|node| Some(&node.scalar()?.text)) {
            if !profiles.contains(name) {
                profiles.push(name.clone());
            }
        }
    }
    // What is named on the command line replaces what the environment names.
    if !profiles.is_empty() && wanted.profiles.is_empty() {
        let more = std::env::var("COMPOSE_PROFILES").unwrap_or_default();
        profiles.extend(more.split(',').filter(|name| !name.is_empty()).map(str::to_owned));
    }
    profiles
}
