use std::collections::BTreeMap;

use super::carrier::container_name;
use super::{Carriers, next};
use crate::error::Result;
use crate::model::{ContainerSpec, ReleaseNumber, Restart, label};
use crate::own;

impl Carriers {
    /// Makes Traefik look at Docker again. It does so when any container starts, ends or changes its health, and not
    /// when one is created or removed (Traefik, `pkg/provider/docker/pdocker.go`).
    pub(super) async fn wake(&self) -> Result<()> {
        let image = self.image().await?.to_owned();
        let name = self.waker();
        let spec = ContainerSpec {
            image,
            command: Some(vec!["--version".to_owned()]),
            network_mode: Some("none".to_owned()),
            labels: self.waker_labels(),
            restart: Restart::No,
            read_only: true,
            cap_drop: vec!["ALL".to_owned()],
            ..ContainerSpec::default()
        };
        // A crash may have left it behind.
        let wakers = [format!("{}=wake {}", label::HELPER, self.app)];
        if let Some(left) = own::named(&*self.engine, &name, &wakers).await? {
            left.discard(&*self.engine).await?;
        }
        let waker = own::make(&*self.engine, &name, &spec).await?;
        let started = self.engine.start(&waker.id).await;
        let removed = waker.discard(&*self.engine).await;
        started.and(removed).map_err(|error| error.context("cannot make Traefik look at Docker again"))
    }

    /// Waits for carriers, and for what lets Traefik look at them, that a bgd has asked for and was killed before it heard
    /// of it. A carrier that comes later would take the requests to a release that is gone by then.
    ///
    /// # Errors
    /// Of the kind `Docker`.
    pub async fn outlast(&self, releases: &[ReleaseNumber]) -> Result<()> {
        let image = match self.image().await {
            Ok(image) => image,
            // Not even its making went well, as on a disk that is full: nobody has asked for a container of it either.
            Err(error) if !error.is_unreachable() => return Ok(()),
            Err(error) => return Err(error),
        };
        // Without the label of a carrier it is none, and with this one it is found should it be left behind.
        let labels = self.waker_labels();
        let (sequence, _) = next(&self.list().await?, self.writer.base());
        let mut names = vec![self.waker()];
        names.extend(releases.iter().map(|release| container_name(&self.app, *release, sequence)));
        for name in names {
            if !self.engine.await_creation(&name, image, &labels).await? {
                tracing::debug!("Docker has the name {name} in use, and no container of that name");
            }
        }
        for left in own::all(&*self.engine, &[format!("{}=wake {}", label::HELPER, self.app)]).await? {
            left.discard(&*self.engine).await?;
        }
        Ok(())
    }

    fn waker(&self) -> String {
        format!("bgd-helper-wake-{}", self.app)
    }

    fn waker_labels(&self) -> BTreeMap<String, String> {
        [(label::HELPER.to_owned(), format!("wake {}", self.app))].into()
    }
}
