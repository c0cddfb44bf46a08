//! The disk of the proxy's folder is full, before the deploy or in the middle of it: the former configuration stays, byte
//! for byte, and is told why.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::ops::Deref;
use std::path::PathBuf;

use bgd_testkit::{ConfigDir, Front, TestRun, images};

use crate::scene::{Means, Nginx, Route, Scene, nothing_lost};

/// The folder as the proxy has it: a file system of a few pages.
struct Disk {
    folder: PathBuf,
    path: &'static str,
}

impl Disk {
    fn of(front: &Front, path: &'static str) -> Self {
        Self { folder: PathBuf::from(format!("/proc/{}/root{path}", front.pid())), path }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join(".filler")
    }

    fn fill(&self) {
        let mut filler = File::create(self.filler()).unwrap();
        while filler.write_all(&[b'x'; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    /// Every file and what it holds, without the one that fills the disk.
    fn content(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(&self.folder).unwrap().map(Result::unwrap);
        let files =
            entries.filter(|entry| entry.file_type().unwrap().is_file() && entry.path() != self.filler());
        // One that bgd has renamed or removed since the folder was read is not there.
        files
            .filter_map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                Some((name, std::fs::read(entry.path()).ok()?))
            })
            .collect()
    }

    /// Fills the disk as soon as what the proxy reads in it is another.
    fn fill_at_a_change(&self) {
        let read =
            || self.content().into_iter().filter(|(name, _)| !name.starts_with('.')).collect::<Vec<_>>();
        let before = read();
        while read() == before {
            std::thread::yield_now();
        }
        self.fill();
    }
}

/// The release that is live; the first one met a full disk.
const LIVE: u32 = 2;

/// Which deploy meets the full disk, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    /// After the first change of the proxy's files and before the next, which is the switch.
    InTheMiddle,
}

#[track_caller]
fn full<P: Deref<Target = Front>>(scene: &Scene<P>, disk: &Disk, when: When, step: &str, title: &str) {
    let (before, containers) = (disk.content(), scene.containers());
    let load = scene.mixed();
    let args = ["deploy", &images().app("1.1"), "--no-watch"];
    let outcome = std::thread::scope(|scope| {
        match when {
            When::Before => disk.fill(),
            When::InTheMiddle => drop(scope.spawn(|| disk.fill_at_a_change())),
        }
        scene.bgd.run(&args)
    });
    let said = &outcome.stderr;
    assert_eq!(outcome.code, Some(8), "{said}");
    for text in
        [disk.path, "No space left", "free some space", "is live, as before", &format!("{step} failed")]
    {
        assert!(said.contains(text), "no {text:?} in\n{said}");
    }
    assert_eq!(scene.served().as_deref(), Some("1.0"));
    assert_eq!(disk.content(), before, "the proxy's files are not as before");
    assert_eq!(scene.containers(), containers, "{said}");
    nothing_lost(&load.stop());
    disk.free();
    scene.assert_clean(LIVE);
    let told = scene.bgd.run(&["history", &scene.app]).ok().stdout;
    assert!(told.contains("No space left"), "{told}");
    println!("{title} | {when:?} | {step} failed with 8 | blue serves, lost none");
}

/// A disk that is full when the first release comes leaves nothing of it.
#[track_caller]
fn full_at_first<P: Deref<Target = Front>>(scene: &Scene<P>, disk: &Disk) {
    let before = disk.content();
    disk.fill();
    let outcome = scene.deploy("1.0").code(8);
    assert!(outcome.stderr.contains("No space left"), "{}", outcome.stderr);
    assert!(scene.containers().is_empty(), "{:?}", scene.containers());
    assert_eq!(disk.content(), before);
    disk.free();
}

fn behind_nginx(nginx: Nginx) -> (Scene, Disk) {
    const PATH: &str = "/etc/nginx/conf.d";
    let scene = Scene::with(TestRun::new(), nginx, Route::Server, |edge| {
        edge.config_dir(ConfigDir::OwnLayer).arg("--tmpfs").arg(&format!("{PATH}:size=64k"))
    });
    let disk = Disk::of(&scene.edge, PATH);
    (scene, disk)
}

#[test]
fn behind_a_new_nginx() {
    let (scene, disk) = behind_nginx(Nginx::New);
    full_at_first(&scene, &disk);
    scene.configure(&super::settings("3s"));
    scene.first("1.0");
    full(&scene, &disk, When::Before, "stage", "disk, nginx");
    full(&scene, &disk, When::InTheMiddle, "switch", "disk, nginx");
    scene.deploy("1.1").ok();
    scene.wait_for("1.1");
    assert!(!disk.content().keys().any(|name| name.ends_with(".space")), "{:?}", disk.content().keys());
}

#[test]
fn behind_an_old_nginx() {
    let (scene, disk) = behind_nginx(Nginx::Old);
    full_at_first(&scene, &disk);
    scene.configure(&super::settings("3s"));
    scene.first("1.0");
    full(&scene, &disk, When::Before, "switch", "disk, old nginx");
    scene.deploy("1.1").ok();
    scene.wait_for("1.1");
}

#[test]
fn behind_traefik() {
    const PATH: &str = "/etc/traefik/dynamic";
    let scene = Scene::gate(TestRun::new(), &images().traefik_new, Means::Files, |gate| {
        gate.config_dir(ConfigDir::OwnLayer).arg("--tmpfs").arg(&format!("{PATH}:size=64k"))
    });
    let disk = Disk::of(&scene.edge, PATH);
    full_at_first(&scene, &disk);
    scene.configure(&super::settings("3s"));
    scene.first("1.0");
    full(&scene, &disk, When::Before, "switch", "disk, Traefik by files");
    scene.deploy("1.1").ok();
    scene.wait_for("1.1");
}
