//! A Traefik as it stands on many hosts: a file in TOML, everything redirected to TLS, no API.

use std::time::Duration;

use bgd_testkit::{images, poll_until};

use super::Means;
use crate::scene::Scene;

const STATIC: &str = r#"
[entryPoints]
  [entryPoints.web]
    address = ":80"
    [entryPoints.web.http.redirections.entryPoint]
      to = "websecure"
      scheme = "https"
  [entryPoints.websecure]
    address = ":443"
    [entryPoints.websecure.http.tls]
[api]
  dashboard = true
[providers.file]
  directory = "/dyn"
  watch = true
[log]
  level = "INFO"
"#;

/// With an entry point of bgd's own, and without.
#[test]
fn its_file_is_read_and_it_is_asked_over_tls() {
    for own in ["", "[entryPoints.bgd]\n  address = \"127.0.0.1:24710\"\n"] {
        let scene = Scene::behind_traefik(Means::Files);
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("traefik.toml", format!("{own}{STATIC}")), ("dyn/empty.yml", String::new())] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let name = scene.run.name("settled");
        let mounts =
            [":/etc/traefik", "/dyn:/dyn"].map(|mount| format!("{}{mount}", folder.path().display()));
        scene.run.docker().ok([
            "run",
            "--detach",
            "--name",
            &name,
            "--label",
            &scene.run.label(),
            "--network",
            scene.edge.network(),
            "--volume",
            &mounts[0],
            "--volume",
            &mounts[1],
            &images().traefik_new,
        ]);
        let text = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
        let proxy = format!(
            "proxy: {{ traefik: {{ container: {name}, mode: file, dynamic_dir: /dyn, rule: Host(`shop.example.com`), \
             entrypoints: [websecure], tls: true }} }}\n"
        );
        let kept = text.split("proxy:").next().unwrap();
        scene.bgd.write("bgd.yaml", &format!("{kept}{proxy}"));
        // Traefik says nothing of being ready.
        poll_until(Duration::from_secs(20), || {
            scene.bgd.run(&["plan", &images().app("1.0")]).code == Some(0)
        });
        scene.deploy("1.0").ok();
        for version in ["1.1", "1.2"] {
            let outcome = scene.deploy(version).ok();
            assert!(outcome.stderr.contains("a client is answered 200"), "{}", outcome.stderr);
            assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
        }
        let rolled = scene.rollback().ok();
        assert!(rolled.stderr.contains("a client is answered 200"), "{}", rolled.stderr);
        assert_eq!(scene.status()["problems"], serde_json::json!([]));
    }
}
