//! A machine on which the commands run as they are, with all that they reach in memory but for the records.

use std::any::Any;
use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use async_trait::async_trait;
use bgd::cli::{self, Args, Host, Session};
use bgd::docker::Engine;
use bgd::docker::fake::Fake;
use bgd::error::{Error, Result};
use bgd::event::{Event, Report};
use bgd::proxy::Proxies;
use bgd::record::Store;
use bgd::saga::Cancel;
use bgd::ui::Style;
use clap::Parser;
use futures_util::FutureExt;

use super::edges::Edges;
use super::rules::Rules;
use crate::ticks::Crash;

/// Somebody at a terminal: where he stands, and where his records are.
#[derive(Debug, Clone)]
pub struct Seat {
    pub folder: PathBuf,
    pub state: PathBuf,
}

/// How a command ended, and what it printed.
#[derive(Debug)]
pub struct Ran {
    pub ended: Ended,
    pub printed: String,
    /// Warnings with what they tell to do.
    pub warnings: Vec<(String, Option<String>)>,
}

#[derive(Debug)]
pub enum Ended {
    Well,
    Badly(Error),
    Killed,
    /// It is no command line of bgd's.
    Unknown(String),
}

struct InMemory {
    engine: Fake,
    edges: Rc<Edges>,
    rules: Rc<Rules>,
    seat: Seat,
    printed: Rc<RefCell<String>>,
}

#[async_trait(?Send)]
impl Host for InMemory {
    async fn engine(&self) -> Result<Rc<dyn Engine>> {
        Ok(Rc::new(self.engine.clone()))
    }

    fn proxies(&self, engine: &Rc<dyn Engine>) -> Proxies {
        let (edges, rules) = (Rc::clone(&self.edges), Rc::clone(&self.rules));
        Proxies::opened_by(Rc::clone(engine), move |app| Ok(edges.open(app, &rules)))
    }

    fn store(&self) -> Result<Store> {
        Ok(Store::at(&self.seat.state))
    }

    fn folder(&self) -> &Path {
        &self.seat.folder
    }

    fn cancel(&self) -> Result<Cancel> {
        Ok(self.rules.moments.cancel())
    }

    fn print(&self, text: &str) {
        self.printed.borrow_mut().push_str(text);
    }
}

#[derive(Default)]
struct Told {
    warnings: RefCell<Vec<(String, Option<String>)>>,
}

impl Report for Told {
    fn event(&self, event: Event) {
        if let Event::Warning { message, remedy } = event {
            self.warnings.borrow_mut().push((message, remedy));
        }
    }
}

/// Runs a command line of bgd's.
pub async fn run(
    (engine, edges, rules): (&Fake, &Rc<Edges>, &Rc<Rules>),
    seat: &Seat,
    words: &[String],
) -> Ran {
    let printed = Rc::new(RefCell::new(String::new()));
    let told = Rc::new(Told::default());
    let line = std::iter::once("bgd").chain(words.iter().map(String::as_str));
    let ended = match Args::try_parse_from(line) {
        Err(error) => Ended::Unknown(error.to_string()),
        Ok(args) => {
            let host = InMemory {
                engine: engine.clone(),
                edges: Rc::clone(edges),
                rules: Rc::clone(rules),
                seat: seat.clone(),
                printed: Rc::clone(&printed),
            };
            let report: Rc<dyn Report> = Rc::clone(&told) as Rc<dyn Report>;
            let style = Style { color: false, dumb: true, github: false };
            let session = Session {
                host: Rc::new(host),
                report,
                style,
                json: false,
                env: |_| None,
                turns: RefCell::default(),
                told: RefCell::default(),
            };
            let local = tokio::task::LocalSet::new();
            let work = AssertUnwindSafe(cli::run(args, &session)).catch_unwind();
            match local.run_until(work).await {
                Ok(Ok(())) => Ended::Well,
                Ok(Err(error)) => Ended::Badly(error),
                Err(payload) => killed(payload),
            }
        }
    };
    if matches!(ended, Ended::Killed) {
        rules.guard();
        free_locks(engine);
    }
    Ran { ended, printed: printed.take(), warnings: told.warnings.take() }
}

fn killed(payload: Box<dyn Any + Send>) -> Ended {
    if payload.is::<Crash>() { Ended::Killed } else { std::panic::resume_unwind(payload) }
}

/// All commands are of one process here. Of a process of its own, the next one would find that it is gone.
fn free_locks(engine: &Fake) {
    for container in engine.all().iter().filter(|one| one.name.starts_with("bgd_lock_")) {
        let _ = engine.remove_by_hand(&container.id, true);
    }
}
