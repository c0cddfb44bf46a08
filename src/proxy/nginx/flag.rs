use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use crate::error::{Error, Kind, Result};
use crate::model::Slot;
use crate::probe::Vantage;
use crate::proxy::{FileChange, Route, Target};

use super::driver::NginxDriver;
use super::flags::{Flags, Step};
use super::marker::{self, generation_of};
use super::names;
use super::reload::{Asks, Before, Expected, confirm, load, read_text};
use super::text;
use crate::proxy::seat::Seat;

/// How long nginx may send to an address that a name no longer has: `valid=1s`, counted in whole seconds.
const CACHED: Duration = Duration::from_millis(2100);

impl NginxDriver {
    /// Makes sure that nginx has the app's file, which knows both slots by names that never change, and that it would
    /// send requests of the idle slot to the containers that are there now.
    pub(super) async fn stage_by_flag(&self, seat: &Seat, route: &Route) -> Result<()> {
        let wanted = self.wanted_files(seat, route).await?;
        let text = wanted.last().and_then(|(_, text)| text.as_deref()).unwrap_or_default();
        let generation = generation_of(text).unwrap_or_default().to_owned();
        let marker = marker::ask(&*seat.vantage, &self.app.name).await.map_err(marker::unanswered)?;
        let mut is_in_use = marker.as_ref().is_some_and(|marker| marker.generation == generation);
        for (path, text) in &wanted {
            is_in_use = is_in_use && read_text(&*seat.vantage, path).await? == *text;
        }
        self.place_adopted(&*seat.vantage, route).await?;
        if !is_in_use {
            // Without a flag nobody would be live once the new file is loaded.
            if let (None, Some(live)) = (self.flags(&*seat.vantage).await?.live(), &route.live) {
                self.raise(&*seat.vantage, Some(live.slot), true).await?;
            }
            let before = load(&*self.engine, seat, &wanted, Asks::Before).await?;
            let expected = Expected {
                app: &self.app.name,
                generation: &generation,
                live: None,
                before: Before::Known(&before),
            };
            confirm(&*self.engine, seat, &expected).await?;
        }
        self.check_sight(seat).await?;
        if let Some(idle) = &route.idle {
            self.reach(seat, idle, Some(&generation)).await?;
            self.outwait_cache(&*seat.vantage, idle).await?;
        }
        Ok(())
    }

    /// Says of the idle slot whether the adopted container stands in it. Of the live one nothing is said while nginx may look
    /// at it: that would be a switch.
    async fn place_adopted(&self, vantage: &dyn Vantage, route: &Route) -> Result<()> {
        let disk = read_text(vantage, &self.file()).await?.unwrap_or_default();
        let is_known = text::adopted_in(&disk, &self.proxy, &self.app.name).is_some();
        let live = route.live.as_ref().filter(|_| !is_known);
        let targets: Vec<&Target> = live.into_iter().chain(&route.idle).collect();
        if !is_known && !targets.iter().any(|target| target.is_adopted()) {
            return Ok(());
        }
        for target in targets {
            let path = names::adopted_of(&self.proxy, &self.app.name, target.slot);
            match (target.is_adopted(), vantage.read(&path).await?.is_some()) {
                (true, false) => vantage.write(&path, b"bgd\n").await?,
                (false, true) => vantage.delete(&path).await?,
                (true, true) | (false, false) => {}
            }
        }
        Ok(())
    }

    /// Removes what says where the adopted container stands, once no file of bgd's looks at it.
    pub(super) async fn forget_adopted(&self, vantage: &dyn Vantage) -> Result<()> {
        let disk = read_text(vantage, &self.file()).await?.unwrap_or_default();
        if text::adopted_in(&disk, &self.proxy, &self.app.name).is_some() {
            return Ok(());
        }
        for slot in [Slot::Blue, Slot::Green] {
            let path = names::adopted_of(&self.proxy, &self.app.name, slot);
            if vantage.read(&path).await?.is_some() {
                vantage.delete(&path).await?;
            }
        }
        Ok(())
    }

    /// Makes sure that nginx's workers, which have a user of their own, find the flag files.
    async fn check_sight(&self, seat: &Seat) -> Result<()> {
        let marker = marker::ask(&*seat.vantage, &self.app.name).await.map_err(marker::unanswered)?;
        if marker.is_none_or(|marker| marker.sees_flags) {
            return Ok(());
        }
        let folder = names::folder(&self.proxy);
        let container = &seat.container.name;
        Err(Error::new(
            Kind::Config,
            format!("the workers of nginx in {container} may not look into {folder}"),
        )
        .hint(format!("let everyone enter the folder: docker exec {container} chmod o+x {folder}")))
    }

    /// Moves traffic by a flag file: every request looks at it.
    pub(super) async fn switch_by_flag(&self, seat: &Seat, route: &Route) -> Result<()> {
        let vantage = &*seat.vantage;
        match marker::ask(vantage, &self.app.name).await.map_err(marker::unanswered)? {
            Some(_) => {}
            None => {
                return Err(Error::new(Kind::Proxy, format!("nginx does not know {} yet", self.app.name)));
            }
        }
        if let Some(left) = &route.idle {
            self.note_left(vantage, left).await?;
        }
        self.raise(vantage, route.live.as_ref().map(|live| live.slot), true).await
    }

    /// Which flag files are there.
    pub(super) async fn flags(&self, vantage: &dyn Vantage) -> Result<Flags> {
        let mut present = [false; 3];
        for (present, path) in present.iter_mut().zip(self.flag_files()) {
            *present = vantage.read(&path).await?.is_some();
        }
        Ok(Flags::new(present))
    }

    /// Makes a slot live, or none. Files of a stopped container cannot be removed.
    pub(super) async fn raise(
        &self,
        vantage: &dyn Vantage,
        want: Option<Slot>,
        can_delete: bool,
    ) -> Result<()> {
        let Some(way) = self.flags(vantage).await?.way_to(want, can_delete) else {
            let message =
                format!("the flags of {} cannot be put back while nginx does not run", self.app.name);
            return Err(Error::new(Kind::Proxy, message)
                .hint(format!("start it with: docker start {}", self.proxy.container)));
        };
        let paths = self.flag_files();
        for step in way {
            match step {
                Step::Write(flag) => {
                    let content = format!("bgd wrote this at {}\n", Timestamp::now());
                    vantage.write(&paths[flag.index()], content.as_bytes()).await?;
                }
                Step::Delete(flag) => vantage.delete(&paths[flag.index()]).await?,
            }
        }
        Ok(())
    }

    /// What a switch to this route would do to the flag files.
    pub(super) async fn preview_flags(
        &self,
        vantage: &dyn Vantage,
        route: &Route,
    ) -> Result<Vec<FileChange>> {
        let paths = self.flag_files();
        let want = route.live.as_ref().map(|live| live.slot);
        let way = self.flags(vantage).await?.way_to(want, true).unwrap_or_default();
        let mut changes = Vec::new();
        for step in way {
            let (flag, then) = match step {
                Step::Write(flag) => (flag, Some("bgd\n".to_owned())),
                Step::Delete(flag) => (flag, None),
            };
            let path = paths[flag.index()].clone();
            changes.push(FileChange { now: read_text(vantage, &path).await?, path, then });
        }
        Ok(changes)
    }

    fn left_file(&self) -> String {
        format!("{}/.bgd-{}.left", names::folder(&self.proxy), self.app.name)
    }

    /// Notes when a slot was left and which addresses nginx may still have in mind for it.
    pub(super) async fn note_left(&self, vantage: &dyn Vantage, left: &Target) -> Result<()> {
        let addresses: Vec<String> = left.addresses.iter().map(ToString::to_string).collect();
        let note = format!("{} {} {}\n", left.slot, Timestamp::now(), addresses.join(","));
        vantage.write(&self.left_file(), note.as_bytes()).await
    }

    /// Notes that a slot was left now, whichever it is and whatever its addresses.
    pub(super) async fn forget_left(&self, vantage: &dyn Vantage) -> Result<()> {
        vantage.write(&self.left_file(), format!("unknown {}\n", Timestamp::now()).as_bytes()).await
    }

    /// Waits until nginx cannot have former addresses of a slot in mind that was live a moment ago.
    async fn outwait_cache(&self, vantage: &dyn Vantage, idle: &Target) -> Result<()> {
        let note = read_text(vantage, &self.left_file()).await?;
        sleep(note.map_or(Duration::ZERO, |note| wait_after(&note, idle, Timestamp::now()))).await;
        Ok(())
    }
}

/// How long to wait before a slot may get traffic again, by the note of the last switch.
fn wait_after(note: &str, idle: &Target, now: Timestamp) -> Duration {
    let mut words = note.split_whitespace();
    let left = words.next().unwrap_or_default();
    if Slot::parse(left).is_some_and(|left| left != idle.slot) {
        return Duration::ZERO;
    }
    let since = words.next().and_then(|time| time.parse::<Timestamp>().ok());
    let addresses: Vec<String> = idle.addresses.iter().map(ToString::to_string).collect();
    if words.next() == Some(addresses.join(",").as_str()) {
        return Duration::ZERO;
    }
    // A clock that went backwards, or a note that cannot be read, says nothing: the whole time is waited for.
    let gone = since.and_then(|since| Duration::try_from(now.duration_since(since)).ok()).unwrap_or_default();
    CACHED.saturating_sub(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ReleaseNumber;

    #[test]
    fn a_slot_that_was_left_a_moment_ago_waits_unless_its_addresses_are_the_same() {
        let now: Timestamp = "2026-01-01T00:00:10Z".parse().unwrap();
        let idle = Target {
            slot: Slot::Blue,
            release: ReleaseNumber(3),
            release_host: "api-r3".into(),
            slot_host: "api-slot-blue".into(),
            port: 3000,
            addresses: vec!["10.0.0.2".parse().unwrap()],
        };
        let wait = |note: &str| wait_after(note, &idle, now);
        assert_eq!(wait("blue 2026-01-01T00:00:09Z 10.0.0.9"), Duration::from_millis(1100));
        assert_eq!(wait("blue 2026-01-01T00:00:09Z 10.0.0.2"), Duration::ZERO);
        assert_eq!(wait("green 2026-01-01T00:00:09Z 10.0.0.9"), Duration::ZERO);
        assert_eq!(wait("blue 2026-01-01T00:00:01Z 10.0.0.9"), Duration::ZERO);
        assert_eq!(wait("blue 2026-01-01T00:01:00Z 10.0.0.9"), CACHED);
        assert_eq!(wait("blue garbage"), CACHED);
        assert_eq!(wait("unknown 2026-01-01T00:00:09Z"), Duration::from_millis(1100));
    }
}
