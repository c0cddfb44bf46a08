use std::time::Duration;

use bgd::docker::{HealthStatus, Process};
use bgd::model::{
    ContainerSpec, HealthCheck, LogDriver, Mount, MountKind, NetworkAttachment, PortBinding, Secret,
};

use crate::fake::{Daemon, json, recorded};

fn start(version: &'static str) -> Daemon {
    Daemon::start(version, move |request| {
        let name = match request.path.split('?').next().unwrap() {
            "/containers/rec-api/json" => "container.json",
            "/containers/json" => "containers.json",
            "/containers/rec-api/top" => "top.json",
            "/networks/rec-front" => "network.json",
            "/volumes/rec-data" => "volume.json",
            path if path.starts_with("/images/") => "image.json",
            _ => return json(404, &recorded(version, "missing.json")),
        };
        json(200, &recorded(version, name))
    })
}

/// What record.sh asked for.
fn asked() -> ContainerSpec {
    let network = |name: &str, alias: &str| NetworkAttachment {
        name: name.into(),
        aliases: vec![alias.into()],
        ipv4: None,
    };
    let mount = |kind, source: &str, target: &str, read_only, options: Option<&str>| Mount {
        kind,
        source: source.into(),
        target: target.into(),
        read_only,
        options: options.map(str::to_owned),
    };
    ContainerSpec {
        image: "bgd-rec:1".into(),
        env: [("A".to_owned(), Secret::new("1"))].into(),
        networks: vec![network("rec-front", "api"), network("rec-back", "back")],
        mounts: vec![
            mount(MountKind::Volume, "rec-data", "/data", false, None),
            mount(MountKind::Bind, "/usr", "/host", true, None),
            mount(MountKind::Tmpfs, "", "/scratch", false, Some("size=1m")),
        ],
        memory: Some(64 << 20),
        ports: vec![PortBinding {
            container: "8080/tcp".into(),
            host_ip: "127.0.0.1".into(),
            host_port: "".into(),
        }],
        labels: [("bgd.test".to_owned(), "rec".to_owned())].into(),
        health: Some(HealthCheck {
            test: ["CMD", "/child", "--bgd-child", "exit", "0"].map(str::to_owned).into(),
            interval: Some(Duration::from_secs(1)),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_container_made_by_hand_is_read_as_it_was_asked_for() {
    for version in ["1.41", "1.51"] {
        let engine_with_defaults = start(version);
        let engine = engine_with_defaults.connect().await;
        let mut found = engine.container("rec-api").await.unwrap().unwrap();
        let log = found.spec.log.take().unwrap();
        assert_eq!((log.driver.as_str(), log.options["max-size"].expose()), ("json-file", "1m"));
        assert_eq!(found.spec, asked(), "API {version}");
        assert_eq!(found.spec.log, None::<LogDriver>);
        assert_eq!(found.unknown_settings, Vec::<String>::new(), "API {version}");
        assert_eq!(found.name, "rec-api");
        assert_eq!(found.state.health.unwrap().status, HealthStatus::Healthy);
        assert!(found.state.started.is_some() && found.state.pid > 0);
        assert_eq!(found.addresses.len(), 2);
        assert!(found.dns_names["rec-front"].contains(&"rec-api".to_owned()));
        assert!(found.dns_names["rec-front"].contains(&"api".to_owned()));
        assert_eq!(found.mounts.len(), 3);
    }
}

#[tokio::test]
async fn lists_networks_volumes_images_and_processes_are_read() {
    for version in ["1.41", "1.51"] {
        let daemon = start(version);
        let engine = daemon.connect().await;
        let listed = engine.containers(&["bgd.test=rec".to_owned()]).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].name.as_str(), listed[0].status.as_str()), ("rec-api", "running"));
        assert!(listed[0].image_id.starts_with("sha256:"), "{}", listed[0].image_id);
        assert_eq!((listed[0].addresses.len(), listed[0].labels["bgd.test"].as_str()), (2, "rec"));
        assert!(engine.network("rec-front").await.unwrap().unwrap().resolves_names);
        assert_eq!(
            engine.volume_mountpoint("rec-data").await.unwrap().unwrap(),
            "/var/lib/docker/volumes/rec-data/_data"
        );
        let image = engine.image("bgd-rec:1").await.unwrap().unwrap();
        assert_eq!((image.platform.as_str(), image.exposed_ports.len()), ("linux/amd64", 1));
        let processes = engine.processes("rec-api").await.unwrap();
        assert!(matches!(&processes[..], [Process { title, .. }] if title == "/child --bgd-child wait"));
        assert_eq!(engine.container("none").await.unwrap(), None);
        assert_eq!(engine.volume_mountpoint("none").await.unwrap(), None);
    }
}
