use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, Kind, Result};
use crate::model::{AppName, NginxRoute};

use super::driver::NginxDriver;
use super::marker;
use super::names;
use super::placeholder;
use super::processes::complaints;
use super::reload::{put_all, read_text};
use super::shared;
use crate::proxy::seat::Seat;

/// How long nginx may take to come up.
const DEADLINE: Duration = Duration::from_secs(15);

impl NginxDriver {
    /// Takes a place in a running nginx. One that does not start because its configuration refers to an upstream which
    /// nobody defines gets a definition first, and is started.
    pub(super) async fn unlocked(&self) -> Result<Seat> {
        let seat = self.seat().await?;
        if seat.is_running() {
            return Ok(seat);
        }
        if !self.waits_for_upstream(&seat).await? {
            return Err(self.stopped(&seat).await);
        }
        self.unlock(seat).await
    }

    /// The app because of whose file this nginx is down, and what nginx says of it: one of another version than before does
    /// not take every file.
    pub(super) async fn file_refused_by(&self, seat: &Seat) -> Result<Option<(AppName, String)>> {
        // One that was stopped by hand has ended well, whatever its log says of former times.
        if seat.is_running() || seat.container.state.exit_code == 0 {
            return Ok(None);
        }
        let log = self.engine.log_tail(&seat.container.id, 20).await?;
        let Some(last) = log.lines().rfind(|line| line.contains("[emerg]")) else { return Ok(None) };
        Ok(refused_in(last, names::folder(&self.proxy), &self.app.name))
    }

    /// Whether this nginx is down because of the app's own file, or of the one that all apps share.
    pub(super) async fn refuses_own_file(&self, seat: &Seat) -> Result<bool> {
        Ok(self.file_refused_by(seat).await?.is_some_and(|(app, _)| app == self.app.name))
    }

    /// Whether this nginx is down because nobody defines the app's upstream yet.
    pub(super) async fn waits_for_upstream(&self, seat: &Seat) -> Result<bool> {
        let NginxRoute::Upstream(name) = &self.proxy.route else { return Ok(false) };
        // The log may speak of former times: a definition of bgd's own is never overwritten here.
        let text = read_text(&*seat.vantage, &self.file()).await?;
        if text.as_deref().and_then(marker::generation_of).is_some() {
            return Ok(false);
        }
        let log = self.engine.log_tail(&seat.container.id, 20).await?;
        let complaint = format!("host not found in upstream \"{name}\"");
        let last = log.lines().rfind(|line| line.contains("[emerg]"));
        Ok(last.is_some_and(|line| line.contains(&complaint)))
    }

    /// The error for an nginx that is down, with the reason from its log.
    pub(super) async fn stopped(&self, seat: &Seat) -> Error {
        let log = self.engine.log_tail(&seat.container.id, 20).await.unwrap_or_default();
        seat.not_running().detail(format!("last lines of {}", seat.container.name), complaints(&log))
    }

    /// Writes files that every version of nginx takes, by which nobody is live, and starts nginx.
    pub(super) async fn unlock(&self, seat: Seat) -> Result<Seat> {
        // Docker waits longer before each restart; stopped, it starts at once, and its files hold still.
        #[expect(clippy::disallowed_methods, reason = "the configuration names it as the proxy")]
        self.engine.stop(&seat.container.id, Duration::ZERO).await?;
        let seat = self.seat().await?;
        let files = [
            (names::shared_of(&self.proxy), Some(shared::shared_placeholder()?)),
            (self.file(), Some(placeholder::placeholder(&self.proxy, &self.app.name)?)),
        ];
        put_all(&*seat.vantage, &files).await?;
        self.engine.start(&seat.container.id).await?;
        let start = Instant::now();
        loop {
            let seat = self.seat().await?;
            let knows_app =
                marker::ask(&*seat.vantage, &self.app.name).await.is_ok_and(|marker| marker.is_some());
            if seat.is_running() && knows_app {
                return Ok(seat);
            }
            if start.elapsed() >= DEADLINE {
                let error = self.stopped(&seat).await;
                return Err(Error::new(
                    Kind::Proxy,
                    "nginx does not come up, although it has a file that every version takes",
                )
                .caused_by(error));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The app whose file a complaint of nginx's is about; that of the file of all apps is `own`.
fn refused_in(complaint: &str, folder: &str, own: &AppName) -> Option<(AppName, String)> {
    let begin = format!("{folder}/zz-bgd");
    let name = complaint[complaint.find(&begin)? + begin.len()..].split(".conf:").next()?;
    let app = match name.strip_prefix('-') {
        Some(app) => AppName::parse(app).ok()?,
        None if name.is_empty() => own.clone(),
        None => return None,
    };
    let what = complaint.split_once("[emerg]").map_or(complaint, |(_, what)| what);
    Some((
        app,
        what.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ' ' | '#' | ':')).to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_whose_file_nginx_does_not_take_is_read_from_its_complaint() {
        let own = AppName::parse("api").unwrap();
        let found = |line: &str| refused_in(line, "/etc/nginx/conf.d", &own);
        let line = "nginx: [emerg] invalid parameter \"resolve\" in /etc/nginx/conf.d/zz-bgd-web.conf:9";
        let (app, what) = found(line).unwrap();
        assert_eq!(app.as_str(), "web");
        assert!(what.starts_with("invalid parameter"), "{what}");
        let shared = "2026/01/01 [emerg] 1#1: unknown directive \"keepalive_min_timeout\" in /etc/nginx/conf.d/zz-bgd.conf:4";
        let (app, what) = found(shared).unwrap();
        assert!(app == own && what.starts_with("unknown directive"), "{what}");
        assert_eq!(found("nginx: [emerg] unknown directive in /etc/nginx/conf.d/mine.conf:1"), None);
        assert_eq!(found("nginx: [emerg] host not found in upstream \"x\""), None);
    }
}
