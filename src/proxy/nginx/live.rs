use std::rc::Rc;

use futures_util::future::try_join_all;

use crate::docker::Engine;
use crate::error::Result;
use crate::model::{AppName, ReleaseNumber, Slot};
use crate::proxy::Live;

use super::driver::NginxDriver;
use super::marker;
use super::names;
use super::reload::read_text;
use super::seat::{self, Seat};

/// Asks one nginx about many apps: one look at the container, then all questions side by side.
///
/// # Errors
/// Those of the engine, or nginx runs and does not answer. A stopped nginx routes nothing: `None` for all.
pub async fn live_many(
    engine: Rc<dyn Engine>,
    container: &str,
    apps: &[AppName],
) -> Result<Vec<Option<Live>>> {
    let seat = seat::take(&engine, container, None).await?;
    if !seat.is_running() {
        return Ok(vec![None; apps.len()]);
    }
    let asked = apps.iter().map(|app| marker::ask(&*seat.vantage, app));
    let markers = try_join_all(asked).await.map_err(marker::unanswered)?;
    Ok(markers.into_iter().map(|marker| marker.and_then(|marker| marker.live)).collect())
}

impl NginxDriver {
    /// What nginx will route to when it comes up.
    pub(super) async fn live_on_disk(&self, seat: &Seat) -> Result<Option<Live>> {
        let Some(text) = read_text(&*seat.vantage, &self.file()).await? else { return Ok(None) };
        if text.contains(" live=$bgd_slot ") {
            let slot = self.flags(&*seat.vantage).await?.live();
            return Ok(slot.map(|slot| Live { slot, release: None }));
        }
        Ok(live_in(&text))
    }

    /// The flags of blue and green, and the one that takes the last of them back.
    pub(super) fn flag_files(&self) -> [String; 3] {
        [
            names::flag_of(&self.proxy, &self.app.name, Slot::Blue),
            names::flag_of(&self.proxy, &self.app.name, Slot::Green),
            names::undo_of(&self.proxy, &self.app.name),
        ]
    }

    /// Everything that bgd writes for this app alone.
    pub(super) fn own_files(&self) -> Vec<String> {
        let mut files = vec![self.file()];
        files.extend(self.flag_files());
        files
    }
}

/// What the marker of a file says is live.
pub fn live_in(text: &str) -> Option<Live> {
    let value = |key: &str| {
        let start = text.find(key)? + key.len();
        text[start..].split(|c: char| !c.is_ascii_alphanumeric()).next()
    };
    let slot = Slot::parse(value(" live=")?)?;
    Some(Live { slot, release: value(" release=").and_then(|n| n.parse().ok()).map(ReleaseNumber) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_of_a_file_is_read() {
        let live =
            live_in("return 200 \"bgd app=api live=blue release=4 generation=0 nginx=$nginx_version\\n\";");
        assert_eq!(live, Some(Live { slot: Slot::Blue, release: Some(ReleaseNumber(4)) }));
        assert_eq!(live_in("bgd app=api live=none release=- "), None);
        assert_eq!(live_in(""), None);
    }
}
