use serde::{Deserialize, Serialize};

use crate::probe::inside::{Ask, Got};

/// One line from bgd to the helper.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    /// Comes back in the [`Reply`]; answers may come in any order.
    pub(super) id: u64,
    /// What to do.
    pub(super) ask: Ask,
}

/// One line from the helper to bgd.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reply {
    /// That of the call.
    pub(super) id: u64,
    /// What came of it.
    pub(super) got: Got,
}

/// A message as a line.
pub(super) fn line(message: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}
