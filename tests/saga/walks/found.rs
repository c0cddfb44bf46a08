//! What walks have found, each as a test of its own.

use bgd::docker::fake::Behaviour;
use bgd::error::{Error, Kind};

use super::hints;
use super::land::{Land, Way};
use super::machine::Ended;
use super::moments::Fate;
use super::on_a_large_stack;

/// The one app, of the one person or the other.
const ME: (usize, usize) = (0, 0);
const OTHER: (usize, usize) = (1, 0);

fn play(scene: impl AsyncFnOnce(&mut Land) + Send + 'static) {
    on_a_large_stack(|runtime| {
        let mut land = Land::new(&["api"]);
        runtime.block_on(scene(&mut land));
        let violations = land.rules.violations();
        assert!(violations.is_empty(), "{violations:#?} {:#?}", land.log);
    });
}

async fn well(land: &mut Land, who: (usize, usize), words: &[&str]) {
    let ended = land.bgd(who, words, None).await.ended;
    assert!(matches!(ended, Ended::Well), "{words:?}: {ended:?}");
}

async fn refused(land: &mut Land, who: (usize, usize), words: &[&str]) -> Error {
    match land.bgd(who, words, None).await.ended {
        Ended::Badly(error) => error,
        ended => panic!("{words:?}: {ended:?}"),
    }
}

async fn deployed(land: &mut Land, who: (usize, usize)) {
    let image = land.add_image("api", Behaviour::Runs);
    well(land, who, &["deploy", &image]).await;
}

/// Deploys, and is interrupted in the watch: the new release is live, and its deploy is open.
async fn interrupted(land: &mut Land, who: (usize, usize)) {
    for at in (60..400).step_by(3) {
        let image = land.add_image("api", Behaviour::Runs);
        let ended = land.bgd(who, &["deploy", &image, "--yes"], Some((at, Fate::Interrupt))).await.ended;
        match ended {
            Ended::Badly(error) if error.to_string().contains("watch did not end") => return,
            Ended::Badly(_) => {}
            Ended::Well => panic!("it was never in its watch"),
            ended => panic!("{ended:?}"),
        }
    }
}

/// The release that clients get.
fn served(land: &Land) -> Option<u32> {
    let served = land.rules.served();
    served.values().find_map(|one| one.as_ref().ok()).map(|(number, _)| number.0)
}

fn container_of(land: &Land, release: u32) -> String {
    let number = release.to_string();
    let all = land.engine.all();
    let is_its =
        |labels: &std::collections::BTreeMap<String, String>| labels.get("bgd.release") == Some(&number);
    all.into_iter().find(|one| is_its(&one.spec.labels)).unwrap().name
}

#[test]
fn going_to_the_release_whose_deploy_is_open_does_not_take_it_back() {
    play(async |land| {
        deployed(land, ME).await;
        interrupted(land, ME).await;
        let live = served(land).unwrap();
        let error = refused(land, ME, &["rollback", "api", "--to", &live.to_string()]).await;
        assert_eq!(error.kind(), Kind::NeedsRecovery);
        assert!(error.hints()[0].contains("bgd recover api"), "{:?}", error.hints());
        assert_eq!(served(land), Some(live));
        well(land, ME, &["recover", "api", "--yes"]).await;
        assert_eq!(served(land), Some(live));
    });
}

#[test]
fn going_further_back_than_the_release_before_goes_there_after_the_open_deploy_is_taken_back() {
    play(async |land| {
        deployed(land, ME).await;
        deployed(land, ME).await;
        interrupted(land, ME).await;
        well(land, ME, &["rollback", "api", "--to", "1"]).await;
        assert_eq!(served(land), Some(1));
    });
}

#[test]
fn an_adoption_with_other_records_does_not_take_a_live_route() {
    play(async |land| {
        deployed(land, ME).await;
        let image = land.add_image("api", Behaviour::Runs);
        land.add_container("api-web-0", &image).unwrap();
        let error = refused(land, OTHER, &["adopt", "api-web-0"]).await;
        assert_eq!(error.kind(), Kind::NeedsRecovery);
        assert!(error.one_line().contains("release 1 of api"), "{}", error.one_line());
        assert_eq!(served(land), Some(1));
        // Nor behind another proxy, as long as its containers run.
        land.configs[1][0].way = Way::Edge2;
        land.write_config(1, 0);
        let error = refused(land, OTHER, &["adopt", "api-web-0"]).await;
        assert!(error.one_line().contains("no record here knows"), "{}", error.one_line());
    });
}

/// Two people have state folders of their own, and each wants the same container behind another proxy: a deploy of one would
/// stop what the other's proxy routes to.
#[test]
fn a_container_is_adopted_by_one_state_folder() {
    play(async |land| {
        let image = land.add_image("api", Behaviour::Runs);
        land.add_container("api-web-0", &image).unwrap();
        land.configs[1][0].way = Way::Edge2;
        land.write_config(1, 0);
        well(land, ME, &["adopt", "api-web-0"]).await;
        let error = refused(land, OTHER, &["adopt", "api-web-0"]).await;
        assert!(error.one_line().contains("release 0 of api already"), "{}", error.one_line());
        let remove =
            error.hints().iter().find_map(|hint| hint.split_once("docker rm ")).unwrap().1.to_owned();
        // The one who has it may take it up again, and goes on with it.
        deployed(land, ME).await;
        well(land, ME, &["rollback", "api"]).await;
        assert_eq!(served(land), Some(0));
        // The printed remedy.
        land.engine.remove_by_hand(&remove, true).unwrap();
        well(land, OTHER, &["adopt", "api-web-0"]).await;
    });
}

/// What a deploy has done cannot be told without the record of its release: nothing is touched, and what is printed ends well.
#[test]
fn a_damaged_record_of_an_open_deploy_leaves_everything_as_it_is() {
    play(async |land| {
        deployed(land, ME).await;
        interrupted(land, ME).await;
        let live = served(land).unwrap();
        let app = land.seat(0, 0).state.join("apps/api");
        let record = app.join(format!("releases/{live}.json"));
        let good = std::fs::read(&record).unwrap();
        std::fs::write(&record, "{").unwrap();
        for command in [&["recover", "api", "--yes"][..], &["rollback", "api"]] {
            let error = refused(land, ME, command).await;
            assert_eq!(error.kind(), Kind::Stuck, "{command:?}: {error:?}");
            let hints = error.hints().join("\n");
            for part in ["from a backup", "nothing was touched", "bgd status api", "then `bgd recover api`"] {
                assert!(hints.contains(part), "{command:?}: no word of {part}: {hints}");
            }
            assert_eq!(served(land), Some(live));
        }
        // With the backup it goes on.
        std::fs::write(&record, &good).unwrap();
        well(land, ME, &["recover", "api", "--yes"]).await;
        assert_eq!(served(land), Some(live));
        // Without one, the journal goes away and the records are made to fit.
        interrupted(land, ME).await;
        let live = served(land).unwrap();
        std::fs::write(app.join(format!("releases/{live}.json")), "{").unwrap();
        std::fs::rename(app.join("journal.jsonl"), app.join("journal.away")).unwrap();
        well(land, ME, &["recover", "api", "--yes"]).await;
        assert_eq!(served(land), Some(live));
        deployed(land, ME).await;
    });
}

#[test]
fn a_release_that_was_stopped_is_started_before_requests_go_back_to_it() {
    play(async |land| {
        deployed(land, ME).await;
        interrupted(land, ME).await;
        let former = container_of(land, 1);
        land.engine.stop_by_hand(&former).unwrap();
        well(land, ME, &["rollback", "api"]).await;
        assert_eq!(served(land), Some(1));
    });
}

#[test]
fn a_release_that_was_removed_is_not_gone_back_to_by_an_undo() {
    play(async |land| {
        deployed(land, ME).await;
        interrupted(land, ME).await;
        let live = served(land).unwrap();
        let former = container_of(land, 1);
        land.engine.remove_by_hand(&former, true).unwrap();
        let error = refused(land, ME, &["rollback", "api"]).await;
        assert_eq!(error.kind(), Kind::NeedsRecovery);
        assert_eq!(served(land), Some(live));
        // What it tells to do, and after that.
        well(land, ME, &["recover", "api"]).await;
        well(land, ME, &["rollback", "api"]).await;
        assert_eq!(served(land), Some(1));
    });
}

#[test]
fn a_container_makes_way_under_a_name_that_is_free() {
    play(async |land| {
        deployed(land, ME).await;
        for name in ["api-green", "api-green-old"] {
            let image = land.add_image("other", Behaviour::Runs);
            land.add_container(name, &image).unwrap();
        }
        let image = land.add_image("api", Behaviour::Runs);
        let error = refused(land, ME, &["deploy", &image]).await;
        let remedies = hints::remedies(&error);
        let Some(hints::Remedy::Type(commands)) = remedies.first() else { panic!("{:?}", error.hints()) };
        hints::docker(&land.engine, &commands[0]).unwrap();
        well(land, ME, &["deploy", &image]).await;
    });
}

#[test]
fn a_number_alone_does_not_make_a_release_that_of_a_record() {
    play(async |land| {
        // Release 1 of these records never served, and that of the others does.
        let image = land.add_image("api", Behaviour::Dies(3));
        refused(land, ME, &["deploy", &image]).await;
        deployed(land, OTHER).await;
        let image = land.add_image("api", Behaviour::Runs);
        let error = refused(land, ME, &["deploy", &image, "--yes"]).await;
        assert_eq!(error.kind(), Kind::NeedsRecovery);
        assert_eq!(served(land), Some(1));
        // The records can follow, which keeps the file of before.
        well(land, ME, &["recover", "api", "--yes"]).await;
        assert!(land.records(0, 0).join("releases/1.json.damaged").exists());
        well(land, ME, &["deploy", &image]).await;
        assert_eq!(served(land), Some(2));
    });
}

#[test]
fn a_damaged_record_of_what_was_adopted_is_made_again_by_adopting_it() {
    play(async |land| {
        let image = land.add_image("api", Behaviour::Runs);
        land.add_container("api-web-0", &image).unwrap();
        well(land, ME, &["adopt", "api-web-0"]).await;
        std::fs::write(land.records(0, 0).join("releases/0.json"), "{").unwrap();
        let error = refused(land, ME, &["recover", "api", "--yes"]).await;
        assert!(
            error.hints().iter().any(|hint| hint.ends_with("bgd adopt api-web-0")),
            "{:?}",
            error.hints()
        );
        well(land, ME, &["adopt", "api-web-0"]).await;
        assert_eq!(served(land), Some(0));
        deployed(land, ME).await;
    });
}

#[test]
fn a_damaged_record_of_what_never_served_keeps_nothing_from_being_deployed() {
    play(async |land| {
        let image = land.add_image("api", Behaviour::Dies(3));
        refused(land, ME, &["deploy", &image]).await;
        std::fs::write(land.records(0, 0).join("releases/1.json"), "{").unwrap();
        well(land, ME, &["recover", "api", "--yes"]).await;
        deployed(land, ME).await;
        assert_eq!(served(land), Some(2), "a number was given again");
    });
}

#[test]
fn a_deploy_that_is_undone_leaves_the_route_whose_file_was_removed_before() {
    play(async |land| {
        deployed(land, ME).await;
        for place in land.edges.places() {
            land.edges.delete(&place);
        }
        // In or after each step, so that the files are put back in some of these.
        for at in (40..160).step_by(7) {
            let image = land.add_image("api", Behaviour::Runs);
            land.bgd(ME, &["deploy", &image, "--yes"], Some((at, Fate::Kill))).await;
            land.bgd(ME, &["recover", "api", "--yes"], None).await;
            assert!(served(land).is_some(), "killed at {at}: {:#?}", land.log);
            for place in land.edges.places() {
                land.edges.delete(&place);
            }
        }
    });
}

#[test]
fn a_recovery_ends_what_a_move_has_left_when_the_configuration_says_so() {
    play(async |land| {
        deployed(land, ME).await;
        land.configs[0][0].way = Way::Labels;
        land.configs[0][0].keep_old = Some("1h");
        land.write_config(0, 0);
        deployed(land, ME).await;
        let live = container_of(land, 2);
        land.engine.remove_by_hand(&live, true).unwrap();
        let error = refused(land, ME, &["recover", "api", "--yes"]).await;
        assert!(error.hints().iter().any(|hint| hint.contains("keep_old")), "{:?}", error.hints());
        land.configs[0][0].keep_old = Some("0s");
        land.write_config(0, 0);
        well(land, ME, &["recover", "api", "--yes"]).await;
    });
}

/// Each release is asked at the proxy of its own, also where its record was made again with another configuration.
#[test]
fn other_records_that_are_made_again_know_the_proxy_that_was_left() {
    play(async |land| {
        deployed(land, ME).await;
        land.configs[0][0].way = Way::Edge2;
        land.configs[0][0].keep_old = Some("1h");
        land.write_config(0, 0);
        deployed(land, ME).await;
        for way in [Way::Edge, Way::Edge2] {
            land.configs[1][0].way = way;
            land.write_config(1, 0);
            land.bgd(OTHER, &["recover", "api", "--yes"], None).await;
            let image = land.add_image("api", Behaviour::Runs);
            land.bgd(OTHER, &["deploy", &image, "--yes"], None).await;
        }
    });
}
