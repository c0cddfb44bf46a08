use std::rc::Rc;
use std::time::Duration;

use bgd::model::{
    ContainerSpec, Device, HealthCheck, LogDriver, Mount, MountKind, NetworkAttachment, PortBinding, Restart,
    Secret, Ulimit,
};
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::CreateContainerOptions;

use crate::support::{Host, LABEL, image};

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn mount(kind: MountKind, source: &str, target: &str, read_only: bool, options: Option<&str>) -> Mount {
    Mount {
        kind,
        source: source.to_owned(),
        target: target.to_owned(),
        read_only,
        options: options.map(str::to_owned),
    }
}

/// Every field at a value that is not the default.
async fn full(host: &Host) -> ContainerSpec {
    let (first, numbers) = host.network_with_subnet("one").await;
    let second = host.network("two").await;
    // The engine adds the options that its own configuration has.
    let mut log = host
        .default_log()
        .await
        .unwrap_or(LogDriver { driver: "json-file".into(), options: Default::default() });
    log.options.insert("max-size".into(), Secret::new("1m"));
    ContainerSpec {
        image: image(),
        entrypoint: Some(strings(&["/child"])),
        command: Some(strings(&["--bgd-child", "exit", "0"])),
        env: [("A", "1"), ("B", "x=y z"), ("EMPTY", "")]
            .map(|(name, value)| (name.to_owned(), Secret::new(value)))
            .into(),
        user: Some("1000:1000".into()),
        tty: true,
        stdin_open: true,
        working_dir: Some("/tmp/work".into()),
        hostname: Some("a-host".into()),
        mounts: vec![
            mount(MountKind::Bind, "/usr", "/a-bind", true, Some("rprivate")),
            mount(MountKind::Volume, &host.name("volume"), "/b-volume", true, Some("nocopy")),
            mount(MountKind::Volume, &host.name("volume2"), "/c-volume", false, None),
            mount(MountKind::Tmpfs, "", "/d-tmpfs", true, Some("size=65536k,mode=1700")),
        ],
        networks: vec![
            NetworkAttachment {
                name: first,
                aliases: strings(&["api", "other"]),
                ipv4: Some(format!("{numbers}.77")),
            },
            NetworkAttachment { name: second, aliases: vec![], ipv4: None },
        ],
        network_mode: None,
        ports: vec![
            PortBinding { container: "3000/tcp".into(), host_ip: "127.0.0.1".into(), host_port: "".into() },
            PortBinding {
                container: "3001/udp".into(),
                host_ip: "127.0.0.1".into(),
                host_port: "39871".into(),
            },
        ],
        expose: strings(&["4000/tcp"]),
        restart: Restart::OnFailure(3),
        memory: Some(64 << 20),
        memory_swap: Some(96 << 20),
        memory_reservation: Some(32 << 20),
        nano_cpus: Some(500_000_000),
        cpu_shares: Some(512),
        cpuset: Some("0".into()),
        pids_limit: Some(50),
        shm_size: Some(1 << 20),
        ulimits: vec![Ulimit { name: "nofile".into(), soft: 100, hard: 200 }],
        log: Some(log),
        labels: [(LABEL.to_owned(), host.tag.clone()), ("from".to_owned(), "elsewhere".to_owned())].into(),
        stop_signal: Some("SIGINT".into()),
        stop_grace: Some(Duration::from_secs(3)),
        extra_hosts: strings(&["db:10.0.0.1"]),
        dns: strings(&["10.0.0.53"]),
        init: Some(true),
        read_only: true,
        privileged: false,
        cap_add: strings(&["CAP_NET_ADMIN"]),
        cap_drop: strings(&["ALL"]),
        group_add: strings(&["7"]),
        security_opt: strings(&["no-new-privileges"]),
        sysctls: [("net.core.somaxconn".to_owned(), "256".to_owned())].into(),
        devices: vec![Device {
            host: "/dev/null".into(),
            container: "/dev/none".into(),
            permissions: "r".into(),
        }],
        health: Some(HealthCheck {
            test: strings(&["CMD", "/child", "--bgd-child", "exit", "0"]),
            interval: Some(Duration::from_millis(1500)),
            timeout: Some(Duration::from_secs(2)),
            retries: Some(4),
            start_period: Some(Duration::from_secs(5)),
        }),
    }
}

pub async fn every_field_is_read_back_as_it_was_asked_for(host: Rc<Host>) {
    let spec = full(&host).await;
    let id = host.engine.create(&host.name("full"), &spec).await.unwrap();
    let created = host.engine.container(&id).await.unwrap().unwrap();
    assert_eq!(created.name, host.name("full"));
    assert_eq!((created.state.status.as_str(), created.state.started), ("created", None));
    assert_eq!(created.spec, spec);
    assert_eq!(created.unknown_settings, Vec::<String>::new());

    // Running adds what nobody asked for: the short id among the aliases, addresses, ports.
    host.engine.start(&id).await.unwrap();
    let started = host.engine.container(&host.name("full")).await.unwrap().unwrap();
    assert_eq!(started.spec, spec);
    assert_eq!(started.unknown_settings, Vec::<String>::new());
    assert_eq!(started.mounts.len(), 4);
}

pub async fn a_clone_is_exact(host: Rc<Host>) {
    let spec = full(&host).await;
    let id = host.engine.create(&host.name("full"), &spec).await.unwrap();
    let original = host.engine.container(&id).await.unwrap().unwrap();
    let mut asked = original.spec.clone();
    // Two containers cannot have one address, and that is all in which they may differ.
    let address = asked.networks[0].ipv4.take();
    let clone = host.engine.create(&host.name("clone"), &asked).await.unwrap();
    let mut clone = host.engine.container(&clone).await.unwrap().unwrap();
    clone.spec.networks[0].ipv4 = address;
    assert_eq!(clone.spec, original.spec);
    assert_eq!(raw_config(&host, "clone").await, raw_config(&host, "full").await);
}

/// The engine's own view of what was configured.
async fn raw_config(host: &Host, part: &str) -> serde_json::Value {
    let inspected = host.raw.inspect_container(&host.name(part), None).await.unwrap();
    serde_json::json!({ "Config": inspected.config, "HostConfig": inspected.host_config })
}

pub async fn what_the_image_gives_is_not_copied_into_the_specification(host: Rc<Host>) {
    let spec = ContainerSpec { command: None, log: host.default_log().await, ..host.spec(&[]) };
    let id = host.engine.create(&host.name("plain"), &spec).await.unwrap();
    let created = host.engine.container(&id).await.unwrap().unwrap();
    assert_eq!(created.spec, spec);
    assert_eq!(created.unknown_settings, Vec::<String>::new());
    let image = host.engine.image(&created.image_id).await.unwrap().unwrap();
    assert_eq!(image.id, created.image_id);
}

pub async fn settings_that_bgd_does_not_know_are_named(host: Rc<Host>) {
    let body = ContainerCreateBody {
        image: Some(image()),
        labels: Some([(LABEL.to_owned(), host.tag.clone())].into()),
        domainname: Some("example.org".into()),
        host_config: Some(HostConfig {
            pid_mode: Some("host".into()),
            oom_score_adj: Some(100),
            dns_search: Some(strings(&["example.org"])),
            cpu_quota: Some(50_000),
            ..Default::default()
        }),
        ..Default::default()
    };
    let options = CreateContainerOptions { name: Some(host.name("odd")), ..Default::default() };
    host.raw.create_container(Some(options), body).await.unwrap();
    let odd = host.engine.container(&host.name("odd")).await.unwrap().unwrap();
    assert_eq!(odd.unknown_settings, ["CpuQuota", "DnsSearch", "Domainname", "OomScoreAdj", "PidMode"]);
}

pub async fn several_networks_are_connected_in_order(host: Rc<Host>) {
    let (first, second) = (host.network("b").await, host.network("a").await);
    let attached = |name: &str, alias: &str| NetworkAttachment {
        name: name.to_owned(),
        aliases: vec![alias.to_owned()],
        ipv4: None,
    };
    let networks = vec![attached(&first, "x"), attached(&second, "y")];
    let spec = ContainerSpec { networks, log: host.default_log().await, ..host.spec(&["wait"]) };
    let id = host.engine.create(&host.name("c"), &spec).await.unwrap();
    host.engine.start(&id).await.unwrap();
    let running = host.engine.container(&id).await.unwrap().unwrap();
    assert_eq!(running.spec, spec);
    assert_eq!(running.addresses.keys().collect::<Vec<_>>(), [&second, &first]);
    assert!(running.state.pid > 0 && running.state.running);
    let names = &running.dns_names[&first];
    assert!(names.contains(&"x".to_owned()) && names.contains(&host.name("c")), "{names:?}");

    let network = host.engine.network(&first).await.unwrap().unwrap();
    assert!(network.resolves_names && network.driver == "bridge");
    assert!(!host.engine.network("bridge").await.unwrap().unwrap().resolves_names);
    assert_eq!(host.engine.network(&host.name("none")).await.unwrap(), None);
}

pub async fn a_network_that_is_missing_leaves_no_container_behind(host: Rc<Host>) {
    let first = host.network("a").await;
    let attached = |name: String| NetworkAttachment { name, aliases: vec![], ipv4: None };
    let spec = ContainerSpec {
        networks: vec![attached(first), attached(host.name("missing"))],
        ..host.spec(&["wait"])
    };
    let name = host.name("c");
    // Engines with several networks in one request notice at the start, the others at the creation.
    let error = match host.engine.create(&name, &spec).await {
        Ok(id) => host.engine.start(&id).await.unwrap_err(),
        Err(error) => {
            assert_eq!(host.engine.container(&name).await.unwrap(), None);
            error
        }
    };
    assert!(error.one_line().contains(&host.name("missing")), "{}", error.one_line());
}

pub async fn a_host_network_is_a_mode(host: Rc<Host>) {
    let log = host.default_log().await;
    for mode in ["host", "none"] {
        let spec =
            ContainerSpec { network_mode: Some(mode.into()), log: log.clone(), ..host.spec(&["wait"]) };
        let id = host.engine.create(&host.name(mode), &spec).await.unwrap();
        host.engine.start(&id).await.unwrap();
        assert_eq!(host.engine.container(&id).await.unwrap().unwrap().spec, spec);
    }
    let of = host.start("of", &["wait"]).await;
    let spec = ContainerSpec { network_mode: Some(format!("container:{of}")), log, ..host.spec(&["wait"]) };
    let id = host.engine.create(&host.name("joined"), &spec).await.unwrap();
    host.engine.start(&id).await.unwrap();
    assert_eq!(host.engine.container(&id).await.unwrap().unwrap().spec, spec);
}
