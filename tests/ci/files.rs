//! The files to copy, against what their CI systems publish about them.

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::yaml;

pub const GITHUB: &str = include_str!("../../examples/ci/github-actions.yml");
pub const GITLAB: &str = include_str!("../../examples/ci/gitlab-ci.yml");
pub const WOODPECKER: &str = include_str!("../../examples/ci/woodpecker.yml");

const SCHEMAS: [(&str, &str, &str); 3] = [
    ("github-actions.yml", GITHUB, include_str!("fixtures/github-workflows.json")),
    ("gitlab-ci.yml", GITLAB, include_str!("fixtures/gitlab-ci.json")),
    ("woodpecker.yml", WOODPECKER, include_str!("fixtures/woodpecker-ci.json")),
];

/// What a schema finds wrong with a file.
fn faults(schema: &str, file: &Value) -> Option<String> {
    let mut compiler = Compiler::new();
    compiler.add_resource("schema.json", serde_json::from_str(schema).unwrap()).unwrap();
    let mut schemas = Schemas::new();
    let index = compiler.compile("schema.json", &mut schemas).unwrap();
    schemas.validate(file, index).err().map(|error| format!("{error:#}"))
}

#[test]
fn every_file_is_what_its_ci_takes() {
    for (name, text, schema) in SCHEMAS {
        assert_eq!(faults(schema, &yaml::read(text)), None, "{name}");
    }
    let here = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ci")).unwrap();
    assert_eq!(here.count(), SCHEMAS.len(), "a file that nobody looks at");
}

/// A schema that takes everything would find nothing above.
#[test]
fn a_key_that_is_wrong_is_found_in_each() {
    let wrong: [(usize, &str, Value); 8] = [
        (0, "/jobs/deploy/runs-on", json!(3)),
        (0, "/jobs/deploy/steps/0", json!({ "use": "actions/checkout@v7" })),
        (0, "/concurrency/cancel-in-progress", json!("never")),
        (1, "/deploy/retry", json!({ "maximum": 1 })),
        (1, "/rollback/rules/0/when", json!("by hand")),
        (1, "/deploy/script", json!({ "run": "bgd" })),
        (2, "/steps/0/commands", json!({ "run": "bgd" })),
        (2, "/concurrency", json!({ "group": "production", "limits": 1 })),
    ];
    for (at, pointer, value) in wrong {
        let (name, text, schema) = SCHEMAS[at];
        let mut file = yaml::read(text);
        *file.pointer_mut(pointer).unwrap_or_else(|| panic!("{name} has no {pointer}")) = value;
        assert!(faults(schema, &file).is_some(), "{name}: a wrong {pointer} is taken");
    }
}

#[test]
fn deploys_stand_in_line_and_none_is_cancelled_half_way() {
    let [github, gitlab, woodpecker] = [GITHUB, GITLAB, WOODPECKER].map(yaml::read);
    assert_eq!(github["concurrency"]["cancel-in-progress"], false);
    assert_eq!(gitlab[".host"]["interruptible"], false);
    assert!(gitlab[".host"]["resource_group"].is_string());
    assert_eq!(woodpecker["concurrency"]["limit"], 1);
    for job in ["deploy", "rollback"] {
        assert_eq!(gitlab[job]["extends"], ".host");
    }
    // A tag can be named so that it would be a command, were it written into the script.
    for text in [GITHUB, GITLAB, WOODPECKER] {
        for line in text.lines().filter(|line| line.contains("bgd ") && !line.trim_start().starts_with('#')) {
            assert!(!line.contains("${{"), "{line}");
        }
    }
    assert!(!WOODPECKER.replace("$$", "").contains("${"), "Woodpecker would write it into the script");
}
