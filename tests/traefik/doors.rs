//! Entry points over which bgd can ask, and such over which it cannot.

use bgd::model::TraefikTls;
use std::time::Duration;

use bgd::proxy::{Finding, Proxy, Severity, Through};

use super::world::{HOST, World, block_on};

const CLOSED: [&str; 6] = [
    "--entrypoints.web.address=:80",
    "--entrypoints.web.http.redirections.entrypoint.to=websecure",
    "--entrypoints.websecure.address=:443",
    "--entrypoints.websecure.http.tls=true",
    "--providers.file.directory=/dynamic",
    "--log.level=INFO",
];

const LIMIT: Duration = Duration::from_secs(5);

async fn two_releases(world: &mut World) {
    world.change(|traefik| traefik.router.entrypoints = vec!["websecure".to_owned()]);
    let (blue, green) = (world.release(1).await, world.release(2).await);
    world.deploy(None, &blue).await;
    world.deploy(Some(&blue), &green).await;
    let live = world.driver().live().await.unwrap().unwrap();
    assert_eq!(live.release, Some(green.target.release));
}

fn worst(findings: &[Finding]) -> Severity {
    findings.first().map_or(Severity::Note, |finding| finding.severity)
}

#[test]
fn a_router_with_tls_is_asked_in_plain_on_its_own_port() {
    block_on(async {
        let mut world = World::usual().await;
        world.change(|traefik| traefik.router.tls = Some(TraefikTls::default()));
        two_releases(&mut world).await;
        assert!(world.file().unwrap().contains("- \"websecure\""));
        assert_eq!(worst(&world.driver().preflight().await.unwrap()), Severity::Note);
        assert_eq!(
            world.ask(443, HOST, "/version").unwrap().status,
            404,
            "without the header nothing is in plain"
        );
    });
}

#[test]
fn where_everything_takes_tls_it_is_asked_over_tls() {
    for tls in [None, Some(TraefikTls::default())] {
        block_on(async {
            let mut world = World::new(&CLOSED).await;
            world.change(|traefik| traefik.router.tls = tls.clone());
            two_releases(&mut world).await;
            assert_eq!(worst(&world.driver().preflight().await.unwrap()), Severity::Note);
            let through = Through { method: "GET", path: "/version", host: None, headers: &[], limit: LIMIT };
            let answer = world.driver().through(through).await.unwrap();
            assert_eq!((answer.status, answer.header("x-bgd-from")), (200, Some("app")));
        });
    }
}

/// With options of TLS a client may have to show a certificate.
#[test]
fn where_tls_has_options_the_api_has_to_do() {
    block_on(async {
        let mut world = World::new(&[&CLOSED[..], &["--api.insecure=true"]].concat()).await;
        let options = Some("strict@file".to_owned());
        world.put("tls.yml", "tls:\n  options:\n    strict:\n      minVersion: VersionTLS12\n");
        world.change(|traefik| traefik.router.tls = Some(TraefikTls { options, ..TraefikTls::default() }));
        two_releases(&mut world).await;
        let findings = world.driver().preflight().await.unwrap();
        assert_eq!(worst(&findings), Severity::Warning, "{findings:?}");
        assert!(findings[0].remedy.as_ref().unwrap().contains("--entrypoints.bgd.address"), "{findings:?}");
    });
}

/// An allow list, a login or a redirect is set once for a whole entry point, and answers before every router.
#[test]
fn middlewares_of_an_entry_point_that_answer_by_themselves() {
    let auth = "http:\n  middlewares:\n    login:\n      basicAuth:\n        users: [\"a:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/\"]\n    \
                redirect:\n      redirectScheme:\n        scheme: https\n    lan:\n      ipAllowList:\n        sourceRange: [192.0.2.1]\n";
    for middleware in ["login", "redirect", "lan"] {
        for way in ["--entrypoints.bgd.address=127.0.0.1:24710", "--api.insecure=true"] {
            block_on(async {
                let option = format!("--entrypoints.web.http.middlewares={middleware}@file");
                let options =
                    ["--entrypoints.web.address=:80", "--providers.file.directory=/dynamic", &option, way];
                let mut world = World::new(&options).await;
                world.put("auth.yml", auth);
                world.change(|traefik| traefik.router.entrypoints = vec!["web".to_owned()]);
                let (blue, green) = (world.release(1).await, world.release(2).await);
                world.deploy(None, &blue).await;
                world.deploy(Some(&blue), &green).await;
                let live = world.driver().live().await.unwrap().unwrap();
                assert_eq!(live.release, Some(green.target.release), "{middleware} {way}");
                let findings = world.driver().preflight().await.unwrap();
                let is_told =
                    findings.iter().any(|one| one.message.contains(&format!("({middleware}@file)")));
                assert_eq!(is_told, way.contains("api"), "{middleware} {way}: {findings:?}");
            });
        }
    }
}

#[test]
fn an_entry_point_of_bgd_s_own_makes_it_whole() {
    block_on(async {
        let mut world =
            World::new(&[&CLOSED[..], &["--entrypoints.bgd.address=127.0.0.1:24710"]].concat()).await;
        two_releases(&mut world).await;
        assert_eq!(worst(&world.driver().preflight().await.unwrap()), Severity::Note);
    });
}

#[test]
fn with_no_way_to_ask_a_deploy_is_refused() {
    block_on(async {
        let mut world = World::new(&CLOSED).await;
        let options = Some("strict@file".to_owned());
        world.change(|traefik| {
            traefik.router.entrypoints = vec!["websecure".to_owned()];
            traefik.router.tls = Some(TraefikTls { options, ..TraefikTls::default() });
        });
        let findings = world.driver().preflight().await.unwrap();
        assert_eq!(worst(&findings), Severity::Refusal);
        assert!(findings[0].message.contains("cannot be verified"), "{findings:?}");
    });
}

#[test]
fn the_marker_answers_traefik_s_own_namespace_alone_and_says_so_before_the_user_s_middlewares() {
    block_on(async {
        let mut world = World::usual().await;
        world.put(
            "auth.yml",
            "http:\n  middlewares:\n    auth:\n      basicAuth:\n        users: [\"a:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/\"]\n",
        );
        world.change(|traefik| traefik.router.middlewares = vec!["auth@file".to_owned()]);
        let (blue, green) = (world.release(1).await, world.release(2).await);
        world.deploy(None, &blue).await;
        world.deploy(Some(&blue), &green).await;
        assert_eq!(world.get("/version").status, 401);
        let netns = world.traefik.netns();
        let marked = |netns: Option<&std::path::Path>, at: &str| {
            let head = format!("{HOST}\r\nX-Bgd-Marker: {}", world.app.name);
            bgd_testkit::http::request(netns, at.parse().unwrap(), &head, "GET", "/version").unwrap()
        };
        let inside = marked(Some(&netns), "127.0.0.1:80");
        assert_eq!((inside.status, inside.header("x-bgd-release")), (401, Some("2")));
        let address = world.addresses(world.traefik.name()).await[0];
        let outside = marked(None, &format!("{address}:80"));
        assert_eq!((outside.status, outside.header("x-bgd-release")), (401, None));
    });
}
