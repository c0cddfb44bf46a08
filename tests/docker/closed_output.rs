//! Whoever reads the output goes away: the deploy goes on.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use bgd_testkit::{images, poll_until};

use crate::scene::{Nginx, Route, Scene, nothing_lost};

/// Runs bgd with both outputs into one pipe, whose reader goes away when this text has come. Returns the exit code.
fn closed_at(scene: &Scene, args: &[&str], text: Option<&str>) -> Option<i32> {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = scene.bgd.command(&scene.bgd.project(), args);
    command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    // The command holds the writing ends; with them here the reader would never see the end.
    drop(command);
    if let Some(text) = text {
        let mut lines = BufReader::new(reader).lines();
        assert!(lines.any(|line| line.unwrap().contains(text)), "{args:?}: no {text:?}");
    } else {
        drop(reader);
    }
    let mut code = None;
    poll_until(Duration::from_secs(60), || {
        code = child.try_wait().unwrap();
        code.is_some()
    });
    code.and_then(|status| status.code())
}

#[test]
fn a_reader_that_goes_away_at_any_step_ends_no_deploy() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("drain: { timeout: 2s }\nretire: stop\nwatch: { window: 1s }\n");
    scene.first("1.0");
    let load = scene.mixed();
    let cases = [
        ("json", None),
        ("json", Some("\"event\":\"begin\"")),
        ("json", Some("\"step-done\",\"step\":\"switch\"")),
        ("line", None),
        ("line", Some("ready")),
        ("auto", Some("verify")),
    ];
    for (at, (output, text)) in cases.iter().enumerate() {
        let version = ["1.1", "1.2"][at % 2];
        let args = ["deploy", &images().app(version), "--output", output];
        assert_eq!(closed_at(&scene, &args, *text), Some(0), "{output}, closed at {text:?}");
        scene.assert_clean(u32::try_from(at).unwrap() + 2);
        assert_eq!(scene.served().as_deref(), Some(version), "{output}, closed at {text:?}");
    }
    for args in [["status", "--json"].as_slice(), &["status"], &["plan", &images().app("1.1")]] {
        assert_eq!(closed_at(&scene, args, None), Some(0), "{args:?}");
    }
    nothing_lost(&load.stop());
}
