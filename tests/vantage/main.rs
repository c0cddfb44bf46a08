//! Vantage points on a real engine: the same checks for bgd itself as root, and for its helper container.
//!
//! The test executable is linked statically, so it is the only program in the image that the tests import: with
//! `--bgd-child` it is the container's process.
#![allow(clippy::disallowed_methods, reason = "a test is anybody")]
#![allow(clippy::unwrap_used, reason = "these are tests, though they bring a main of their own")]

mod child;
mod files;
mod lifetime;
mod offline;
mod processes;
mod requests;
mod smoke;
mod support;

use std::process::ExitCode;

use bgd::probe::Force;
use libtest_mimic::{Arguments, Trial};

macro_rules! both {
    ($($module:ident: $($name:ident),+;)+) => {
        vec![$($(
            Trial::test(concat!("local::", stringify!($module), "::", stringify!($name)), || {
                support::run(Force::Local, |host| Box::pin($module::$name(host)))
            }),
            Trial::test(concat!("helper::", stringify!($module), "::", stringify!($name)), || {
                support::run(Force::Helper, |host| Box::pin($module::$name(host)))
            }),
        )+)+]
    };
}

macro_rules! once {
    ($force:expr; $($module:ident: $($name:ident),+;)+) => {
        [$($(
            Trial::test(concat!(stringify!($module), "::", stringify!($name)), || {
                support::run($force, |host| Box::pin($module::$name(host)))
            }),
        )+)+]
    };
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("--bgd-child") {
        return child::main(&args.collect::<Vec<_>>());
    }
    let mut trials = both! {
        requests: an_answer_comes_back_whole, a_request_under_way_shows_on_its_connection, what_is_sent_arrives, a_redirect_is_not_followed,
            a_long_body_is_cut, every_failure_has_its_kind,
            nobody_listens_is_what_it_is_even_when_one_meets_oneself, requests_wait_for_no_other;
        files: files_of_every_kind_of_folder, a_read_only_mount_is_named, a_missing_folder_is_named,
            a_file_that_is_mounted_itself_is_named, no_link_leads_outside, a_reader_sees_only_whole_files,
            a_container_of_another_user, a_container_that_shares_the_host_s_processes;
        lifetime: a_container_that_stops_is_told_at_once;
        smoke: a_wrong_port_is_explained;
        processes: the_container_s_processes_are_those_that_the_engine_lists;
    };
    trials.extend(once! { Force::Helper;
        lifetime: a_helper_goes_with_its_vantage_point, a_helper_goes_with_a_killed_bgd;
    });
    trials.extend(once! { Force::Local;
        lifetime: a_process_of_something_else_is_not_entered, a_vantage_point_is_chosen;
        offline: files_of_a_stopped_container, what_a_stopped_container_cannot;
    });
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    support::clean_up();
    conclusion.exit_code()
}
