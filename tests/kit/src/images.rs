use crate::docker::Docker;
use crate::root;
use std::collections::HashMap;
use std::process::Command;
use std::sync::OnceLock;

/// The images that `scripts/images` made or found.
#[derive(Debug)]
pub struct Images {
    /// An nginx that switches by reload: 1.27.4 or newer.
    pub nginx_new: String,
    pub nginx_new_version: String,
    /// An nginx before 1.27.4.
    pub nginx_old: String,
    pub nginx_old_version: String,
    /// A Traefik that reads the labels of containers that do not run: 3.6 or newer.
    pub traefik_new: String,
    pub traefik_new_version: String,
    /// A Traefik that reads the labels of running containers only, with the address of a server among them: 3.4 or 3.5.
    pub traefik_35: String,
    /// A Traefik that takes no address of a server from a label: before 3.4.
    pub traefik_33: String,
    /// A Redis, with its `redis-cli`.
    pub redis: String,
}

impl Images {
    /// The sample app with a HEALTHCHECK, which Docker runs every 30 s as it does by default. Made ahead: 1.0, 1.1 and 1.2.
    pub fn app(&self, version: &str) -> String {
        format!("{}:{version}", app_name())
    }

    /// The sample app without a HEALTHCHECK.
    pub fn app_without_check(&self, version: &str) -> String {
        format!("{}:{version}-nocheck", app_name())
    }

    /// Makes the sample app in another version.
    pub fn make_app(&self, version: &str) -> String {
        script(&["app", version]);
        self.app(version)
    }

    /// Makes the sample app in other versions, which are a test's own: they are removed with what is returned.
    pub fn own_apps(&self, versions: &[String]) -> OwnImages {
        let words: Vec<&str> = std::iter::once("app").chain(versions.iter().map(String::as_str)).collect();
        script(&words);
        OwnImages(versions.iter().map(|version| self.app(version)).collect())
    }

    /// Both nginx, the new one first.
    pub fn nginx(&self) -> [&str; 2] {
        [&self.nginx_new, &self.nginx_old]
    }

    /// All Traefik, the newest first.
    pub fn traefik(&self) -> [&str; 3] {
        [&self.traefik_new, &self.traefik_35, &self.traefik_33]
    }
}

/// Images of one test, removed when it ends.
pub struct OwnImages(Vec<String>);

impl std::ops::Deref for OwnImages {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl Drop for OwnImages {
    fn drop(&mut self) {
        for image in &self.0 {
            // Those that the test has removed are gone already.
            let _ = Docker::machine().run(["rmi", "--force", image]);
        }
    }
}

/// The images that `scripts/test` has made; without it, makes them once per process.
pub fn images() -> &'static Images {
    static IMAGES: OnceLock<Images> = OnceLock::new();
    IMAGES.get_or_init(|| {
        let said = match std::env::var("BGD_TEST_IMAGES") {
            Ok(file) => std::fs::read_to_string(&file).unwrap_or_else(|why| panic!("{file}: {why}")),
            Err(_) => script(&[]),
        };
        let values: HashMap<&str, &str> = said.lines().filter_map(|line| line.split_once('=')).collect();
        let value =
            |name: &str| values.get(name).unwrap_or_else(|| panic!("no {name} in:\n{said}")).to_string();
        Images {
            nginx_new: value("NGINX_NEW"),
            nginx_new_version: value("NGINX_NEW_VERSION"),
            nginx_old: value("NGINX_OLD"),
            nginx_old_version: value("NGINX_OLD_VERSION"),
            traefik_new: value("TRAEFIK_NEW"),
            traefik_new_version: value("TRAEFIK_NEW_VERSION"),
            traefik_35: value("TRAEFIK_35"),
            traefik_33: value("TRAEFIK_33"),
            redis: value("REDIS"),
        }
    })
}

/// What `scripts/images` calls the sample app's images.
fn app_name() -> String {
    std::env::var("BGD_TEST_APP").unwrap_or_else(|_| "bgd-test/app".to_string())
}

fn script(args: &[&str]) -> String {
    let output =
        Command::new(root().join("scripts/images")).args(args).output().expect("scripts/images runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "scripts/images: {complaint}");
    String::from_utf8(output.stdout).expect("scripts/images prints text")
}
