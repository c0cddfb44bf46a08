use std::hash::{BuildHasher, Hasher, RandomState};

use super::Carriers;
use crate::error::Result;
use crate::model::{ContainerSpec, Restart, label};

impl Carriers {
    /// Makes Traefik look at Docker again. It does so when any container starts, ends or changes its health, and not
    /// when one is created or removed (Traefik, `pkg/provider/docker/pdocker.go`).
    pub(super) async fn wake(&self) -> Result<()> {
        let image = self.image().await?.to_owned();
        let name = format!("bgd-helper-{:016x}", RandomState::new().build_hasher().finish());
        let spec = ContainerSpec {
            image,
            command: Some(vec!["--version".to_owned()]),
            network_mode: Some("none".to_owned()),
            labels: [(label::HELPER.to_owned(), format!("wake {}", self.app))].into(),
            restart: Restart::No,
            read_only: true,
            cap_drop: vec!["ALL".to_owned()],
            ..ContainerSpec::default()
        };
        // A crash may have left one behind.
        for left in self.engine.containers(&[format!("{}=wake {}", label::HELPER, self.app)]).await? {
            self.engine.remove(&left.id).await?;
        }
        self.engine.create(&name, &spec).await?;
        let started = self.engine.start(&name).await;
        let removed = self.engine.remove(&name).await;
        started.and(removed).map_err(|error| error.context("cannot make Traefik look at Docker again"))
    }
}
