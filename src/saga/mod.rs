//! Runs the steps of a plan, each announced in the journal before it begins; undoes them when one fails; and takes up
//! what an interrupted bgd left.

mod cancel;
mod execute;
mod hooks;
mod recover;
mod status;

pub use cancel::{Cancel, Wanted};
pub use execute::{Done, execute};
pub use recover::{Decision, Direction, decide, resume};
pub use status::{Advance, Illegal, Phase, Status};
