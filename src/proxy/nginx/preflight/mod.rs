//! What would make a deploy behind this nginx fail or lose requests, found before anything is started.
//!
//! This file gathers; the checks themselves are pure: [`container`] and [`config`], and those in `proxy::preflight`.

mod change;
mod config;
mod container;
mod sharing;

use crate::error::{Error, Result};
use crate::model::{NginxRoute, ReleaseNumber, Slot, release_host, slot_host};
use crate::probe::{SocketState, Vantage};
use crate::proxy::{Finding, Route, Severity, Target};

use super::conf::{Files, Tree};
use super::driver::NginxDriver;
use super::marker::{self, MARKER, UNREADY, generation_of};
use super::names;
use super::reload::read_text;
use super::text::LiveBy;
use super::version::Method;
use crate::proxy::preflight as shared;
use crate::proxy::seat::Seat;

/// How checks that are not nginx's own speak of it.
const NGINX: shared::container::Kind<'_> = shared::container::Kind { name: "nginx", key: "proxy.nginx" };

/// How often a container whose process changed meanwhile is looked at again.
const LOOKS: usize = 3;

impl NginxDriver {
    /// Looks at everything at once; the worst comes first.
    pub(super) async fn look_for_trouble(&self) -> Result<Vec<Finding>> {
        let name = self.proxy.container.as_str();
        if self.engine.container(name).await?.is_none() {
            return Ok(vec![shared::container::missing(&NGINX, name)]);
        }
        let mut seat = self.seat().await?;
        for _ in 0..LOOKS {
            let findings = self.look_from(&seat).await;
            let is_refused = |findings: &Vec<Finding>| {
                findings.iter().any(|finding| finding.severity == Severity::Refusal)
            };
            if findings.as_ref().is_ok_and(|findings| !is_refused(findings)) {
                return findings;
            }
            // An nginx that ends and is started again in a loop looks as if it ran, until it is asked.
            let now = self.seat().await?;
            if seat.is_same_process(&now) {
                return findings;
            }
            seat = now;
        }
        self.look_from(&seat).await
    }

    async fn look_from(&self, seat: &Seat) -> Result<Vec<Finding>> {
        let network = self.engine.network(self.app.network.as_str()).await?;
        let mut findings =
            shared::container::check(&NGINX, &seat.container, self.app.network.as_str(), network.as_ref());
        findings.extend(shared::mounts::check(
            &seat.container,
            &self.watched_paths(),
            names::folder(&self.proxy),
        ));
        let runs = self.check_running(seat, &mut findings).await?;
        let method = if runs { Some(self.method(seat).await?) } else { None };
        let folder = names::folder(&self.proxy);
        findings.extend(sharing::check(&*self.engine, seat, folder, method).await?);
        if runs || !findings.iter().any(|finding| finding.severity == Severity::Refusal) {
            match self.check_files(seat, runs, &mut findings).await {
                Ok(()) => {}
                // What a stopped container's files are is not always to be had; its state was told already.
                Err(error) if !runs => findings.push(note(error.one_line())),
                Err(error) => return Err(error),
            }
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Ok(findings)
    }

    async fn check_running(&self, seat: &Seat, findings: &mut Vec<Finding>) -> Result<bool> {
        if !seat.is_running() {
            if self.waits_for_upstream(seat).await? {
                let upstream = names::upstream_of(&self.proxy, &self.app.name);
                findings.push(note(format!(
                    "nginx in {} does not start because nobody defines the upstream {upstream}: bgd will define it and \
                     start nginx",
                    seat.container.name
                )));
            } else if let Some((app, what)) = self.file_refused_by(seat).await? {
                findings.push(container::refuses(seat, &app, &what));
            } else {
                findings.push(container::stopped(seat, &self.stopped(seat).await));
            }
            return Ok(false);
        }
        match self.version(seat).await {
            Ok(_) => Ok(true),
            Err(error) => {
                findings.push(refusal(&error));
                Ok(false)
            }
        }
    }

    async fn check_files(&self, seat: &Seat, runs: bool, findings: &mut Vec<Finding>) -> Result<()> {
        let vantage = &*seat.vantage;
        let folder = names::folder(&self.proxy);
        let Some(names) = vantage.list(folder).await? else {
            findings.push(config::no_folder(&seat.container.name, folder));
            return Ok(());
        };
        let files = self.read_config(seat).await?;
        let tree = Tree::new(&files);
        let is_live = self.live_on_disk(seat).await?.is_some();
        let scene = config::Scene {
            container: &seat.container.name,
            folder,
            file: &self.file(),
            proxy: &self.proxy,
            upstream: &names::upstream_of(&self.proxy, &self.app.name),
            is_known: names.contains(&format!("zz-bgd-{}.conf", self.app.name)),
            is_live,
            runs,
        };
        findings.extend(config::check(&tree, &scene));
        if is_live && let Some(text) = read_text(vantage, scene.file).await? {
            let former = change::Former::read(&text, &format!("bgd_{}", self.app.name));
            findings.extend(change::check(&tree, &scene, &former));
        }
        *self.manner.borrow_mut() = tree.manner_of(scene.upstream, scene.file);
        self.check_own(vantage, &scene, findings).await?;
        if runs {
            self.check_method(seat, &files, &scene, findings).await?;
            self.check_ports(vantage, &names, findings).await?;
        }
        self.check_tls(vantage, findings).await
    }

    /// What bears bgd's name has to be bgd's, and the user's template has to work.
    async fn check_own(
        &self,
        vantage: &dyn Vantage,
        scene: &config::Scene<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        if let Some(text) = read_text(vantage, scene.file).await?
            && !text.is_empty()
            && generation_of(&text).is_none()
        {
            findings.push(config::not_ours(scene.file));
        }
        Ok(())
    }

    async fn check_method(
        &self,
        seat: &Seat,
        files: &Files,
        scene: &config::Scene<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        let version = self.version(seat).await?;
        let tree = Tree::new(files);
        let protected = tree.at_http("keepalive_min_timeout", "").is_some();
        match version.method() {
            Method::Reload if !protected => findings.push(config::first_reload_breaks(version)),
            Method::Flag if !scene.is_known => findings.push(config::only_reload_breaks(version)),
            _ => {}
        }
        if let Err(error) = self.render(seat, &self.imagined(), LiveBy::Name).await {
            findings.push(refusal(&error));
        }
        Ok(())
    }

    async fn check_ports(
        &self,
        vantage: &dyn Vantage,
        names: &[String],
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        if names.iter().any(|name| name == "zz-bgd.conf")
            || marker::ask(vantage, &self.app.name).await.is_ok_and(|m| m.is_some())
        {
            return Ok(());
        }
        let sockets = vantage.sockets().await?;
        for port in [MARKER.port(), UNREADY.port()] {
            let is_taken = sockets.iter().any(|socket| {
                let address = socket.local.ip();
                socket.state == SocketState::Listening
                    && socket.local.port() == port
                    && (address.is_unspecified() || address.is_loopback())
            });
            if is_taken {
                findings.push(config::port_taken(self.proxy.container.as_str(), port));
            }
        }
        Ok(())
    }

    async fn check_tls(&self, vantage: &dyn Vantage, findings: &mut Vec<Finding>) -> Result<()> {
        let NginxRoute::Server(block) = &self.proxy.route else { return Ok(()) };
        for path in block.tls.iter().flat_map(|tls| [&tls.certificate, &tls.key]) {
            if path.starts_with('/') && vantage.read(path).await?.is_none() {
                findings.push(config::no_tls_file(self.proxy.container.as_str(), path));
            }
        }
        Ok(())
    }

    /// A route like those of deploys, to try the template with.
    fn imagined(&self) -> Route {
        let target = |slot: Slot, number: u32| Target {
            slot,
            release: ReleaseNumber(number),
            release_host: release_host(&self.app.name, ReleaseNumber(number)),
            slot_host: slot_host(&self.app.name, slot),
            port: self.app.port,
            addresses: Vec::new(),
        };
        Route { live: Some(target(Slot::Blue, 1)), idle: Some(target(Slot::Green, 2)) }
    }

    fn watched_paths(&self) -> Vec<String> {
        let mut paths = self.own_files();
        paths.push(names::shared_of(&self.proxy));
        paths
    }
}

fn note(message: String) -> Finding {
    Finding { severity: Severity::Note, message, remedy: None }
}

fn refusal(error: &Error) -> Finding {
    let remedy = error.hints().first().cloned();
    Finding { severity: Severity::Refusal, message: error.one_line(), remedy }
}
