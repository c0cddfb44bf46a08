//! Hooks: migrations in a container of the new image, scripts on the host, and what becomes of them when they fail, take too
//! long, or bgd is killed.

mod failures;
mod killed;
mod migrations;

use std::fs;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use bgd_testkit::{Front, Spawned, images};

use crate::scene::Scene;

const SOON: Duration = Duration::from_secs(60);

/// What the hooks of a scene work with: the folder `/data` of every container, and scripts beside its bgd.yaml.
struct Data<'s, P> {
    scene: &'s Scene<P>,
    folder: PathBuf,
}

impl<'s, P: Deref<Target = Front>> Data<'s, P> {
    fn of(scene: &'s Scene<P>) -> Self {
        let folder = scene.bgd.project().join("data");
        fs::create_dir_all(&folder).unwrap();
        Self { scene, folder }
    }

    /// Writes bgd.yaml with these hooks and variables.
    fn configure(&self, hooks: &str, env: &str) {
        self.scene.configure(&format!(
            "volumes: [\"./data:/data\"]\nenv: {{ {env} }}\ndrain: {{ timeout: 2s }}\nhooks:\n{hooks}"
        ));
    }

    /// Writes a script that hooks on the host can run.
    fn script(&self, name: &str, text: &str) {
        let path = self.scene.bgd.project().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What a file of the folder holds; nothing when it is not there.
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    /// What has been migrated, in order.
    fn migrations(&self) -> Vec<String> {
        self.read("migrations").lines().map(str::to_owned).collect()
    }

    /// What the hooks of a release wrote.
    fn log(&self, release: u32) -> String {
        let path = format!("apps/{}/hooks/{release}.log", self.scene.app);
        fs::read_to_string(self.scene.bgd.state_dir().join(path)).unwrap_or_default()
    }

    /// Begins a deploy, and returns when its hook has written this.
    #[track_caller]
    fn begin(&self, version: &str, line: &str) -> Spawned {
        let args = ["deploy", &images().app(version), "--no-watch", "--output", "json"];
        let mut deploy = self.scene.bgd.spawn(&args);
        deploy.wait_for(&format!("\"line\":\"{line}"), SOON);
        deploy
    }

    /// No container of a hook is left.
    #[track_caller]
    fn nothing_is_left(&self) {
        let label = format!("label=bgd.hook={}", self.scene.app);
        let left = self.scene.run.docker().ok([
            "ps",
            "-a",
            "--filter",
            &label,
            "--format",
            "{{.Names}} {{.Status}}",
        ]);
        assert_eq!(left, "", "containers of hooks are left");
    }
}
