//! The folder of the records is read-only, or its disk is full: what cannot be announced does not happen.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bgd_testkit::{Outcome, images};
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
