//! bgd deploys container images to one Docker host, blue-green, without losing a request.
//!
//! How data flows: [`cli`] reads the command line; [`config`] reads a bgd.yaml, and [`compose`] a service of a compose
//! project by the same readers, into the nouns of [`model`].
//! [`plan`] observes [`docker`], [`proxy`] and [`record`], and decides purely. [`saga`] runs the plan's [`step`]s, each
//! announced in the journal of [`record`] first, and undoes or recovers them. Steps look from where the proxy stands
//! through [`probe`], touch only the containers that [`own`] has proved to be bgd's, run the user's commands through [`hook`], and [`watch`] judges what
//! they see. [`turn`] keeps two who use one engine from changing one app at once. What happens is told as [`event`]s, which
//! [`ui`] prints, with users named by [`user`]; what fails is an [`error`] with a kind, a cause and hints.
#![warn(missing_docs)]

pub mod cli;
pub mod compose;
pub mod config;
pub mod docker;
pub mod error;
pub mod event;
pub mod hook;
pub mod model;
pub mod own;
pub mod plan;
pub mod probe;
pub mod proxy;
pub mod record;
pub mod saga;
pub mod step;
pub mod template;
pub mod turn;
pub mod ui;
pub mod user;
pub mod watch;
