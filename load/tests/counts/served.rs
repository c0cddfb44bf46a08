use crate::server::{OK, accept, always, answer, load, run_until, serve, wait_until};
use bgd_load::{Kind, Load, digest};
use nix::sched::{CloneFlags, unshare};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

#[test]
fn requests_are_counted_by_the_version_that_answered() {
    let asked = Arc::new(AtomicU64::new(0));
    let target = serve(move |mut client| {
        while client.request().is_some() {
            match asked.fetch_add(1, Ordering::Relaxed) {
                0..10 => client.write(OK),
                10..20 => client.write(OK.replace("1.0", "1.1")),
                _ => client.write(OK.replace("X-Version", "X-Other")),
            }
        }
    });
    let running = load(target, Kind::Keepalive, 1).start().unwrap();
    wait_until(&running, |report| report.answered > 20);
    assert_eq!((running.served_by("1.0"), running.served_by("1.1"), running.served_by("2.0")), (10, 10, 0));
    let report = running.stop();
    assert_eq!(report.served_by["-"], report.answered - 20);
    assert_eq!(report.failed, 0);
}

#[test]
fn kinds_are_mixed_and_told_apart() {
    let load = load(always(OK), Kind::Keepalive, 2).with(Kind::PacedKeepalive, 3);
    let report = run_until(load, |report| report.kinds.iter().all(|kind| kind.answered >= 6));
    let kinds: Vec<_> = report.kinds.iter().map(|kind| (kind.kind.as_str(), kind.clients)).collect();
    assert_eq!(kinds, [("paced-keepalive", 3), ("keepalive", 2)]);
    assert_eq!(report.kinds.iter().map(|kind| kind.answered).sum::<u64>(), report.answered);
}

#[test]
fn the_longest_gap_and_the_slowest_answer_show() {
    let target = serve(|mut client| {
        for number in 0.. {
            if client.request().is_none() {
                return;
            }
            if number == 5 {
                std::thread::sleep(Duration::from_millis(300));
            }
            client.write(OK);
        }
    });
    let report = run_until(load(target, Kind::Keepalive, 1), |report| report.answered > 10);
    assert!((300..5000).contains(&report.longest_gap.ms), "{report}");
    assert!(report.latency.max_us >= 299_000 && report.latency.p50_us < 299_000, "{report}");
}

#[test]
fn stopping_waits_for_the_answer_in_flight() {
    let target = serve(|mut client| {
        client.request();
        std::thread::sleep(Duration::from_millis(300));
        client.write(OK);
    });
    let running = load(target, Kind::Keepalive, 1).start().unwrap();
    wait_until(&running, |report| report.connections == 1);
    let report = running.stop();
    assert_eq!((report.answered, report.failed), (1, 0), "{report}");
}

#[test]
fn every_digest_is_compared() {
    let target = serve(|mut client| {
        while let Some(body) = client.request() {
            client.write(answer(&digest(&body)));
        }
    });
    let report = run_until(load(target, Kind::Post, 2), |report| report.answered >= 6);
    assert_eq!(report.failed, 0, "{report}");
}

#[test]
fn connects_from_inside_a_network_namespace() {
    let (ready, address) = mpsc::channel::<Option<(SocketAddr, String)>>();
    std::thread::spawn(move || {
        if unshare(CloneFlags::CLONE_NEWNET).is_err() {
            return drop(ready.send(None));
        }
        assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let thread = std::fs::read_link("/proc/thread-self").unwrap();
        let netns = format!("/proc/{}/ns/net", thread.display());
        ready.send(Some((listener.local_addr().unwrap(), netns))).unwrap();
        accept(&listener, |mut client| {
            while client.request().is_some() {
                client.write(OK);
            }
        });
    });
    let Some((target, netns)) = address.recv().unwrap() else {
        eprintln!("skipped: a network namespace needs root");
        return;
    };
    let report = run_until(load(target, Kind::Keepalive, 1).netns(netns), |report| report.answered >= 3);
    assert_eq!(report.failed, 0, "{report}");
    let outside = run_until(load(target, Kind::Keepalive, 1), |report| report.failed >= 1);
    assert_eq!(outside.answered, 0);
}

#[test]
fn a_namespace_that_is_not_there_is_an_error() {
    let target = "127.0.0.1:1".parse().unwrap();
    let why = Load::new(target, "x").with(Kind::Keepalive, 1).netns("/no/such/ns").start().err().unwrap();
    assert!(why.to_string().starts_with("/no/such/ns: "), "{why}");
}
