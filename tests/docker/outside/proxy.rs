//! The proxy goes down in the middle of a deploy and comes back: it serves at once, and bgd ends what it began.

use std::ops::Deref;
use std::time::Duration;

use bgd_testkit::Front;

use self::Fault::{Killed, Removed, Restarted};
use super::trial::{Held, Trials, Under};
use super::{behind_nginx, behind_traefik, settings};
use crate::scene::{Means, Nginx, Scene};

/// How long the proxy stays away when nothing else brings it back.
const AWAY: Duration = Duration::from_millis(700);

/// What becomes of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Killed,
    Restarted,
    Removed,
}

impl Fault {
    fn happen(self, proxy: &Front, held: &mut Held) {
        match self {
            Self::Killed => {
                proxy.kill();
                held.go_on();
                held.ends_within(AWAY);
                proxy.start();
            }
            Self::Restarted => {
                // A restart takes its time: bgd meets both halves of it.
                held.go_on();
                proxy.restart_fast();
            }
            Self::Removed => {
                proxy.remove();
                held.go_on();
                held.ends_within(AWAY);
                proxy.make_again();
            }
        }
    }
}

#[track_caller]
fn down_at<P: Deref<Target = Front>>(scene: Scene<P>, title: &str, faults: &[(&str, Fault)]) {
    let mut trials = Trials::new(&scene, title, Under::Mixed);
    for (step, fault) in faults {
        let name = format!("proxy {fault:?}").to_lowercase();
        // The watch is to see the fault and what comes after it; where it comes later or earlier, it has nothing to see.
        let has_a_watch = ["switch", "verify", "watch"].contains(step);
        scene.configure(&settings(if has_a_watch { "3s" } else { "1s" }));
        let ended = trials.run(step, &name, |scene, held| fault.happen(&scene.edge, held));
        // While it is watched the release is not taken back for what is not its fault.
        let after = ["watch", "drain"].contains(step);
        assert!(ended.is_new || !after, "taken back although only the proxy was down\n{}", ended.said);
    }
}

const EARLY: [(&str, Fault); 6] = [
    ("create", Killed),
    ("ready", Removed),
    ("smoke", Restarted),
    ("stage", Killed),
    ("stage", Restarted),
    ("stage", Removed),
];
const LATE: [(&str, Fault); 8] = [
    ("switch", Restarted),
    ("switch", Removed),
    ("verify", Killed),
    ("verify", Removed),
    ("watch", Restarted),
    ("watch", Removed),
    ("drain", Killed),
    ("drain", Restarted),
];
const OTHERS: [(&str, Fault); 6] = [
    ("stage", Killed),
    ("switch", Killed),
    ("switch", Restarted),
    ("verify", Restarted),
    ("watch", Killed),
    ("drain", Removed),
];

#[test]
fn early_behind_nginx() {
    down_at(behind_nginx(Nginx::New), "proxy, nginx", &EARLY);
}

#[test]
fn late_behind_nginx() {
    down_at(behind_nginx(Nginx::New), "proxy, nginx", &LATE);
}

#[test]
fn behind_an_old_nginx() {
    down_at(behind_nginx(Nginx::Old), "proxy, old nginx", &OTHERS);
}

#[test]
fn behind_traefik_by_files() {
    down_at(behind_traefik(Means::Files), "proxy, Traefik by files", &OTHERS);
}

#[test]
fn behind_traefik_by_labels() {
    down_at(behind_traefik(Means::Labels), "proxy, Traefik by labels", &OTHERS);
}
