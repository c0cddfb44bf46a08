//! Hooks of a service: migrations in a container of the new image on the project's networks, and scripts beside its files.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use bgd_testkit::Compose;

use crate::front::Proxy;
use crate::shop::{Shop, nothing_lost};

const HOOKS: &str = "      drain: { timeout: 2s }
      hooks:
        before_switch: { container: [migrate, expand] }
        after_deploy: { host: [./note.sh, done] }
        on_failure: { host: [./note.sh, failed] }
";

#[test]
fn migrations_run_before_the_switch_and_stop_a_deploy_that_they_fail() {
    let shop = Shop::serving(Compose::two(), Proxy::Nginx);
    let others = shop.others();
    shop.hand_over();
    shop.edit("      drain: { timeout: 2s }\n", HOOKS);
    let script = shop.folder().join("note.sh");
    let text =
        "#!/bin/sh\necho \"$1: $BGD_RELEASE after $BGD_FORMER_RELEASE, live: $BGD_LIVE_RELEASE\" >> notes\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let load = shop.load();

    let outcome = shop.deploy("1.1").ok();
    assert!(outcome.stderr.contains("becomes release 0 first"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("| migrated: expand"), "{}", outcome.stderr);
    shop.edit("REDIS_ADDR: ", "MIGRATE_EXIT: \"3\", REDIS_ADDR: ");
    let outcome = shop.deploy("1.2").code(13);
    assert!(outcome.stderr.contains("the hook before_switch failed"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("expand cannot be migrated"), "{}", outcome.stderr);
    assert_eq!(shop.served().as_deref(), Some("1.1"));
    let notes = fs::read_to_string(shop.folder().join("notes")).unwrap();
    assert_eq!(notes, "done: 1 after 0, live: 1\nfailed: 2 after 1, live: 1\n");

    let report = load.stop();
    nothing_lost(&report);
    shop.counted_exactly(&report);
    assert_eq!(shop.others(), others, "compose's other containers are others now, or were restarted");
}
