//! Load that shows whether a deploy loses a request.
//!
//! [`Load`] starts clients of several [`Kind`]s on a thread of their own, [`Running`] tells what they saw so far,
//! and stopping it gives the [`Report`].
//!
//! # What counts as failed
//! Every request that is refused, reset, cut, not answered within [`TIME_LIMIT`] or answered with a status other than
//! 2xx, each under its [`FailureKind`]. Nothing is ever sent twice. After a failure a client pauses for 10 ms, so that
//! an outage counts in proportion to its length.
//!
//! # Keep-alive connections
//! A client opens a new connection only when the server has announced the end of the old one (`Connection: close`,
//! or HTTP/1.0 without keep-alive). It does not look at an idle connection before it writes, as many HTTP clients do
//! not. A server that closes an idle connection without a word thus makes the next request fail:
//!
//! - as [`FailureKind::ClosedIdle`], when the end had arrived before the first byte of the request was written.
//!   A client that watches its idle connections would have noticed it and opened another;
//! - as [`FailureKind::Closed`] or [`FailureKind::Reset`], when request and end crossed on their way. No client can
//!   tell whether such a request was carried out.
//!
//! [`Load::attentive`] makes the clients look before they write. Then an end that was noticed in time is no failure
//! and is counted in [`Report::noticed_closes`].
//!
//! # WebSockets
//! A close frame from the server is a clean end, also when an echo was still due, because no echo may follow a close
//! frame. Every other end is a failure. The client then connects again.

mod answer;
mod client;
mod connection;
mod digest;
mod failure;
mod kind;
mod load;
mod report;
mod running;
mod tally;

pub use client::TIME_LIMIT;
pub use digest::digest;
pub use failure::FailureKind;
pub use kind::Kind;
pub use load::Load;
pub use report::{FailureGroup, Gap, KindReport, Latency, Report};
pub use running::Running;
