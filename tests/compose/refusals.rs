//! What has to be there before a deploy, and what is told of compose's own containers.

use bgd_testkit::{Compose, images};

use crate::front::Proxy;
use crate::shop::Shop;

#[test]
fn what_the_service_needs_is_asked_for_and_never_started() {
    let shop = Shop::serving(Compose::two(), Proxy::Nginx);
    shop.hand_over();
    let redis = shop.redis();
    shop.compose(&["stop", "redis"]);
    let refused = shop.deploy("1.1").code(3);
    assert!(refused.stderr.contains("api depends on redis, which does not run"), "{}", refused.stderr);
    assert!(refused.stderr.contains("up -d redis"), "{}", refused.stderr);
    let planned = shop.bgd.run(&["plan", "api"]).code(3);
    assert!(planned.stderr.contains("depends on redis"), "{}", planned.stderr);
    shop.compose(&["start", "redis"]);
    redis.wait_healthy();

    // A volume that compose has not made yet is not made by Docker in passing.
    let path = shop.folder().join("compose.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let more = text
        .replace("data:/data", "fresh:/data")
        .replace("{ data: {}, cache: {} }", "{ data: {}, cache: {}, fresh: {} }");
    std::fs::write(&path, &more).unwrap();
    let refused = shop.deploy("1.1").code(3);
    assert!(refused.stderr.contains("there is no volume "), "{}", refused.stderr);
    shop.compose(&["up", "--no-start", "--no-deps", "api"]);
    let told = shop.deploy("1.1").ok();
    let volume = shop.live().inspect("{{range .Mounts}}{{.Name}}{{end}}").unwrap();
    assert_eq!(volume, format!("{}_fresh", shop.run.name("shop")), "{}", told.stderr);

    // Without the profile, and with compose's own container beside.
    std::fs::write(&path, more.replace("    profiles: [bgd]\n", "")).unwrap();
    shop.compose(&["up", "-d", "api"]);
    let told = shop.bgd.run(&["deploy", &images().app("1.2"), "--no-watch"]).ok();
    assert!(told.stderr.contains("\"docker compose up\" starts api too"), "{}", told.stderr);
    assert_eq!(shop.served().as_deref(), Some("1.2"));

    // A damaged record of what compose ran hides nothing else, and stops no deploy.
    let record = shop.bgd.state_dir().join(format!("apps/{}/releases/0.json", shop.app));
    std::fs::write(&record, "{").unwrap();
    let status = shop.bgd.run(&["status", &shop.app]).ok().stdout;
    assert!(status.contains(&images().app("1.2")), "{status}");
    assert_eq!(status.matches("0.json is damaged").count(), 1, "{status}");
    let told = shop.deploy("1.1").ok();
    assert!(told.stderr.contains("0.json is damaged"), "{}", told.stderr);
    assert_eq!(shop.served().as_deref(), Some("1.1"));
}
