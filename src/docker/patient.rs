//! Rides out a short absence of the engine, such as a restart of the daemon.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::LocalBoxStream;
use tokio::time::{Instant, sleep};

use super::{
    Attached, Container, ContainerEvent, Engine, EngineInfo, ExecOutput, Image, ImageRemoval, ImageSummary,
    Network, Process, PullProgress, Summary,
};
use crate::error::Result;
use crate::model::{ContainerSpec, ImageRef};

/// How long an engine that was there may be away: a restart of the daemon takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

/// An engine that is waited for while it is away.
///
/// What can be asked twice is asked again when it is back; bgd runs no command in a container that could not (a reload, a
/// health check, a look at a version). What cannot (creating, renaming, pulling …) fails, but only then, so that whoever
/// takes back what was done finds an engine. After [`PATIENCE`] everything fails at once
/// until the engine answers again.
pub struct Patient {
    inner: Rc<dyn Engine>,
    tell: Box<dyn Fn(String)>,
    away_since: Cell<Option<Instant>>,
}

impl Patient {
    /// Waits for this engine, and tells when it is away and when it is back.
    pub fn new(inner: Rc<dyn Engine>, tell: impl Fn(String) + 'static) -> Self {
        Self { inner, tell: Box::new(tell), away_since: Cell::new(None) }
    }

    /// Asks until there is an answer. For what can be asked twice.
    async fn again<T>(&self, ask: impl AsyncFn() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        loop {
            match ask().await {
                Err(error) if error.is_unreachable() => {
                    if !self.is_back().await || began.elapsed() >= PATIENCE {
                        return Err(error);
                    }
                    // An engine that takes connections and drops them must not be asked without pause.
                    sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    }

    /// Waits until the engine is back before an answer that did not come is told.
    async fn once<T>(&self, answer: Result<T>) -> Result<T> {
        if let Err(error) = &answer
            && error.is_unreachable()
        {
            self.is_back().await;
        }
        answer
    }

    /// Waits for the engine; `false` when it has been away for too long.
    async fn is_back(&self) -> bool {
        loop {
            if self.inner.answers().await {
                if let Some(since) = self.away_since.take() {
                    let took = since.elapsed().as_secs_f64();
                    (self.tell)(format!("Docker answers again, after {took:.1} s"));
                }
                return true;
            }
            let since = self.away_since.get().unwrap_or_else(|| {
                let address = &self.inner.info().address;
                (self.tell)(format!(
                    "Docker at {address} does not answer: waiting for it, {} s at most",
                    PATIENCE.as_secs()
                ));
                Instant::now()
            });
            self.away_since.set(Some(since));
            if since.elapsed() >= PATIENCE {
                return false;
            }
            sleep(PAUSE).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever asks it has the proof")]
#[async_trait(?Send)]
impl Engine for Patient {
    fn info(&self) -> &EngineInfo {
        self.inner.info()
    }

    async fn container(&self, container: &str) -> Result<Option<Container>> {
        self.again(async || self.inner.container(container).await).await
    }

    async fn glance(&self, container: &str) -> Result<Option<Container>> {
        self.inner.glance(container).await
    }

    async fn answers(&self) -> bool {
        self.inner.answers().await
    }

    fn received(&self, container: &Container) -> Option<u64> {
        self.inner.received(container)
    }

    async fn containers(&self, labels: &[String]) -> Result<Vec<Summary>> {
        self.again(async || self.inner.containers(labels).await).await
    }

    async fn create(&self, name: &str, spec: &ContainerSpec) -> Result<String> {
        self.once(self.inner.create(name, spec).await).await
    }

    async fn await_creation(
        &self,
        name: &str,
        image: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<bool> {
        self.again(async || self.inner.await_creation(name, image, labels).await).await
    }

    async fn start(&self, container: &str) -> Result<()> {
        self.again(async || self.inner.start(container).await).await
    }

    async fn stop(&self, container: &str, grace: Duration) -> Result<()> {
        self.again(async || self.inner.stop(container, grace).await).await
    }

    async fn signal(&self, container: &str, signal: &str) -> Result<()> {
        self.once(self.inner.signal(container, signal).await).await
    }

    async fn discard(&self, container: &str) -> Result<()> {
        self.again(async || self.inner.discard(container).await).await
    }

    async fn has_files(&self, container: &str, folder: &str) -> Result<bool> {
        self.again(async || self.inner.has_files(container, folder).await).await
    }

    async fn remove(&self, container: &str) -> Result<()> {
        self.again(async || self.inner.remove(container).await).await
    }

    async fn rename(&self, container: &str, name: &str) -> Result<()> {
        self.once(self.inner.rename(container, name).await).await
    }

    async fn log_tail(&self, container: &str, lines: usize) -> Result<String> {
        // It only explains another failure.
        self.inner.log_tail(container, lines).await
    }

    async fn processes(&self, container: &str) -> Result<Vec<Process>> {
        self.again(async || self.inner.processes(container).await).await
    }

    async fn exec(&self, container: &str, command: &[String], limit: Duration) -> Result<ExecOutput> {
        self.again(async || self.inner.exec(container, command, limit).await).await
    }

    async fn events(&self, labels: &[String]) -> Result<LocalBoxStream<'static, Result<ContainerEvent>>> {
        self.again(async || self.inner.events(labels).await).await
    }

    async fn image(&self, reference: &str) -> Result<Option<Image>> {
        self.again(async || self.inner.image(reference).await).await
    }

    async fn images(&self) -> Result<Vec<ImageSummary>> {
        self.again(async || self.inner.images().await).await
    }

    async fn remove_image(&self, reference: &str) -> Result<ImageRemoval> {
        // One that is gone already is told like one that was removed, so that it can be asked twice.
        self.again(async || self.inner.remove_image(reference).await).await
    }

    async fn pull(&self, image: &ImageRef, progress: &mut dyn FnMut(PullProgress)) -> Result<()> {
        self.once(self.inner.pull(image, progress).await).await
    }

    async fn import(&self, archive: Vec<u8>, name: &str, changes: &[String]) -> Result<()> {
        self.once(self.inner.import(archive, name, changes).await).await
    }

    async fn network(&self, name: &str) -> Result<Option<Network>> {
        self.again(async || self.inner.network(name).await).await
    }

    async fn volume_mountpoint(&self, name: &str) -> Result<Option<String>> {
        self.again(async || self.inner.volume_mountpoint(name).await).await
    }

    async fn has_volume(&self, name: &str) -> Result<bool> {
        self.again(async || self.inner.has_volume(name).await).await
    }

    async fn upload(&self, container: &str, folder: &str, archive: Vec<u8>) -> Result<()> {
        self.once(self.inner.upload(container, folder, archive).await).await
    }

    async fn download(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>> {
        self.again(async || self.inner.download(container, path).await).await
    }

    async fn launch(&self, name: &str, spec: &ContainerSpec, input: &[u8]) -> Result<String> {
        self.once(self.inner.launch(name, spec, input).await).await
    }

    async fn output(&self, container: &str) -> Result<LocalBoxStream<'static, Result<Vec<u8>>>> {
        self.again(async || self.inner.output(container).await).await
    }

    async fn attach(&self, name: &str, spec: &ContainerSpec, pid_of: Option<&str>) -> Result<Attached> {
        self.once(self.inner.attach(name, spec, pid_of).await).await
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::docker::fake::Fake;

    /// An engine that is away, and what its waiter has told.
    fn away() -> (Fake, Rc<Patient>, Rc<RefCell<Vec<String>>>) {
        let fake = Fake::new();
        fake.go_away(true);
        let told = Rc::new(RefCell::new(Vec::new()));
        let tell = Rc::clone(&told);
        let patient = Patient::new(Rc::new(fake.clone()), move |message| tell.borrow_mut().push(message));
        (fake, Rc::new(patient), told)
    }

    async fn comes_back(fake: &Fake) {
        sleep(Duration::from_secs(10)).await;
        fake.go_away(false);
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_absence_is_ridden_out_and_told_once() {
        let (fake, patient, told) = away();
        let (one, other, ()) =
            tokio::join!(patient.container("a"), patient.containers(&[]), comes_back(&fake));
        assert!(one.unwrap().is_none() && other.unwrap().is_empty());
        let told = told.borrow();
        assert!(
            matches!(&told[..], [away, back] if away.contains("60 s at most") && back.contains("after 10")),
            "{told:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_asked_twice_fails_when_the_engine_is_back() {
        let (fake, patient, _) = away();
        let began = Instant::now();
        let spec = ContainerSpec::default();
        let (made, ()) = tokio::join!(patient.create("a", &spec), comes_back(&fake));
        assert!(made.unwrap_err().is_unreachable());
        assert!(began.elapsed() >= Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(patient.container("a").await.unwrap().is_none(), "it was created after all");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_long_absence_nobody_waits_again() {
        let (_, patient, _) = away();
        let began = Instant::now();
        assert!(patient.container("a").await.unwrap_err().is_unreachable());
        let first = began.elapsed();
        assert!(first >= PATIENCE && first < PATIENCE + Duration::from_secs(5), "{first:?}");
        assert!(patient.containers(&[]).await.is_err());
        assert!(patient.glance("a").await.is_err());
        assert!(began.elapsed() - first < Duration::from_secs(1), "{:?}", began.elapsed());
    }
}
