//! One of every event. One that is missing here does not compile.

use std::path::PathBuf;
use std::time::Duration;

use bgd::error::{Detail, Place};
use bgd::event::{Event, Failure, Thing};
use bgd::model::{AppName, ReleaseNumber, Slot};
use bgd::record::Cause;
use bgd::step::Step;

macro_rules! events {
    ($($variant:ident => $event:expr),+ $(,)?) => {
        /// One of every event, with every field filled.
        pub fn all() -> Vec<Event> {
            // A variant that is not in the list below is not covered here.
            let listed = |event: &Event| match event { $(Event::$variant { .. } => stringify!($variant)),+ };
            let all = vec![$($event),+];
            let names = [$(stringify!($variant)),+];
            assert!(all.iter().zip(names).all(|(event, name)| listed(event) == name), "not of its own name");
            all
        }
    };
}

events! {
    Begin => Event::Begin {
        app: app(),
        cause: Cause::Deploy,
        release: ReleaseNumber(2),
        image: text(),
        slot: Slot::Green,
        former: Some(ReleaseNumber(1)),
        steps: Step::ALL.to_vec(),
    },
    StepStarted => Event::StepStarted { step: Step::Create, message: text() },
    Progress => Event::Progress { step: Step::Watch, done: 1, total: Some(2), message: text() },
    HookOutput => Event::HookOutput { step: Step::BeforeSwitch, line: text() },
    StepDone => Event::StepDone { step: Step::Create, took: Duration::from_millis(24), message: text() },
    StepFailed => Event::StepFailed { step: Step::Smoke, reason: text() },
    Undoing => Event::Undoing { step: Step::Create, message: text() },
    Note => Event::Note { message: text() },
    Warning => Event::Warning { message: text(), remedy: Some(text()) },
    Surplus => Event::Surplus { app: app(), thing: Thing::Image, name: text(), why: text() },
    Left => Event::Left { app: app(), thing: Thing::Journal, name: text(), why: text() },
    Removed => Event::Removed { app: app(), thing: Thing::Record, name: text() },
    Done => Event::Done {
        app: app(),
        release: ReleaseNumber(2),
        slot: Slot::Green,
        took: Duration::from_secs(2),
        next: vec![text()],
    },
    Failed => Event::Failed(Failure {
        class: "smoke",
        code: 7,
        message: text(),
        causes: vec![text()],
        details: vec![Detail { title: text(), text: text() }],
        hints: vec![text()],
        places: vec![Place { file: PathBuf::from("bgd.yaml"), line: 3, column: 1, message: text() }],
    }),
}

fn app() -> AppName {
    AppName::parse("api").unwrap()
}

fn text() -> String {
    "text".to_owned()
}
