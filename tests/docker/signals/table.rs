use std::collections::BTreeMap;

use super::cell::Way;

/// What became of a deploy, by the step in which it was interrupted and the way.
pub struct Table {
    cells: BTreeMap<(&'static str, &'static str), String>,
    lost: BTreeMap<&'static str, String>,
}

impl Table {
    pub fn new(title: &str) -> Self {
        let names: Vec<_> = Way::ALL.iter().map(|way| format!("{:16}", way.name())).collect();
        println!("\n{title}\n{:8} │ {} │ requests, failed", "", names.join(" │ "));
        Self { cells: BTreeMap::new(), lost: BTreeMap::new() }
    }

    pub fn add(&mut self, step: &'static str, way: Way, result: &str) {
        self.cells.insert((step, way.name()), result.to_owned());
    }

    pub fn lost(&mut self, step: &'static str, answered: u64, failed: u64) {
        self.lost.insert(step, format!("{answered}, {failed}"));
    }

    /// Prints a row as soon as it is known: a test that fails shows how far it came.
    pub fn print_row(&self, step: &'static str) {
        let cells = Way::ALL.iter().map(|way| {
            // Not every way is tried in every step.
            format!("{:16}", self.cells.get(&(step, way.name())).map_or("", String::as_str))
        });
        let cells: Vec<_> = cells.collect();
        println!("{step:8} │ {} │ {}", cells.join(" │ "), self.lost[step]);
    }
}
