//! The trait, on the engine in memory.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, LocalBoxStream};

use super::world::{carries, failed};
use super::{Behaviour, Fake};
use crate::docker::{
    Attached, Container, ContainerEvent, Engine, EngineInfo, ExecOutput, HealthStatus, Image, ImageRemoval,
    ImageSummary, Network, Process, PullProgress, Summary,
};
use crate::error::{Context, Error, Kind, Result};
use crate::model::{ContainerSpec, ImageRef};

#[async_trait(?Send)]
impl Engine for Fake {
    fn info(&self) -> &EngineInfo {
        &self.0.info
    }

    async fn answers(&self) -> bool {
        !self.0.away.get()
    }

    async fn container(&self, container: &str) -> Result<Option<Container>> {
        let call = self.enter("container", container)?;
        let mut world = self.0.world.borrow_mut();
        world.look(container);
        let found = world.find(container).map(|held| held.container());
        drop(world);
        self.leave(&call, found)
    }

    async fn containers(&self, labels: &[String]) -> Result<Vec<Summary>> {
        let call = self.enter("containers", &labels.join(" "))?;
        let listed = {
            let world = self.0.world.borrow();
            let carrying = world.containers.values().filter(|held| carries(&held.labels(), labels));
            carrying.map(|held| held.summary()).collect()
        };
        self.leave(&call, listed)
    }

    async fn create(&self, name: &str, spec: &ContainerSpec) -> Result<String> {
        let call = self.enter("create", name)?;
        self.make(&call, name, spec)
    }

    async fn await_creation(
        &self,
        name: &str,
        image: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<bool> {
        let call = self.enter("await_creation", name)?;
        self.0.world.borrow_mut().arrive();
        let is_seen = self.0.world.borrow().find(name).is_some();
        if !is_seen {
            let spec =
                ContainerSpec { image: image.to_owned(), labels: labels.clone(), ..Default::default() };
            let made = self.0.world.borrow_mut().create(name, &spec);
            Self::run(&self.0.after, &call)?;
            if made.is_ok() {
                self.0.world.borrow_mut().remove(name);
            }
        }
        self.leave(&call, true)
    }

    async fn start(&self, container: &str) -> Result<()> {
        let call = self.enter("start", container)?;
        let behaviour = self.0.world.borrow().find(container).map(|held| held.behaviour);
        if let Some(Behaviour::SlowStart(delay)) = behaviour {
            tokio::time::sleep(delay).await;
        }
        self.0.world.borrow_mut().start(container)?;
        self.leave(&call, ())
    }

    async fn stop(&self, container: &str, grace: Duration) -> Result<()> {
        let call = self.enter("stop", &format!("{container} {grace:?}"))?;
        let mut world = self.0.world.borrow_mut();
        world.find(container).ok_or_else(|| failed(container, "stop"))?;
        world.end(container, 0);
        drop(world);
        self.leave(&call, ())
    }

    async fn signal(&self, container: &str, signal: &str) -> Result<()> {
        let call = self.enter("signal", &format!("{container} {signal}"))?;
        let name = signal.trim_start_matches("SIG");
        let action = format!("send SIG{name} to {container}");
        let mut world = self.0.world.borrow_mut();
        let held = world.find(container).ok_or_else(|| failed(container, &action))?;
        if !held.state.running {
            return Err(Error::new(Kind::Docker, format!("cannot {action}")).caused_by("it is not running"));
        }
        match name {
            // The engine counts a kill as somebody's wish: no restart.
            "KILL" => world.end(container, 137),
            "TERM" | "INT" | "QUIT" => world.end(container, 0),
            _ => {}
        }
        drop(world);
        self.leave(&call, ())
    }

    async fn remove(&self, container: &str) -> Result<()> {
        let call = self.enter("remove", container)?;
        self.0.world.borrow_mut().remove(container);
        self.leave(&call, ())
    }

    async fn discard(&self, container: &str) -> Result<()> {
        let call = self.enter("remove", container)?;
        self.0.world.borrow_mut().discard(container);
        self.leave(&call, ())
    }

    async fn rename(&self, container: &str, name: &str) -> Result<()> {
        let call = self.enter("rename", &format!("{container} {name}"))?;
        self.0.world.borrow_mut().rename(container, name)?;
        self.leave(&call, ())
    }

    async fn log_tail(&self, container: &str, lines: usize) -> Result<String> {
        let call = self.enter("log_tail", container)?;
        let log = self.0.world.borrow().get(container)?.log.clone();
        let all: Vec<&str> = log.split_inclusive('\n').collect();
        self.leave(&call, all[all.len().saturating_sub(lines)..].concat())
    }

    async fn processes(&self, container: &str) -> Result<Vec<Process>> {
        let call = self.enter("processes", container)?;
        let pid = self.0.world.borrow().get(container)?.state.pid;
        if pid == 0 {
            return Err(Error::new(Kind::Docker, format!("cannot list the processes of {container}"))
                .caused_by("it is not running"));
        }
        self.leave(&call, vec![Process { pid, parent: 1, title: "/app".to_owned() }])
    }

    fn received(&self, container: &Container) -> Option<u64> {
        let received = self.0.received.borrow();
        let own =
            container.addresses.values().map(|address| received.get(address).copied().unwrap_or_default());
        (!received.is_empty()).then(|| own.sum())
    }

    async fn exec(&self, container: &str, command: &[String], _limit: Duration) -> Result<ExecOutput> {
        let program = command.first().map(String::as_str).unwrap_or_default();
        let call = self.enter("exec", &format!("{container} {program}"))?;
        let tried = || format!("cannot run {program} in {container}");
        let health = {
            let world = self.0.world.borrow();
            let held = world.find(container).ok_or_else(|| {
                Error::new(Kind::Docker, tried()).caused_by(format!("No such container: {container}"))
            })?;
            if !held.state.running || held.state.restarting {
                return Err(Error::new(Kind::Docker, tried()).caused_by("it is not running"));
            }
            held.state.health.as_ref().map(|health| health.status)
        };
        let answer = self.0.on_exec.borrow_mut().take();
        let said = match answer {
            Some(mut answer) => {
                let said = answer(container, command);
                self.0.on_exec.borrow_mut().get_or_insert(answer);
                said?
            }
            None if health.is_none_or(|status| status == HealthStatus::Healthy) => {
                ExecOutput { code: 0, output: String::new() }
            }
            None => ExecOutput { code: 1, output: "the check failed".to_owned() },
        };
        self.leave(&call, said)
    }

    async fn events(&self, labels: &[String]) -> Result<LocalBoxStream<'static, Result<ContainerEvent>>> {
        let call = self.enter("events", &labels.join(" "))?;
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        self.0.world.borrow_mut().subscribe(labels, sender);
        let events = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|event| (Ok(event), receiver))
        });
        self.leave(&call, events.boxed_local())
    }

    async fn image(&self, reference: &str) -> Result<Option<Image>> {
        let call = self.enter("image", reference)?;
        let found = self.0.world.borrow().image(reference).map(|(image, _)| image.clone());
        self.leave(&call, found)
    }

    async fn images(&self) -> Result<Vec<ImageSummary>> {
        let call = self.enter("images", "")?;
        let images = self.0.world.borrow().image_list();
        self.leave(&call, images)
    }

    async fn remove_image(&self, reference: &str) -> Result<ImageRemoval> {
        let call = self.enter("remove_image", reference)?;
        let removal = self.0.world.borrow_mut().remove_image(reference);
        self.leave(&call, removal)
    }

    async fn pull(&self, image: &ImageRef, progress: &mut dyn FnMut(PullProgress)) -> Result<()> {
        let name = image.to_string();
        let call = self.enter("pull", &name)?;
        let Some(behaviour) = self.0.world.borrow().registry.get(&name).copied() else {
            return Err(Error::new(Kind::Docker, format!("cannot pull {name}"))
                .caused_by(format!("manifest for {name} not found"))
                .hint(format!("check the name and the tag: was it pushed to {}?", image.registry())));
        };
        progress(PullProgress { layers_done: 0, layers: 1, bytes: 50, bytes_total: 100 });
        self.0.world.borrow_mut().add_image(&name, behaviour, None);
        progress(PullProgress { layers_done: 1, layers: 1, bytes: 100, bytes_total: 100 });
        self.leave(&call, ())
    }

    async fn import(&self, _archive: Vec<u8>, name: &str, _changes: &[String]) -> Result<()> {
        let call = self.enter("import", name)?;
        self.0.world.borrow_mut().add_image(name, Behaviour::Runs, None);
        self.leave(&call, ())
    }

    async fn network(&self, name: &str) -> Result<Option<Network>> {
        let call = self.enter("network", name)?;
        let found = self.0.world.borrow().networks.get(name).cloned();
        self.leave(&call, found)
    }

    async fn volume_mountpoint(&self, name: &str) -> Result<Option<String>> {
        let call = self.enter("volume_mountpoint", name)?;
        let found = self.0.world.borrow().volumes.get(name).cloned().flatten();
        self.leave(&call, found)
    }

    async fn has_volume(&self, name: &str) -> Result<bool> {
        Ok(self.volume_mountpoint(name).await?.is_some())
    }

    async fn upload(&self, container: &str, folder: &str, archive: Vec<u8>) -> Result<()> {
        let call = self.enter("upload", &format!("{container} {folder}"))?;
        let tried = || format!("cannot write into {folder} of {container}");
        let mut world = self.0.world.borrow_mut();
        let held = world.find_mut(container).ok_or_else(|| failed(container, &tried()["cannot ".len()..]))?;
        let mut archive = tar::Archive::new(archive.as_slice());
        for entry in archive.entries().or_error(Kind::Docker, tried)? {
            let mut entry = entry.or_error(Kind::Docker, tried)?;
            let path = entry.path().or_error(Kind::Docker, tried)?.to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).or_error(Kind::Docker, tried)?;
            held.files.insert(format!("{}/{path}", folder.trim_end_matches('/')), bytes);
        }
        drop(world);
        self.leave(&call, ())
    }

    async fn download(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>> {
        let call = self.enter("download", &format!("{container} {path}"))?;
        let packed = {
            let world = self.0.world.borrow();
            let path = path.trim_end_matches('/');
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let mut archive = tar::Builder::new(Vec::new());
            let mut found = false;
            for (name, bytes) in &world.get(container)?.files {
                let below =
                    name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
                if below {
                    found = true;
                    let mut header = tar::Header::new_gnu();
                    header.set_size(bytes.len() as u64);
                    header.set_mode(0o644);
                    let name = name[parent.len()..].trim_start_matches('/');
                    archive
                        .append_data(&mut header, name, bytes.as_slice())
                        .or_error(Kind::Docker, || format!("cannot read {path} of {container}"))?;
                }
            }
            let packed = archive
                .into_inner()
                .or_error(Kind::Docker, || format!("cannot read {path} of {container}"))?;
            found.then_some(packed)
        };
        self.leave(&call, packed)
    }

    async fn has_files(&self, container: &str, folder: &str) -> Result<bool> {
        let call = self.enter("has_files", &format!("{container} {folder}"))?;
        let below = format!("{}/", folder.trim_end_matches('/'));
        let found = self.0.world.borrow().get(container)?.files.keys().any(|path| path.starts_with(&below));
        self.leave(&call, found)
    }

    async fn launch(&self, name: &str, spec: &ContainerSpec, input: &[u8]) -> Result<String> {
        let call = self.enter("launch", name)?;
        let id = self.make(&format!("create {name}"), name, spec)?;
        let answer = self.0.on_launch.borrow_mut().take();
        let code = match answer {
            Some(mut answer) => {
                let code = answer(name, input);
                self.0.on_launch.borrow_mut().get_or_insert(answer);
                code
            }
            None => Some(0),
        };
        let mut world = self.0.world.borrow_mut();
        world.start(&id)?;
        if let Some(held) = world.find_mut(&id) {
            held.log = format!("{name} was told {} bytes\n", input.len());
        }
        if let Some(code) = code {
            world.end(&id, code);
        }
        drop(world);
        self.leave(&call, id)
    }

    async fn output(&self, container: &str) -> Result<LocalBoxStream<'static, Result<Vec<u8>>>> {
        let call = self.enter("output", container)?;
        let log = self.0.world.borrow().get(container)?.log.clone();
        self.leave(&call, stream::iter([Ok(log.into_bytes())]).boxed_local())
    }

    async fn attach(&self, name: &str, _spec: &ContainerSpec, _pid_of: Option<&str>) -> Result<Attached> {
        self.enter("attach", name)?;
        Err(Error::new(Kind::Docker, format!("cannot attach to {name}")).caused_by("this engine is a fake"))
    }
}
