//! The adapter on a real engine: the machine's own, or the one that `DOCKER_HOST` names.
//!
//! The test executable is linked statically, so it is the only content of the image that the tests import:
//! with `--bgd-child` it acts as a container's process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod attach;
mod child;
mod conformance;
mod create;
mod creation;
mod events;
mod exec;
mod files;
mod images;
mod lifecycle;
mod registry;
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

macro_rules! trials {
    ($($module:ident: $($name:ident),+;)+) => {
        vec![$($(Trial::test(concat!(stringify!($module), "::", stringify!($name)), || {
            support::run(|host| Box::pin($module::$name(host)))
        }),)+)+]
    };
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("--bgd-child") {
        return child::main(&args.collect::<Vec<_>>());
    }
    // SAFETY: nothing else runs yet.
    unsafe { std::env::set_var("DOCKER_CONFIG", support::docker_config_folder()) };
    let mut trials = trials! {
        create: every_field_is_read_back_as_it_was_asked_for, a_clone_is_exact,
            what_the_image_gives_is_not_copied_into_the_specification,
            settings_that_bgd_does_not_know_are_named, several_networks_are_connected_in_order,
            a_network_that_is_missing_leaves_no_container_behind, a_host_network_is_a_mode;
        creation: one_that_nobody_heard_the_end_of_is_waited_for,
            where_none_was_asked_for_nothing_is_waited_for_and_nothing_left;
        lifecycle: starting_stopping_and_removing_twice_is_fine, a_taken_name_says_by_whom,
            a_missing_container_is_none_or_an_error_that_names_it, a_long_grace_period_is_not_cut_off,
            a_list_holds_what_carries_all_labels, the_processes_are_those_of_the_host;
        events: a_subscription_stands_when_it_returns, health_and_exit_codes_are_told;
        exec: output_and_exit_code_come_back, a_command_that_takes_too_long_is_given_up,
            an_endless_output_is_bounded, a_log_is_read_whatever_its_driver;
        attach: the_input_reaches_the_container_and_its_end_ends_it, a_dropped_input_ends_the_container;
        files: a_file_comes_back_as_it_went_in;
        conformance: the_fake_behaves_like_the_engine;
        images: an_imported_image_is_found, an_image_goes_with_its_last_tag_unless_it_is_used,
            a_pull_sends_what_docker_login_stored,
            a_pull_that_fails_says_what_to_do;
    };
    // The registry listens on the loopback interface of this process, which an engine elsewhere does not have.
    // scripts/test runs the tests in the namespace of their engine.
    let is_beside = std::env::var_os("BGD_TEST_ENGINE").is_some_and(|engine| engine == "beside");
    if std::env::var_os("DOCKER_HOST").is_some() && !is_beside {
        trials = trials
            .into_iter()
            .map(|trial| {
                let ignored = trial.name().starts_with("images::a_pull");
                trial.with_ignored_flag(ignored)
            })
            .collect();
    }
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    support::clean_up();
    conclusion.exit_code()
}
