//! What clients get is worse after the switch although bgd's marker proves the new release: the deploy is taken back, and
//! the error names both answers.

use std::ops::Deref;
use std::time::Duration;

use bgd_testkit::{App, Container, Front, Outcome, TestRun, images, poll_until};

use crate::scene::{HOST, Means, Nginx, Route, Scene, nothing_lost};

/// A container of the user's own, to which the path of the health check is sent for everybody. It answers one request more,
/// and then fails.
const OTHERS: &str = "1.2";

#[track_caller]
fn another<P: Deref<Target = Front>>(scene: &Scene<P>, args: &[String]) -> Container {
    let app = App::new(&scene.run, images().app_without_check(OTHERS)).network(scene.edge.network());
    let app = args.iter().fold(app, |app, arg| app.arg("--label").arg(arg));
    let container = app.start(&scene.run.name("other"));
    container.wait_answers();
    container
}

/// Deploys while the other container is about to fail. Nothing of the app's own is lost, and a deploy succeeds once the
/// cause is gone.
#[track_caller]
fn taken_back<P: Deref<Target = Front>>(scene: &Scene<P>, other: &Container, end: impl FnOnce()) -> Outcome {
    let mut in_a_row = 0;
    poll_until(Duration::from_secs(20), || {
        let answer = scene.edge.get(HOST, "/health");
        let is_others = answer.is_ok_and(|answer| answer.version() == Some(OTHERS));
        in_a_row = if is_others { in_a_row + 1 } else { 0 };
        in_a_row >= 10
    });
    other.fault("fail_rate=0.99");
    let load = scene.mixed();
    let outcome = scene.deploy("1.1").code(8);
    for part in [HOST, "/health", "answered 500 since the switch", "answered 200 before it", "release 1"] {
        assert!(outcome.stderr.contains(part), "no word of {part}\n{}", outcome.stderr);
    }
    nothing_lost(&load.stop());
    let status = scene.status();
    let told =
        format!("/health for the host {HOST} at port 80 is answered 500, and by bgd's own way to release 1");
    assert!(status["live"] == 1 && status["problems"].to_string().contains(&told), "{status:#}");
    scene.wait_for("1.0");
    let history = scene.bgd.run(&["history", &scene.app]).ok().stdout;
    assert!(history.contains("rolled back"), "{history}");
    end();
    poll_until(Duration::from_secs(20), || scene.status()["problems"] == serde_json::json!([]));
    scene.assert_clean(1);
    scene.deploy("1.1").ok();
    scene.wait_for("1.1");
    outcome
}

/// A location of the user's comes before the one that passes requests to the upstream.
#[track_caller]
fn by_a_location(nginx: Nginx) {
    let scene = Scene::new(nginx, Route::Upstream);
    scene.configure("drain: { timeout: 1s }\n");
    scene.first("1.0");
    let other = another(&scene, &[]);
    let (file, block) = scene.server_block();
    let own = format!("location = /health {{ proxy_pass http://{}:3000; }}\n    location / {{", other.name());
    scene.edge.put(&file, &block.replace("location / {", &own));
    scene.reload();
    let outcome = taken_back(&scene, &other, || {
        scene.edge.put(&file, &block);
        scene.reload();
    });
    let remedy = format!("docker exec {} nginx -T", scene.edge.name());
    assert!(outcome.stderr.contains(&remedy), "{}", outcome.stderr);
    let told = scene.run.docker().ok(["exec", scene.edge.name(), "nginx", "-T"]);
    assert!(told.contains("location"), "{told}");
}

#[test]
fn behind_a_new_nginx() {
    by_a_location(Nginx::New);
}

#[test]
fn behind_an_old_nginx() {
    by_a_location(Nginx::Old);
}

/// A router of the user's comes before the route.
#[track_caller]
fn by_a_router(means: Means) {
    let scene = Scene::behind_traefik(means);
    let proxy = std::fs::read_to_string(scene.bgd.project().join("bgd.yaml")).unwrap();
    scene.bgd.write("bgd.yaml", &proxy.replace("drain: { timeout: 20s }", "drain: { timeout: 1s }"));
    scene.first("1.0");
    let rule = format!("Host(`{HOST}`) && Path(`/health`)");
    let outcome = match means {
        Means::Files => {
            let other = another(&scene, &[]);
            let text = format!(
                "http:\n  routers:\n    other:\n      rule: {rule}\n      priority: 1000\n      service: other\n  services:\n    \
                 other:\n      loadBalancer:\n        servers:\n          - url: http://{}:3000\n",
                other.name()
            );
            scene.edge.put("other.yml", &text);
            taken_back(&scene, &other, || scene.edge.put("other.yml", ""))
        }
        Means::Labels => {
            let labels = [
                scene.edge.label(),
                "traefik.enable=true".to_owned(),
                format!("traefik.http.routers.other.rule={rule}"),
                "traefik.http.routers.other.priority=1000".to_owned(),
                "traefik.http.services.other.loadbalancer.server.port=3000".to_owned(),
            ];
            let other = another(&scene, &labels);
            taken_back(&scene, &other, || drop(scene.run.docker().ok(["rm", "--force", other.name()])))
        }
    };
    assert!(outcome.stderr.contains("proxy.traefik.priority"), "{}", outcome.stderr);
}

#[test]
fn behind_traefik_by_files() {
    by_a_router(Means::Files);
}

#[test]
fn behind_traefik_by_labels() {
    by_a_router(Means::Labels);
}

/// The release answers the host for which the configuration has it asked, and refuses the one that clients ask for.
#[test]
fn a_release_that_refuses_the_host_of_its_clients() {
    let scene = Scene::new(Nginx::New, Route::Server);
    scene.first("1.0");
    let headers = "headers: { Host: inside.test }";
    scene.configure(&format!(
        "env: {{ HOST_CHECK: inside.test }}\nhealth: {{ http: /health, {headers} }}\nsmoke: [{{ get: /health, {headers} }}]\n"
    ));
    let outcome = scene.deploy("1.1").code(8);
    for part in ["answered 403 since the switch", "itself answers so", HOST] {
        assert!(outcome.stderr.contains(part), "no word of {part}\n{}", outcome.stderr);
    }
    scene.assert_clean(1);
    scene.wait_for("1.0");
    scene.configure(&format!("env: {{ HOST_CHECK: {HOST} }}\nhealth: none\nsmoke: []\n"));
    scene.deploy("1.1").ok();
    scene.wait_for("1.1");
}

/// Waits until a block of the user's is in force, or is not any more: for a while nginx answers by both.
#[track_caller]
fn has_own_header<P: Deref<Target = Front>>(scene: &Scene<P>, wanted: bool) {
    let mut in_a_row = 0;
    poll_until(Duration::from_secs(20), || {
        let has = scene.edge.get(HOST, "/health").is_ok_and(|answer| answer.header("x-own").is_some());
        in_a_row = if has == wanted { in_a_row + 1 } else { 0 };
        in_a_row >= 10
    });
}

/// A location of the user's leads to the container that is live, by its name. The answer is as good as before, and it is the
/// old release's: once that is stopped, there would be none.
#[track_caller]
fn by_a_location_to_the_old_release(nginx: Nginx) {
    let scene = Scene::new(nginx, Route::Upstream);
    scene.configure("drain: { timeout: 1s }\n");
    scene.first("1.0");
    let (file, block) = scene.server_block();
    let old = scene.live_container();
    let own = format!(
        "location = /health {{ proxy_pass http://{}:3000; add_header X-Own 1; }}\n    location / {{",
        old.name()
    );
    scene.edge.put(&file, &block.replace("location / {", &own));
    scene.reload();
    has_own_header(&scene, true);
    let load = scene.mixed();
    let outcome = scene.deploy("1.1").code(8);
    for part in
        [HOST, "/health", "answered 200", "new release did not receive", "the old release received it"]
    {
        assert!(outcome.stderr.contains(part), "no word of {part}\n{}", outcome.stderr);
    }
    // A reload by hand breaks idle connections on an older nginx.
    nothing_lost(&load.stop());
    scene.assert_clean(1);
    scene.edge.put(&file, &block);
    scene.reload();
    has_own_header(&scene, false);
    scene.deploy("1.1").ok();
    scene.wait_for("1.1");

    // What clients get is told later on, too.
    scene
        .edge
        .put(&file, &block.replace("location / {", "location = /health { return 404; }\n    location / {"));
    scene.reload();
    poll_until(Duration::from_secs(20), || {
        scene.edge.get(HOST, "/health").is_ok_and(|answer| answer.status == 404)
    });
    poll_until(Duration::from_secs(20), || {
        let told = scene.status()["problems"].to_string();
        told.contains("answered 404, and by bgd's own way to release") && told.contains("nginx -T")
    });
}

#[test]
fn an_old_release_that_answers_on_behind_a_new_nginx() {
    by_a_location_to_the_old_release(Nginx::New);
}

#[test]
fn an_old_release_that_answers_on_behind_an_old_nginx() {
    by_a_location_to_the_old_release(Nginx::Old);
}

#[test]
fn an_old_release_that_answers_on_behind_traefik() {
    let scene = Scene::behind_traefik(Means::Files);
    scene.first("1.0");
    let text = format!(
        "http:\n  routers:\n    own:\n      rule: Host(`{HOST}`) && Path(`/health`)\n      priority: 1000\n      service: own\n  \
         services:\n    own:\n      loadBalancer:\n        servers:\n          - url: http://{}:3000\n",
        scene.live_container().name()
    );
    scene.edge.put("own.yml", &text);
    poll_until(Duration::from_secs(20), || {
        scene.edge.get(HOST, "/health").is_ok_and(|answer| answer.status == 200)
    });
    let load = scene.mixed();
    let outcome = scene.deploy("1.1").code(8);
    assert!(outcome.stderr.contains("the old release received it"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("proxy.traefik.priority"), "{}", outcome.stderr);
    scene.assert_clean(1);
    scene.edge.put("own.yml", "");
    poll_until(Duration::from_secs(20), || scene.deploy("1.1").code == Some(0));
    nothing_lost(&load.stop());
    scene.wait_for("1.1");
}

/// The user's block has requests approved by the container that was live when it was written.
#[test]
fn a_release_without_which_clients_get_nothing_is_started_again() {
    let scene = Scene::new(Nginx::New, Route::Upstream);
    scene.configure("drain: { timeout: 1s }\n");
    scene.first("1.0");
    let (file, block) = scene.server_block();
    let old = scene.live_container();
    let own = format!(
        "location = /approve {{ internal; proxy_connect_timeout 1s; proxy_pass http://{}:3000/health; }}\n    location / {{\n        \
         auth_request /approve; add_header X-Own 1;",
        old.name()
    );
    scene.edge.put(&file, &block.replace("location / {", &own));
    scene.reload();
    has_own_header(&scene, true);
    let outcome = scene.deploy("1.1").code(15);
    for part in [HOST, "/health", "and was answered 200 before", "need release 1 too: it was started again"] {
        assert!(outcome.stderr.contains(part), "no word of {part}\n{}", outcome.stderr);
    }
    assert_eq!(old.inspect("{{.State.Running}}").as_deref(), Some("true"));
    scene.wait_for("1.1");
    scene.assert_clean(2);
    scene.rollback().ok();
    scene.wait_for("1.0");
}

/// The block that clients come by takes TLS only; another one lets the load in.
#[track_caller]
fn by_tls(nginx: Nginx) {
    const SECURE: &str = "secure.test";
    let scene = Scene::new(nginx, Route::Upstream);
    scene.configure("drain: { timeout: 1s }\n");
    scene.first("1.0");
    let made = rcgen::generate_simple_self_signed([SECURE.to_owned()]).unwrap();
    scene.edge.put("cert.pem", &made.cert.pem());
    scene.edge.put("key.pem", &made.signing_key.serialize_pem());
    let (file, block) = scene.server_block();
    // For nginx it comes before the other block, and so for bgd.
    let secure = |more: &str| {
        let tls = "listen 443 ssl; ssl_certificate /etc/nginx/conf.d/cert.pem; ssl_certificate_key /etc/nginx/conf.d/key.pem;";
        block
            .replace("listen 80;", tls)
            .replace(HOST, SECURE)
            .replace("location / {", &format!("{more} location / {{"))
    };
    let marked = |mark: &str| block.replace("location / {", &format!("location / {{ {mark}"));
    scene.edge.put("aaa.conf", &secure(""));
    scene.edge.put(&file, &marked("add_header X-Own 1;"));
    scene.reload();
    has_own_header(&scene, true);
    let load = scene.mixed();
    let outcome = scene.deploy("1.1").ok();
    assert!(outcome.stderr.contains("a client is answered 200"), "{}", outcome.stderr);
    nothing_lost(&load.stop());
    scene.assert_clean(2);

    let old = scene.live_container();
    scene.edge.put(
        "aaa.conf",
        &secure(&format!("location = /health {{ proxy_pass http://{}:3000; }}", old.name())),
    );
    scene.edge.put(&file, &marked(""));
    scene.reload();
    has_own_header(&scene, false);
    let outcome = scene.deploy("1.2").code(8);
    for part in [SECURE, "at port 443 is answered 200", "new release did not receive"] {
        assert!(outcome.stderr.contains(part), "no word of {part}\n{}", outcome.stderr);
    }
    scene.assert_clean(2);
}

#[test]
fn clients_that_come_by_tls_behind_a_new_nginx() {
    by_tls(Nginx::New);
}

#[test]
fn clients_that_come_by_tls_behind_an_old_nginx() {
    by_tls(Nginx::Old);
}

#[test]
fn clients_that_come_by_tls_behind_traefik() {
    let more = ["entrypoints: [websecure]"];
    let scene = Scene::gate_with(TestRun::new(), &images().traefik_new, Means::Files, &more, |gate| {
        gate.option("--providers.providersthrottleduration=100ms")
            .option("--entrypoints.websecure.address=:443")
            .option("--entrypoints.websecure.http.tls=true")
            .option("--entrypoints.bgd.address=127.0.0.1:47100")
    });
    scene.deploy("1.0").ok();
    let outcome = scene.deploy("1.1").ok();
    assert!(outcome.stderr.contains("a client is answered 200"), "{}", outcome.stderr);
    let text = format!(
        "http:\n  routers:\n    own:\n      rule: Host(`{HOST}`) && Path(`/health`)\n      priority: 1000\n      service: own\n      \
         entryPoints: [websecure]\n      tls: {{}}\n  services:\n    own:\n      loadBalancer:\n        servers:\n          - url: http://{}:3000\n",
        scene.live_container().name()
    );
    scene.edge.put("own.yml", &text);
    poll_until(Duration::from_secs(20), || {
        let outcome = scene.deploy("1.2");
        outcome.code == Some(8)
            && outcome.stderr.contains("at port 443 is answered 200, and the new release did not receive")
    });
}
