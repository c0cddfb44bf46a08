//! A deploy, or a rollback, that takes the app to another proxy.

use std::time::Duration;

use jiff::Timestamp;

use crate::config::show_duration;
use crate::error::{Error, Kind, Result};
use crate::model::{App, ProxyConfig, Release};
use crate::proxy::{Routed, Routes};
use crate::record::{AppState, Cause};

/// How the route of one release lies to that of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// It takes its place.
    None,
    /// Another route in the same proxy: the old one goes as soon as the new one is proved.
    Within,
    /// Another proxy, which other clients ask: the old one goes on serving the old release for a while.
    Elsewhere,
}

impl Move {
    /// From the proxy of one configuration to that of another.
    pub fn between(from: &App, to: &App) -> Self {
        let (from, to) = (&from.proxy, &to.proxy);
        if from.is_same_place(to) {
            return Self::None;
        }
        let both_traefik = matches!((from, to), (ProxyConfig::Traefik(_), ProxyConfig::Traefik(_)));
        if from.container() == to.container() && both_traefik { Self::Within } else { Self::Elsewhere }
    }
}

/// How long the proxy that is left goes on serving the old release; `None` for as long as nobody says otherwise.
pub(super) fn keep_old(cause: Cause, from: &App, to: &App) -> Option<Duration> {
    match cause {
        // Whoever goes back in a hurry has said nothing of the proxy that is left: nothing is taken from it.
        Cause::Rollback => from.keep_old,
        Cause::Deploy | Cause::Adopt | Cause::Recover => to.keep_old,
    }
}

/// Refuses a move that would lose requests without a word of the user's.
pub(super) fn check(app: &App, former: Option<&Release>, routes: &Routes) -> Result<()> {
    let Some(former) = former else { return Ok(()) };
    let Some(routed) = routes.to(former) else { return Ok(()) };
    match Move::between(&routed.app, app) {
        Move::None | Move::Within => check_hosts(&routed.app, app),
        Move::Elsewhere if is_within_nginx(&routed.app, app) => Err(Error::new(
            Kind::Config,
            format!(
                "release {} of {} is live by a file in {}, and nginx cannot have it in a second folder",
                former.number,
                app.name,
                routed.app.proxy.folder().unwrap_or_default()
            ),
        )
        .hint(format!("keep  config_dir: {}  for this app", routed.app.proxy.folder().unwrap_or_default()))),
        Move::Elsewhere if app.keep_old.is_none() => Err(Error::new(
            Kind::Config,
            format!(
                "{} is live behind {}, and the configuration moves it to {}",
                app.name,
                routed.describe(),
                app.proxy.describe()
            ),
        )
        .hint(format!(
            "say for how long {} goes on serving release {}, until its clients have come over:  move: {{ keep_old: 1h }}",
            routed.app.proxy.container(),
            former.number
        ))
        .hint("or leave it in place: name the proxy of before under  proxy")),
        Move::Elsewhere => Ok(()),
    }
}

/// Refuses to go back to a release whose route nginx cannot have beside that of the live one.
pub(super) fn check_return(app: &App, former: Option<&Release>, routes: &Routes) -> Result<()> {
    let within =
        former.and_then(|former| routes.to(former)).is_some_and(|routed| is_within_nginx(&routed.app, app));
    if within { check(app, former, routes) } else { Ok(()) }
}

fn is_within_nginx(from: &App, to: &App) -> bool {
    let both = matches!((&from.proxy, &to.proxy), (ProxyConfig::Nginx(_), ProxyConfig::Nginx(_)));
    both && from.proxy.container() == to.proxy.container()
}

/// Hosts that are served now and that nobody would answer any more.
fn check_hosts(from: &App, to: &App) -> Result<()> {
    let then = to.proxy.hosts();
    let lost: Vec<&str> = from.proxy.hosts().into_iter().filter(|host| !then.contains(host)).collect();
    // Where no host is written out, as in a rule of another kind, nothing can be said. When none of them stays,
    // `--same-app` has been said already.
    let none_stays = !then.iter().any(|host| from.proxy.hosts().contains(host));
    if none_stays || lost.is_empty() || to.keep_old == Some(Duration::ZERO) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Config,
        format!("{} is served for {} now, and would not be any more", to.name, lost.join(", ")),
    )
    .hint("name the old host beside the new one until its clients have come over")
    .hint("or say that nobody asks for it any more:  move: { keep_old: 0s }"))
}

/// A route that a move has left, to a release that is neither live nor to become so.
pub fn left<'r>(routes: &'r Routes, keep: &[&Release]) -> Vec<&'r Routed> {
    routes.iter().filter(|routed| !keep.iter().any(|release| routed.is_to(release))).collect()
}

/// Refuses to take what a move has left before its time, or without a word of the user's.
pub(super) fn check_left(app: &App, left: &[&Routed], state: &AppState, now: Timestamp) -> Result<()> {
    for routed in left {
        let what = match routed.live.release {
            Some(number) => format!("release {number}"),
            None => format!("the slot {}", routed.live.slot),
        };
        let message = format!(
            "{} still sends its requests to {what} of {}, whose place the new release takes",
            routed.describe(),
            app.name
        );
        let Some(keep) = app.keep_old else {
            return Err(Error::new(Kind::Config, message).hint(
                "when nobody asks that proxy any more, have this deploy end the route:  move: { keep_old: 0s }",
            ));
        };
        let since = routed.live.release.and_then(|number| state.left(number));
        let until = since.and_then(|since| since.checked_add(keep).ok());
        if let Some(until) = until.filter(|until| *until > now) {
            return Err(Error::new(
                Kind::Config,
                format!("{message}; it is kept until {}", until.strftime("%Y-%m-%dT%H:%M:%SZ")),
            )
            .hint(format!(
                "deploy after that, or keep it for a shorter time than  move: {{ keep_old: {} }}",
                show_duration(keep)
            )));
        }
    }
    Ok(())
}
