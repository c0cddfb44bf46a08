//! docs/ci.md says what is so: every exit code, every event with every field, every step, and examples that are real.

use std::collections::BTreeMap;

use bgd::cli::EXIT_CODES;
use bgd::event::FORMAT;
use bgd::step::Step;
use serde_json::{Map, Value};

use crate::events;

const PAGE: &str = include_str!("../../docs/ci.md");
const README: &str = include_str!("../../README.md");

/// The part of the page below a heading, up to the next one.
pub fn section(heading: &str) -> &'static str {
    let from = PAGE.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("the page has no {heading:?}"));
    let text = &PAGE[from + heading.len() + 2..];
    text.find("\n#").map_or(text, |end| &text[..end])
}

/// The cells of the tables in a text, without their heads.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let mut rows: Vec<_> = cells.collect();
    let rule = rows.iter().position(|row| row.iter().all(|cell| cell.starts_with('-')));
    rows.drain(..=rule.expect("no table"));
    rows
}

fn code(cell: &str) -> &str {
    cell.strip_prefix('`')
        .and_then(|cell| cell.strip_suffix('`'))
        .unwrap_or_else(|| panic!("{cell} is no code"))
}

/// The fields of a table, with their types.
fn fields(text: &str) -> BTreeMap<&str, &str> {
    rows(text).into_iter().map(|row| (code(row[0]), row[1])).collect()
}

fn is_of(value: &Value, kinds: &str) -> bool {
    kinds.split(" or ").any(|kind| match kind {
        "string" => value.is_string(),
        "number" => value.is_u64(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    })
}

#[track_caller]
fn assert_fields(name: &str, value: &Map<String, Value>, documented: &BTreeMap<&str, &str>) {
    for (key, value) in value {
        let kinds =
            documented.get(key.as_str()).unwrap_or_else(|| panic!("{name}: the field {key} is missing"));
        assert!(is_of(value, kinds), "{name}: {key} is {value}, not {kinds}");
    }
    for key in documented.keys() {
        assert!(value.contains_key(*key), "{name}: there is no field {key}");
    }
}

#[test]
fn every_exit_code_is_there_with_what_to_do_and_no_other() {
    let rows = rows(section("## Exit codes"));
    let documented: Vec<(u8, &str)> =
        rows.iter().map(|row| (row[0].parse().unwrap(), code(row[1]))).collect();
    let mut real = vec![(0, "done")];
    real.extend(EXIT_CODES.map(|(_, class, code)| (code, class)));
    assert_eq!(documented, real);
    for row in &rows {
        assert!(row.len() == 5 && row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
    for (_, class, code) in EXIT_CODES {
        assert!(README.contains(&format!("| {code} | `{class}` |")), "the README has no {class}");
    }
}

#[test]
fn every_event_is_there_with_its_fields_and_no_other() {
    let all = events::all();
    let mut names = Vec::new();
    for event in &all {
        let Value::Object(mut value) = serde_json::to_value(event).unwrap() else { panic!("{event:?}") };
        let name = value.remove("event").unwrap().as_str().unwrap().to_owned();
        assert_fields(&name, &value, &fields(section(&format!("### `{name}`"))));
        names.push(name);
    }
    let documented: Vec<&str> = PAGE.lines().filter_map(|line| line.strip_prefix("### ").map(code)).collect();
    assert_eq!(documented, names);
}

#[test]
fn the_example_of_every_event_is_one() {
    let common = fields(section("## JSON events"));
    for event in events::all() {
        let real = serde_json::to_value(&event).unwrap();
        let name = real["event"].as_str().unwrap();
        let text = section(&format!("### `{name}`"));
        let blocks: Vec<&str> = text.split("```json\n").skip(1).collect();
        assert_eq!(blocks.len(), 1, "{name}");
        let line = blocks[0].split("\n```").next().unwrap();
        assert_eq!(line.lines().count(), 1, "{name}");
        let Value::Object(example) = serde_json::from_str(line).unwrap() else { panic!("{name}") };
        let mut documented = fields(text);
        documented.extend(&common);
        assert_fields(name, &example, &documented);
        assert_eq!(example["event"], name);
        assert_eq!(example["format"], FORMAT, "{name}");
        example["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        // What is within an array is as in the real one.
        for (key, value) in &example {
            if let (Some(shown), Some(real)) = (value.get(0), real[key].get(0)) {
                let keys =
                    |value: &Value| value.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>());
                assert_eq!(keys(shown), keys(real), "{name}: {key}");
            }
        }
        for step in example.get("steps").and_then(Value::as_array).into_iter().flatten() {
            assert!(Step::ALL.iter().any(|one| one.as_str() == step), "{name}: {step} is no step");
        }
    }
}

#[test]
fn every_step_is_there_and_no_other() {
    let documented: Vec<&str> = rows(section("## The steps")).iter().map(|row| code(row[0])).collect();
    assert_eq!(documented, Step::ALL.map(Step::as_str));
}

#[test]
fn what_a_section_names_is_what_it_can_be() {
    let named = |event: &str, field: &str| {
        let rows = rows(section(&format!("### `{event}`")));
        let row = rows.into_iter().find(|row| code(row[0]) == field).unwrap();
        row[2].split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let text = |value: Value| value.as_str().unwrap().to_owned();
    use bgd::event::Thing::{Container, Image, Journal, Record, Volume};
    use bgd::record::Cause::{Adopt, Deploy, Recover, Rollback};
    let things =
        [Container, Record, Journal, Image, Volume].map(|one| text(serde_json::to_value(one).unwrap()));
    assert_eq!(named("surplus", "thing"), things);
    let causes = [Deploy, Rollback, Adopt, Recover].map(|one| text(serde_json::to_value(one).unwrap()));
    assert_eq!(named("begin", "cause"), causes);
}
