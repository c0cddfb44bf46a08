use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bgd::docker::{EventKind, HealthStatus};
use futures_util::StreamExt;

use crate::fake::{Answer, Daemon, bytes, recorded, refusal, stream};

const ALL: [EventKind; 4] =
    [EventKind::Start, EventKind::Health(HealthStatus::Healthy), EventKind::Die(137), EventKind::Destroy];

/// Follows the events of a daemon that gives these answers in turn, until as many have come.
async fn follow(
    version: &'static str,
    answers: Vec<fn(&str) -> Answer>,
    count: usize,
) -> (Vec<EventKind>, Daemon) {
    let asked = AtomicUsize::new(0);
    let lines = recorded(version, "events.jsonl");
    let daemon = Daemon::start(version, move |_| {
        let turn = asked.fetch_add(1, Ordering::Relaxed);
        answers.get(turn).map_or_else(|| refusal(500, "no more answers"), |answer| answer(&lines))
    });
    let engine = daemon.connect().await;
    let events = engine.events(&["bgd.test=rec".to_owned()]).await.unwrap();
    let collected = events.take(count).map(|event| event.unwrap().kind).collect();
    let kinds = tokio::time::timeout(Duration::from_secs(20), collected).await.unwrap();
    (kinds, daemon)
}

fn first_lines(lines: &str, count: usize) -> String {
    lines.split_inclusive('\n').take(count).collect()
}

#[tokio::test]
async fn recorded_events_are_read() {
    for version in ["1.41", "1.51"] {
        let (kinds, daemon) = follow(version, vec![stream], 4).await;
        assert_eq!(kinds, ALL);
        let asked = daemon.asked();
        assert!(asked[0].contains("label") && asked[0].contains("bgd.test%3Drec"), "{asked:?}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_is_taken_up_without_a_gap_and_without_a_repetition() {
    let answers: Vec<fn(&str) -> Answer> = vec![
        // Ends after two events and a half; then the engine is gone twice; then it repeats what it had told.
        |lines| {
            let two = first_lines(lines, 2).len();
            stream(&lines[..two + 40])
        },
        |_| bytes(b""),
        |_| refusal(503, "the daemon is shutting down"),
        stream,
    ];
    let (kinds, daemon) = follow("1.41", answers, 4).await;
    assert_eq!(kinds, ALL);
    let since = |request: &str| request.split("since=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let asked: Vec<String> = daemon.asked().iter().map(|request| since(request)).collect();
    assert_eq!(asked.len(), 4);
    // A second before the last event that had come, to the nanosecond.
    let line: serde_json::Value =
        serde_json::from_str(recorded("1.41", "events.jsonl").lines().nth(1).unwrap()).unwrap();
    let nanos = line["timeNano"].as_i64().unwrap() - 1_000_000_000;
    assert_eq!(asked[3], format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000));
}

#[tokio::test]
async fn what_is_older_than_the_subscription_is_asked_for_and_not_told() {
    // The engine stops repeating at the first event that is too old. One that was stamped before the subscription and
    // published after it must not end the list.
    let began = |version| {
        let info: serde_json::Value = serde_json::from_str(&recorded(version, "info.json")).unwrap();
        info["SystemTime"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_nanosecond()
    };
    let late = began("1.41") - 5_000_000;
    let stamped = move |lines: &str| {
        let mut event: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        event["timeNano"] = i64::try_from(late).unwrap().into();
        format!("{event}\n{lines}")
    };
    let lines = stamped(&recorded("1.41", "events.jsonl"));
    let daemon = Daemon::start("1.41", move |_| stream(&lines));
    let events = daemon.connect().await.events(&[]).await.unwrap();
    let told = events.take(4).map(|event| event.unwrap().kind).collect::<Vec<_>>();
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), told).await.unwrap(), ALL);
    let asked = &daemon.asked()[0];
    let since = began("1.41") - 1_000_000_000;
    let wanted = format!("since={}.{:09}&", since / 1_000_000_000, since % 1_000_000_000);
    assert!(asked.contains(&wanted), "{asked}, not {wanted}");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_stays_away_ends_the_stream_with_an_error() {
    let daemon = Daemon::start("1.41", |_| stream(""));
    let mut events = daemon.connect().await.events(&[]).await.unwrap();
    let first = tokio::time::timeout(Duration::from_secs(5), events.next());
    assert!(first.await.is_err(), "a stream without events is taken up again and again");
    drop(daemon);
    let error = events.next().await.unwrap().unwrap_err();
    assert!(error.one_line().contains("cannot follow the engine's events"), "{}", error.one_line());
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn a_subscription_that_is_refused_is_an_error_at_once() {
    let daemon = Daemon::start("1.41", |_| refusal(400, "invalid filter"));
    let error = daemon.connect().await.events(&[]).await.err().unwrap();
    assert!(error.one_line().contains("invalid filter"), "{}", error.one_line());
}
