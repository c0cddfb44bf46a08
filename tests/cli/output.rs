use std::process::Stdio;

use bgd::model::Outcome;

use crate::host::Host;

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    let host = Host::new();
    let many = vec![(Outcome::Deployed, true); 9];
    host.record("api", &many).await;
    for args in [
        ["history"].as_slice(),
        &["history", "--json"],
        &["show", "api", "1"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut child = host.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.is_empty(), "{args:?}: {text}");
        assert_ne!(output.status.code(), Some(101), "{args:?}");
    }
}

#[test]
fn errors_are_one_object_a_line_with_output_json() {
    let output = Host::new().run(&["--output", "json", "rollback"]);
    assert_eq!(output.status.code(), Some(10));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.last().unwrap();
    assert_eq!(last["event"], "failed", "{text}");
    assert_eq!(last["code"], 10, "{text}");
    assert_eq!(last["class"], "nothing-to-roll-back", "{text}");
}

#[test]
fn a_pipe_gets_no_colour_whether_or_not_it_is_asked_for() {
    for no_color in [None, Some("1")] {
        let host = Host::new();
        let mut command = host.command(&["rollback"]);
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let output = command.output().unwrap();
        assert!(!output.stderr.contains(&0x1b), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_version_is_told() {
    let output = Host::new().run(&["--version"]);
    let version = format!("bgd {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), version);
}
