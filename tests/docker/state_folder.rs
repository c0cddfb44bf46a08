//! The folder of the records is read-only, or its disk is full: what cannot be announced does not happen.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bgd_testkit::{Bgd, Outcome, images};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::scene::{Nginx, Route, Scene, nothing_lost};

const SOON: Duration = Duration::from_secs(60);

/// A disk of its own for a folder.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    fn on(folder: PathBuf, kilobytes: u32) -> Self {
        let options = format!("size={kilobytes}k,mode=0700");
        mount(Some("tmpfs"), &folder, Some("tmpfs"), MsFlags::empty(), Some(options.as_str())).unwrap();
        Self { folder }
    }

    fn set_read_only(&self, is_read_only: bool) {
        let flag = if is_read_only { MsFlags::MS_RDONLY } else { MsFlags::empty() };
        mount(None::<&Path>, &self.folder, None::<&Path>, MsFlags::MS_REMOUNT | flag, None::<&Path>).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.filler()).unwrap();
        while file.write(&[1; 1024]).is_ok_and(|written| written > 0) {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = umount2(&self.folder, MntFlags::MNT_DETACH);
    }
}

fn scene() -> (Scene, Disk) {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("drain: { timeout: 2s }\nretire: stop\nwatch: { window: 1s }\n");
    let disk = Disk::on(scene.bgd.state_dir(), 512);
    scene.first("1.0");
    (scene, disk)
}

#[track_caller]
fn tells(outcome: &Outcome, scene: &Scene, cause: &str, remedy: &str) {
    let folder = scene.bgd.state_dir().display().to_string();
    for text in [folder.as_str(), cause, remedy] {
        assert!(outcome.stderr.contains(text), "no {text:?} in\n{}", outcome.stderr);
    }
}

#[test]
fn a_folder_that_is_read_only_stops_every_change_and_hides_nothing() {
    let (scene, disk) = scene();
    let load = scene.mixed();
    disk.set_read_only(true);
    for outcome in [scene.deploy("1.1"), scene.rollback()] {
        tells(&outcome.code(1), &scene, "Read-only file system", "writable");
    }
    assert_eq!(scene.containers().len(), 1);
    scene.assert_clean(1);
    scene.bgd.run(&["history", &scene.app]).ok();
    scene.bgd.run(&["plan", &images().app("1.1")]).ok();
    disk.set_read_only(false);
    scene.deploy("1.1").ok();
    scene.assert_clean(2);
    assert_eq!(scene.served().as_deref(), Some("1.1"));
    nothing_lost(&load.stop());
}

#[test]
fn a_disk_that_gets_full_at_a_step_loses_nothing() {
    let (scene, disk) = scene();
    let load = scene.mixed();
    let (mut live, mut version) = (1, "1.0");
    for step in ["none", "create", "ready", "stage", "switch", "watch", "record", "retire"] {
        let next = if version == "1.0" { "1.1" } else { "1.0" };
        let args = ["deploy", &images().app(next), "--output", "json"];
        let outcome = if step == "none" {
            disk.fill();
            scene.bgd.run(&args)
        } else {
            let mut deploy = scene.bgd.spawn(&args);
            deploy.wait_for(&format!("\"event\":\"step-started\",\"step\":\"{step}\""), SOON);
            disk.fill();
            deploy.wait(SOON)
        };
        let code = outcome.code;
        println!("full at {step}: exit code {code:?}: {}", outcome.stderr.lines().next().unwrap_or_default());
        if code != Some(0) {
            assert!(matches!(code, Some(1 | 11)), "full at {step}: {code:?}\n{}", outcome.stderr);
            tells(&outcome, &scene, "No space left on device", "make room for");
        }
        let served = scene.served();
        assert!(
            served.as_deref().is_some_and(|served| [version, next].contains(&served)),
            "{step}: {served:?}"
        );
        disk.make_room();
        scene.bgd.run(&["recover", &scene.app, "--yes"]).ok();
        let status = scene.status();
        let now = u32::try_from(status["live"].as_u64().unwrap()).unwrap();
        if now != live {
            (live, version) = (now, next);
        }
        scene.assert_clean(live);
        assert_eq!(scene.served().as_deref(), Some(version), "full at {step}");
        // After the record it only goes forward, before the stage it cannot.
        match step {
            "none" | "create" | "ready" => assert_ne!(version, next, "full at {step}"),
            "record" | "retire" => assert_eq!(version, next, "full at {step}"),
            _ => {}
        }
    }
    nothing_lost(&load.stop());
}

/// A user without a name, as a job in CI has: in the group of Docker's socket, and in no file of users.
const NAMELESS: u32 = 41234;

#[test]
fn another_user_of_the_engine_changes_nothing_of_what_root_has_deployed() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    let other = Bgd::on(scene.run.docker(), env!("CARGO_BIN_EXE_bgd")).as_user(NAMELESS);
    other.write("bgd.yaml", &text);
    let image = images().app("1.1");
    let load = scene.mixed();
    // With records of its own.
    assert!(other.run(&["status"]).ok().stdout.contains("nothing has been deployed"));
    let refused = other.run(&["deploy", &image, "--no-watch"]).code(11);
    for part in [format!("release 1 of {}", scene.app), "BGD_STATE_DIR".to_owned()] {
        assert!(refused.stderr.contains(&part), "no word of {part}\n{}", refused.stderr);
    }
    other.run(&["rollback", &scene.app]).code(10);
    // With root's.
    let folder = scene.bgd.state_dir();
    let other = other.env("BGD_STATE_DIR", &folder.display().to_string());
    for command in
        [&["status"][..], &["deploy", &image, "--no-watch"], &["rollback", &scene.app], &["recover", "--yes"]]
    {
        let refused = other.run(command).code(1);
        assert!(refused.stderr.contains("run bgd as the user who owns"), "{command:?}\n{}", refused.stderr);
    }
    // Root does not write into a folder of that user's.
    let theirs = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(theirs.path(), Some(NAMELESS), None).unwrap();
    let root = Bgd::on(scene.run.docker(), env!("CARGO_BIN_EXE_bgd"))
        .env("BGD_STATE_DIR", &theirs.path().display().to_string());
    root.write("bgd.yaml", &text);
    let refused = root.run(&["deploy", &image, "--no-watch"]).code(3);
    assert!(refused.stderr.contains(&format!("sudo -u '#{NAMELESS}' bgd")), "{}", refused.stderr);
    nothing_lost(&load.stop());
    scene.assert_clean(1);
}

#[test]
fn a_user_without_a_name_deploys() {
    let mut scene = Scene::new(Nginx::New, Route::Server);
    scene.configure("drain: { timeout: 1s }\n");
    let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    scene.bgd = Bgd::on(scene.run.docker(), env!("CARGO_BIN_EXE_bgd")).as_user(NAMELESS);
    scene.bgd.write("bgd.yaml", &text);
    scene.first("1.0");
    let load = scene.mixed();
    let mut watching = scene.bgd.spawn(&["deploy", &images().app("1.1"), "--window", "60s"]);
    watching.wait_for_requests(1, SOON);
    let refused = scene.bgd.run(&["deploy", &images().app("1.2")]).code(4);
    assert!(refused.stderr.contains(&format!("user {NAMELESS}")), "{}", refused.stderr);
    scene.bgd.run(&["rollback", &scene.app]).ok();
    watching.wait(SOON).code(9);
    scene.deploy("1.1").ok();
    nothing_lost(&load.stop());
    scene.assert_clean(3);
}
