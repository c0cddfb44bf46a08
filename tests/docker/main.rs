//! bgd on real Docker, behind real nginx, under load: no request may fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod adopt;
mod asked;
mod bad_green;
mod chaos;
mod client;
mod clock;
mod closed_output;
mod daemon;
mod damage;
mod drift;
mod hooks;
mod identity;
mod in_flight;
mod killed;
mod locks;
mod lost;
mod main_job;
mod moves;
mod outside;
mod patience;
mod proxy_faults;
mod prune;
mod restarts;
mod returning;
mod routes;
mod scene;
mod signals;
mod state_folder;
mod traefik;
mod under_load;
mod vantage;
mod volumes;
mod watching;
mod words;
