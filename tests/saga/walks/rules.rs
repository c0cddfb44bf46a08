//! What no command may do, looked at before each call and after each that changes something.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::{Rc, Weak};

use bgd::docker::fake::Fake;
use bgd::error::Result;

use super::edges::{Edges, Place, Served};
use super::moments::Moments;

/// A place at a proxy's container.
type At = (String, Place);

pub struct Rules {
    engine: Fake,
    edges: Weak<Edges>,
    pub moments: Moments,
    violations: RefCell<Vec<String>>,
    /// Containers that people made, by their ids.
    strangers: RefCell<BTreeSet<String>>,
    /// Those of them that a person has named in an adopt: bgd may stop them.
    named: RefCell<BTreeSet<String>>,
    /// Volumes that the configurations name, once they are there.
    data: RefCell<BTreeSet<String>>,
    /// What was served when the command began.
    before: RefCell<BTreeMap<At, Served>>,
    /// The containers that the records of the command's user know, by their ids, and those that it has adopted by name.
    known: RefCell<Option<BTreeSet<String>>>,
    /// Apps whose first deploy is open: there is no release to go back to, and to undo it ends what it serves.
    first: RefCell<BTreeSet<String>>,
    /// Apps of which the configuration says that nobody asks the proxy of before any more.
    left: RefCell<BTreeSet<String>>,
}

impl Rules {
    pub fn new(engine: &Fake, edges: &Rc<Edges>) -> Rc<Self> {
        let rules = Rc::new(Self {
            engine: engine.clone(),
            edges: Rc::downgrade(edges),
            moments: Moments::default(),
            violations: RefCell::default(),
            strangers: RefCell::default(),
            named: RefCell::default(),
            data: RefCell::default(),
            before: RefCell::default(),
            known: RefCell::default(),
            first: RefCell::default(),
            left: RefCell::default(),
        });
        rules.guard();
        rules
    }

    /// Stands between bgd and the engine. A kill takes the hooks that it came from with it.
    pub fn guard(self: &Rc<Self>) {
        let rules = Rc::downgrade(self);
        self.engine.before(move |call| match rules.upgrade() {
            Some(rules) => {
                rules.insist(call);
                rules.moments.pass(call)
            }
            None => Ok(()),
        });
        let rules = Rc::downgrade(self);
        self.engine.after(move |call| match rules.upgrade() {
            Some(rules) => {
                rules.look(call);
                rules.moments.pass(call)
            }
            None => Ok(()),
        });
    }

    pub fn passing(&self, call: &str) -> Result<()> {
        self.moments.pass(call)
    }

    pub fn made_by_hand(&self, id: String) {
        self.strangers.borrow_mut().insert(id);
    }

    pub fn named(&self, id: String) {
        self.named.borrow_mut().insert(id);
    }

    pub fn is_stranger(&self, id: &str) -> bool {
        self.strangers.borrow().contains(id)
    }

    pub fn served(&self) -> BTreeMap<At, Served> {
        self.edges.upgrade().map(|edges| edges.served()).unwrap_or_default()
    }

    /// A command begins. `known` are the containers that its user's records tell of; `None` where it is to make records.
    pub fn begin(&self, known: Option<BTreeSet<String>>, first: BTreeSet<String>) {
        *self.first.borrow_mut() = first;
        *self.before.borrow_mut() = self.served();
        *self.known.borrow_mut() = known;
    }

    /// A command has ended, however it did.
    pub fn end(&self) {
        self.look("the end");
        let now = self.served();
        let known = self.known.borrow();
        let Some(known) = &*known else { return };
        for (at, before) in &*self.before.borrow() {
            if let (Ok((number, former)), Some(Ok((_, id)))) = (before, now.get(at))
                && former != id
                && !known.contains(former)
                && !self.engine.glance_at(former).is_some_and(|one| known.contains(&one.name))
            {
                self.violated(format!(
                    "the route of {} was taken from release {number}, which the records of this user do not know",
                    at.1.1
                ));
            }
        }
    }

    pub fn may_end(&self, apps: BTreeSet<String>) {
        *self.left.borrow_mut() = apps;
    }

    pub fn violations(&self) -> Vec<String> {
        self.violations.borrow().clone()
    }

    pub fn violated(&self, rule: String) {
        self.violations.borrow_mut().push(rule);
    }

    /// Whether a call may be made.
    fn insist(&self, call: &str) {
        if std::env::var_os("BGD_WALKS_CALLS").is_some() {
            println!("    {call}");
        }
        let mut words = call.split(' ');
        let (Some(verb @ ("stop" | "remove" | "rename" | "signal")), Some(which)) =
            (words.next(), words.next())
        else {
            return;
        };
        let Some(container) = self.engine.glance_at(which) else { return };
        let name = &container.name;
        if self.is_stranger(&container.id) {
            let is_named = self.named.borrow().contains(&container.id);
            if !(is_named && verb == "stop") {
                self.violated(format!("{call}: {name} was made by hand"));
            }
        }
        if verb == "rename" {
            return;
        }
        for ((_, place), served) in self.served() {
            if served.is_ok_and(|(_, id)| id == container.id) {
                self.violated(format!(
                    "{call}: {name} is what a proxy routes the requests of {} to",
                    place.1
                ));
            }
        }
    }

    /// Whether all is served that was when the command began.
    pub fn look(&self, call: &str) {
        const CHANGES: [&str; 12] = [
            "stop", "remove", "rename", "signal", "start", "create", "stage", "switch", "restore", "forget",
            "the", "launch",
        ];
        if !CHANGES.contains(&call.split(' ').next().unwrap_or_default()) {
            return;
        }
        let now = self.served();
        let is_served = |app: &str| now.iter().any(|((_, place), served)| place.1 == app && served.is_ok());
        for (at, before) in &*self.before.borrow() {
            let app = at.1.1.as_str();
            match now.get(at) {
                _ if before.is_err() || self.first.borrow().contains(app) => {}
                Some(Err((_, why))) => {
                    self.violated(format!("after {call}: clients of {app} get an error: {why}"))
                }
                None if !is_served(app) && !self.left.borrow().contains(app) => {
                    self.violated(format!("after {call}: {app} is not served any more"))
                }
                _ => {}
            }
        }
        let volumes = self.engine.volumes();
        let holds_data = |volume: &&String| volume.ends_with("-data");
        self.data.borrow_mut().extend(volumes.iter().filter(holds_data).cloned());
        for gone in self.data.borrow().iter().filter(|volume| !volumes.contains(volume)) {
            self.violated(format!("after {call}: the volume {gone} is gone, with data"));
        }
    }
}
