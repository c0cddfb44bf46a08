use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::cli::{Session, table};
use crate::event::{Event, Report, Thing};
use crate::model::AppName;
use crate::plan::prune::Fate;

/// Something that looks like surplus.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub app: AppName,
    pub thing: Thing,
    pub name: String,
    pub fate: Fate,
}

impl Row {
    pub(super) fn goes(&self) -> bool {
        matches!(self.fate, Fate::Goes(_))
    }
}

/// Shows what goes on standard output, and tells what stays.
pub(super) fn show(session: &Session, rows: &[Row]) {
    let mut cells = Vec::new();
    for Row { app, thing, name, fate } in rows.iter().cloned() {
        match fate {
            Fate::Goes(why) if session.json => {
                session.report.event(Event::Surplus { app, thing, name, why });
            }
            Fate::Goes(why) => cells.push(vec![app.to_string(), thing.to_string(), name, why]),
            Fate::Stays(why) => session.report.event(Event::Left { app, thing, name, why }),
        }
    }
    if !cells.is_empty() {
        session.print(&table::render(&["APP", "REMOVES", "NAME", "WHY"], &cells));
    }
}

/// Tells what is removed, and counts it.
pub(super) struct Told<'a> {
    report: &'a dyn Report,
    count: RefCell<BTreeMap<Thing, usize>>,
}

impl<'a> Told<'a> {
    pub(super) fn new(report: &'a dyn Report) -> Self {
        Self { report, count: RefCell::default() }
    }

    pub(super) fn removed(&self, app: &AppName, thing: Thing, name: String) {
        *self.count.borrow_mut().entry(thing).or_default() += 1;
        self.report.event(Event::Removed { app: app.clone(), thing, name });
    }

    pub(super) fn left(&self, app: &AppName, thing: Thing, name: String, why: String) {
        self.report.event(Event::Left { app: app.clone(), thing, name, why });
    }

    /// Says how much was removed in all.
    pub(super) fn sum(&self) {
        let count = self.count.borrow();
        let each = count
            .iter()
            .map(|(thing, count)| format!("{count} {thing}{}", if *count == 1 { "" } else { "s" }));
        let each: Vec<_> = each.collect();
        let sum = if each.is_empty() { "nothing".to_owned() } else { each.join(", ") };
        self.report.note(format!("removed: {sum}"));
    }
}
