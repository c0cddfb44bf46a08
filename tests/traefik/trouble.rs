use bgd::model::TraefikMode;
use bgd::proxy::{Finding, Proxy, Severity};

use super::world::{World, block_on};

async fn findings(world: &World) -> Vec<Finding> {
    world.driver().preflight().await.unwrap()
}

fn refuses(findings: &[Finding], part: &str) -> bool {
    findings.iter().any(|f| f.severity == Severity::Refusal && f.message.contains(part) && f.remedy.is_some())
}

#[test]
fn what_stands_in_the_way_is_found() {
    block_on(async {
        let mut world = World::usual().await;
        world.change(|traefik| {
            traefik.router.entrypoints = vec!["web".into(), "secure".into()];
            traefik.router.middlewares = vec!["auth@file".into()];
            traefik.mode = TraefikMode::File { dynamic_dir: "/other".into() };
        });
        // Of middlewares only its API tells, which comes up a moment after the entry points.
        bgd_testkit::poll_until(std::time::Duration::from_secs(10), || {
            world.ask(8080, "x", "/api/rawdata").is_ok_and(|answer| answer.status == 200)
        });
        let found = findings(&world).await;
        for part in
            ["no entry point secure", "no middleware auth@file", "reads /dynamic, and", "no folder /other"]
        {
            assert!(refuses(&found, part), "{part}: {found:#?}");
        }
    });
}

#[test]
fn somebody_else_s_router_and_file_are_named() {
    block_on(async {
        let world = World::usual().await;
        world.put(
            "mine.yml",
            "http:\n  routers:\n    mine:\n      rule: \"Host(`api.example.com`)\"\n      service: mine\n  services:\n    mine:\n      \
             loadBalancer:\n        servers:\n          - url: http://mine\n",
        );
        std::fs::write(world.folder.path().join(format!("bgd-{}.yml", world.app.name)), "# by hand\n")
            .unwrap();
        bgd_testkit::poll_until(std::time::Duration::from_secs(10), || {
            world.ask(8080, "x", "/api/http/routers/mine@file").is_ok_and(|answer| answer.status == 200)
        });
        let found = findings(&world).await;
        assert!(refuses(&found, "not written by bgd"), "{found:#?}");
        let same = found.iter().find(|f| f.message.contains("mine@file")).unwrap();
        assert_eq!(same.severity, Severity::Note, "bgd's router comes before it");
    });
}

#[test]
fn a_traefik_without_the_file_provider_or_stopped_is_refused() {
    block_on(async {
        let world =
            World::new(&["--entrypoints.web.address=:80", "--providers.docker.exposedByDefault=false"]).await;
        assert!(refuses(&findings(&world).await, "file provider"));
        world.traefik.stop();
        let found = findings(&world).await;
        assert!(refuses(&found, "is exited"), "{found:#?}");
    });
}

#[test]
fn settings_are_read_from_a_file_of_traefik_s_too() {
    block_on(async {
        let text = "entryPoints:\n  web:\n    address: \":80\"\nproviders:\n  providersThrottleDuration: 100ms\n  file:\n    \
                    directory: /dynamic/apps\n    watch: false\n";
        let options = ["--configfile=/dynamic/static.yaml"];
        let world = World::with_files(&options, &[("static.yaml", text)]).await;
        let found = findings(&world).await;
        assert!(refuses(&found, "does not watch"), "{found:#?}");
        assert!(refuses(&found, "reads /dynamic/apps, and dynamic_dir is /dynamic"), "{found:#?}");
        assert!(
            !found.iter().any(|f| f.message.contains("can take up to")),
            "the throttle is short: {found:#?}"
        );
    });
}
