use std::rc::Rc;
use std::time::Duration;

use bgd::docker::connect;
use bgd::model::{ContainerName, NetworkName, ProxyConfig};
use bgd::proxy::nginx::seen_many;
use bgd::proxy::{Finding, Proxy, Severity};
use bgd_testkit::{ConfigDir, Edge, EdgeBuilder, TestRun, conf, images, poll_until};

use super::world::{HOST, Mode, World, block_on, nginx_of, upstream_name};

/// What preflight finds before the first deploy, on an nginx that the test prepares.
fn found(
    mode: Mode,
    prepare: impl FnOnce(EdgeBuilder<'_>) -> EdgeBuilder<'_>,
    then: impl FnOnce(&mut World),
) -> Vec<Finding> {
    block_on(async {
        let run = TestRun::new();
        let edge = prepare(Edge::builder(&run, &images().nginx_new))
            .file("a-user.conf", conf::fixed("_", "user"))
            .start();
        let mut world = World::around(run, edge, mode).await;
        then(&mut world);
        world.driver().preflight().await.unwrap_or_else(|error| panic!("{}", super::release::show(&error)))
    })
}

#[track_caller]
fn assert_refused(findings: &[Finding], message: &str, remedy: &str) {
    let worst = findings.first().expect("a finding");
    assert_eq!(worst.severity, Severity::Refusal, "{findings:#?}");
    assert!(worst.message.contains(message), "{findings:#?}");
    assert!(worst.remedy.as_deref().unwrap_or_default().contains(remedy), "{findings:#?}");
}

fn proxy(world: &mut World) -> &mut bgd::model::NginxProxy {
    let ProxyConfig::Nginx(proxy) = &mut world.app.proxy else { panic!("another proxy") };
    proxy
}

#[test]
fn a_fresh_nginx_is_fine_but_nothing_refers_to_the_upstream() {
    let findings = found(Mode::Upstream, |edge| edge, |_| {});
    assert_eq!(findings[0].severity, Severity::Warning, "{findings:#?}");
    assert!(findings[0].message.contains("no server block refers to the upstream"), "{findings:#?}");
    assert!(
        findings.iter().any(|f| f.message.contains("the first reload can break idle connections")),
        "{findings:#?}"
    );
    assert!(found(Mode::Server, |edge| edge, |_| {}).iter().all(|f| f.severity == Severity::Note));
}

#[test]
fn a_missing_container_is_refused() {
    let findings = found(
        Mode::Upstream,
        |edge| edge,
        |world| proxy(world).container = ContainerName::parse("bgd-no-such-nginx").unwrap(),
    );
    assert_refused(&findings, "no container named bgd-no-such-nginx", "proxy.nginx.container");
}

#[test]
fn a_container_that_is_not_nginx_is_refused() {
    let findings = found(
        Mode::Upstream,
        |edge| edge,
        |world| {
            let app = bgd_testkit::App::new(&world.run, images().app_without_check("1.0"))
                .network(world.edge.network())
                .start(&world.run.name("other"));
            proxy(world).container = ContainerName::parse(app.name()).unwrap();
        },
    );
    assert_eq!(findings[0].severity, Severity::Refusal, "{findings:#?}");
}

#[test]
fn another_network_is_refused_with_the_command() {
    let findings = found(
        Mode::Upstream,
        |edge| edge,
        |world| {
            let network = world.run.network("other");
            world.app.network = NetworkName::parse(&network).unwrap();
        },
    );
    assert_refused(&findings, "is not on the app's network", "docker network connect other-");
}

#[test]
fn a_read_only_folder_is_refused() {
    let findings = found(
        Mode::Upstream,
        |edge| edge.config_dir(ConfigDir::OwnLayer),
        |world| proxy(world).config_dir = "/sys/nginx".to_owned(),
    );
    assert_refused(&findings, "no folder /sys/nginx", "config_dir");
    let folder = tempfile::tempdir().unwrap();
    let mount = format!("--volume={}:/etc/nginx/extra:ro", folder.path().display());
    let findings = found(
        Mode::Upstream,
        |edge| edge.arg(&mount),
        |world| proxy(world).config_dir = "/etc/nginx/extra".to_owned(),
    );
    assert_refused(&findings, "is mounted read-only", ":ro");
}

#[test]
fn a_folder_that_nginx_does_not_include_is_refused_with_the_line_to_add() {
    let folder = tempfile::tempdir().unwrap();
    let mount = format!("--volume={}:/etc/nginx/extra", folder.path().display());
    let findings = found(
        Mode::Upstream,
        |edge| edge.arg(&mount),
        |world| proxy(world).config_dir = "/etc/nginx/extra".to_owned(),
    );
    assert_refused(&findings, "does not include /etc/nginx/extra/*.conf", "include /etc/nginx/extra/*.conf;");
}

#[test]
fn the_own_layer_is_warned_of() {
    let findings = found(Mode::Upstream, |edge| edge.config_dir(ConfigDir::OwnLayer), |_| {});
    assert!(
        findings.iter().any(|f| f.severity == Severity::Warning && f.message.contains("own layer")),
        "{findings:#?}"
    );
}

#[test]
fn a_second_definition_is_refused_with_its_place() {
    let findings = found(
        Mode::Upstream,
        |edge| edge,
        |world| {
            world.edge.put(
                "user-api.conf",
                &format!("\nupstream {} {{ server 127.0.0.1:1; }}\n", upstream_name(&world.app)),
            );
        },
    );
    assert_refused(
        &findings,
        "is defined already, in /etc/nginx/conf.d/user-api.conf:2",
        "remove that block",
    );
}

#[test]
fn a_server_block_for_the_same_host_is_refused_with_its_place() {
    let findings =
        found(Mode::Server, |edge| edge, |world| world.edge.put("user-api.conf", &conf::fixed(HOST, "mine")));
    assert_refused(&findings, "/etc/nginx/conf.d/user-api.conf:1 answers for api.example.com", "upstream");
}

#[test]
fn a_reference_to_an_upstream_that_nobody_defines_yet_is_noted() {
    let findings = found(
        Mode::Upstream,
        |edge| edge,
        |world| {
            world.edge.put("user-api.conf", &conf::server(HOST, &upstream_name(&world.app)));
        },
    );
    assert!(findings.iter().all(|f| f.severity == Severity::Note), "{findings:#?}");
    assert!(findings.iter().any(|f| f.message.contains("which nobody defines yet")), "{findings:#?}");
}

#[test]
fn a_foreign_file_of_bgds_name_is_refused() {
    let findings = found(
        Mode::Upstream,
        |edge| edge,
        |world| {
            world.edge.put(&format!("zz-bgd-{}.conf", world.app.name), "# mine\n");
        },
    );
    assert_refused(&findings, "was not written by bgd", "move it away");
}

#[test]
fn a_taken_port_is_refused() {
    let findings = found(
        Mode::Upstream,
        |edge| {
            edge.file(
                "b.conf",
                "server { listen 24712; return 200; }\nserver { listen 127.0.0.1:24710; return 200; }\n",
            )
        },
        |_| {},
    );
    assert_refused(&findings, "port 24710", "another port");
}

#[test]
fn a_stopped_nginx_is_refused_with_the_reason() {
    let findings = found(Mode::Upstream, |edge| edge, |world| world.edge.stop());
    assert_refused(&findings, "is exited", "docker start");
    let findings = found(
        Mode::Upstream,
        |edge| edge,
        |world| {
            world.edge.put("broken.conf", "no_such_directive on;\n");
            let _ = world.run.docker().run(["restart", world.edge.name()]);
            poll_until(Duration::from_secs(10), || !world.edge.is_running());
        },
    );
    assert_refused(&findings, "unknown directive \"no_such_directive\"", "mend its configuration");
}

#[test]
fn the_hosts_network_is_refused() {
    block_on(async {
        let run = TestRun::new();
        let edge = Edge::builder(&run, &images().nginx_new).start();
        let mut world = World::around(run, edge, Mode::Upstream).await;
        let name = world.run.name("hostly");
        // Created and never started: nothing may bind a port of this machine.
        world.run.docker().ok([
            "create",
            "--name",
            &name,
            "--label",
            &world.run.label(),
            "--network",
            "host",
            &images().nginx_new,
        ]);
        proxy(&mut world).container = ContainerName::parse(&name).unwrap();
        let findings = world.driver().preflight().await.unwrap();
        assert!(
            findings.iter().any(|f| f.severity == Severity::Refusal && f.message.contains("host's network")),
            "{findings:#?}"
        );
    });
}

#[test]
fn many_apps_are_asked_at_once() {
    block_on(async {
        let world = World::new(&images().nginx_new, Mode::Upstream, ConfigDir::HostFolder).await;
        let blue = world.release(1).await;
        world.deploy(None, &blue).await;
        let unknown = bgd::model::AppName::parse("unknown").unwrap();
        let mut apps = vec![(&unknown, nginx_of(&world.app)); 99];
        apps.push((&world.app.name, nginx_of(&world.app)));
        let engine = connect(world.run.docker().address().as_deref()).await.unwrap();
        let start = std::time::Instant::now();
        let seen = seen_many(Rc::clone(&engine), world.edge.name(), &apps).await.unwrap();
        eprintln!("100 apps asked in {:?}", start.elapsed());
        assert_eq!(seen.iter().filter(|seen| seen.live.is_some()).count(), 1);
        assert_eq!(seen[99].live.unwrap().slot, blue.target.slot);
        assert!(seen[99].edited.is_empty(), "{:?}", seen[99].edited);
    });
}
