use crate::server::{OK, always};
use std::process::{Command, Output, Stdio};

fn bgd_load(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgd-load"));
    command.args(args).stdin(Stdio::null());
    command
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn ends_with_0_and_a_report_when_nothing_failed() {
    let target = always(OK).to_string();
    let args = ["--target", &target, "--kind", "keepalive=2", "--duration", "200ms"];
    let output = bgd_load(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(" 0 failed in ") && said.contains("by version 1.0"), "{said}");
}

#[test]
fn ends_with_1_when_a_request_failed() {
    let target = always("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n").to_string();
    let args = ["--target", &target, "--kind", "keepalive=1", "--duration", "200ms", "--output", "json"];
    let output = bgd_load(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output)["failures"][0]["kind"], "status-500");
}

#[test]
fn stops_when_the_standard_input_closes() {
    let target = always(OK).to_string();
    let args = ["--target", &target, "--kind", "slow=1", "--until-stdin-closes", "--output", "json"];
    let started = std::time::Instant::now();
    let output = bgd_load(&args).output().unwrap();
    assert!(started.elapsed().as_secs() < 30);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(json(&output)["failed"], 0);
}

#[test]
fn ends_with_2_on_a_wrong_command_line() {
    let output = bgd_load(&["--target", "127.0.0.1:1", "--kind", "fast=1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no such kind of load: fast"));
}
