//! Whether a release that gets real traffic is good: samples in, verdict out. Nothing here does I/O.

mod verdict;

pub use verdict::{Sample, Tally, Verdict};
