use std::rc::Rc;

use futures_util::future::try_join_all;

use crate::docker::Engine;
use crate::error::Result;
use crate::model::{AppName, NginxProxy, ReleaseNumber, Slot};
use crate::proxy::{Live, Seen};

use super::driver::NginxDriver;
use super::marker::{self, generation_of};
use super::names;
use super::reload::read_text;
use super::text::NO_GENERATION;
use crate::proxy::seat::{self, Seat};
use crate::template::fingerprint;

/// Asks one nginx about many apps: one look at the container, then all questions side by side.
///
/// # Errors
/// Those of the engine, or nginx runs and does not answer. A stopped nginx routes nothing.
pub async fn seen_many(
    engine: Rc<dyn Engine>,
    container: &str,
    apps: &[(&AppName, &NginxProxy)],
) -> Result<Vec<Seen>> {
    let seat = seat::take(&engine, container, None).await?;
    if !seat.is_running() {
        return Ok(vec![Seen::default(); apps.len()]);
    }
    let vantage = &*seat.vantage;
    try_join_all(apps.iter().map(|(app, proxy)| async move {
        let live = marker::ask(vantage, app).await.map_err(marker::unanswered)?;
        let path = names::file_of(proxy, app);
        let text = read_text(vantage, &path).await?;
        Ok(seen(live.and_then(|marker| marker.live), text.as_deref(), path))
    }))
    .await
}

/// What is live, and whether its file is still as bgd wrote it. A file that is gone while nginx routes by it is as good as
/// edited: the next reload forgets the route.
pub(super) fn seen(live: Option<Live>, text: Option<&str>, path: String) -> Seen {
    let edited = text.map_or(live.is_some(), is_edited);
    Seen { live, edited: edited.then_some(path).into_iter().collect() }
}

/// Whether a file is not as bgd wrote it: its generation is a fingerprint of all the rest. One without a generation is
/// none of bgd's, which is for the preflight to say.
fn is_edited(text: &str) -> bool {
    generation_of(text)
        .is_some_and(|generation| fingerprint(&text.replace(generation, NO_GENERATION)) != generation)
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
