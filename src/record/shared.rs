use super::Store;
use crate::error::Result;
use crate::model::{Outcome, Release, ReleaseNumber, label};

/// Which other app has a container of this adopted release as its release 0, in words; `None` when none has. A record that
/// cannot be read may be one.
///
/// # Errors
/// When the state folder cannot be read.
pub fn also_live_for(store: &Store, release: &Release) -> Result<Option<String>> {
    if release.containers.iter().any(|(_, spec)| spec.labels.contains_key(label::APP)) {
        return Ok(None);
    }
    for name in store.apps()? {
        if name == release.app.name {
            continue;
        }
        let records = store.app(&name);
        let other = match records.release(ReleaseNumber(0)) {
            // An adoption that was undone.
            Ok(Some(Release { outcome: Outcome::Failed { .. }, .. })) => continue,
            Ok(Some(other)) => other,
            Ok(None) => continue,
            Err(error) => {
                return Ok(Some(format!("it may be release 0 of {name} too: {}", error.one_line())));
            }
        };
        let live = records.state().map(|state| state.live());
        let is_over = live.is_ok_and(|live| live.is_some_and(|live| live != other.number));
        let same = other
            .containers
            .iter()
            .any(|(theirs, _)| release.containers.iter().any(|(own, _)| own == theirs));
        let same_id = other.ids.values().any(|theirs| release.ids.values().any(|own| own == theirs));
        let knows_ids = !other.ids.is_empty() && !release.ids.is_empty();
        if !is_over && if knows_ids { same_id } else { same } {
            let container = other.containers.first().map_or("it", |(name, _)| name.as_str());
            return Ok(Some(format!("{container} is release 0 of {name} too, which is live")));
        }
    }
    Ok(None)
}
