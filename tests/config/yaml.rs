use std::time::{Duration, Instant};

use crate::support::{parsed, with};

#[test]
fn a_yaml_bomb_is_refused_before_it_goes_off() {
    let mut text = "x-a: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("x-{level}: &a{level} [{inner}]\n"));
    }
    let started = Instant::now();
    let diagnostics = parsed(&text).unwrap_err().to_string();
    assert!(diagnostics.contains("more than 10000 values"), "{diagnostics}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn deep_nesting_is_refused_without_a_stack_overflow() {
    for text in ["[".repeat(100_000), "a: ".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
        assert!(parsed(&text).unwrap_err().to_string().contains("not valid YAML"));
    }
}

#[test]
fn an_anchor_within_itself_is_refused() {
    let diagnostics = parsed("x-a: &a [*a]\n").unwrap_err().to_string();
    assert!(diagnostics.contains("bgd.yaml:1:10"), "{diagnostics}");
}

#[test]
fn the_value_of_a_variable_never_becomes_structure() {
    let app = parsed(&with("user: ${USER_NAME:-app}\nhealth:\n  http: /x\n  interval: ${INTERVAL}\ncommand: ['${STRUCTURE}', \"${COLON}\"]\nenv: { A: \"${STRUCTURE}\" }\n"))
        .unwrap();
    assert!(!app.container.privileged);
    assert_eq!(app.container.command.unwrap(), ["x\nprivileged: true", "a: [b, {c"]);
    assert_eq!(app.container.env["A"].expose(), "x\nprivileged: true");
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_fine() {
    let text = format!("\u{feff}{}", with("env: { A: b }\n").replace('\n', "\r\n"));
    assert_eq!(parsed(&text).unwrap().container.env["A"].expose(), "b");
}
