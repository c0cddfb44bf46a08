//! Compose projects as the source of an app, and beside what bgd runs, with the versions of compose that are here.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod alike;
mod down;
mod examples;
mod folder;
mod front;
mod handed;
mod keys;
mod merged;
mod migrations;
mod refusals;
mod rest;
mod shop;
mod slips;
mod support;
mod tools;
