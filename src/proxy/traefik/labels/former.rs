use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::carrier::Carrier;
use super::{Carriers, next};
use crate::error::{Context, Error, Kind, Result};
use crate::proxy::Former;

/// What a snapshot of carriers says of itself.
const MEANS: &str = "traefik labels";

/// Whether the carriers were looked at. One of before that was told lists them by name, and files by path.
fn is_of_carriers(former: &Former) -> bool {
    match &former.means {
        Some(means) => means == MEANS,
        None => former.files.iter().all(|(name, _)| !name.starts_with('/')),
    }
}

/// A carrier as a snapshot holds it, under the container's name.
#[derive(Serialize, Deserialize)]
struct Kept {
    running: bool,
    labels: BTreeMap<String, String>,
}

impl Carriers {
    /// The carriers that there are, to be put back by [`Carriers::put_back`].
    ///
    /// # Errors
    /// Of the kind `Docker`.
    pub async fn snapshot(&self) -> Result<Former> {
        let keep = |carrier: Carrier| {
            let text = serde_json::to_string(&Kept { running: carrier.running, labels: carrier.labels });
            Ok((
                carrier.name,
                Some(text.or_error(Kind::Other, || "cannot write a route carrier down".to_owned())?),
            ))
        };
        let files = self.list().await?.into_iter().map(keep).collect::<Result<_>>()?;
        Ok(Former::of(MEANS, files))
    }

    /// Puts the route of a snapshot before all others, and returns its carrier; what was made since goes by
    /// [`Carriers::forget`], when the proof is there. A snapshot without carriers removes all that there are.
    ///
    /// The former carrier comes back as a new one above the present ones: when one is removed instead, Traefik mostly
    /// looks before it is gone, and for as long as its throttle lasts not again.
    ///
    /// # Errors
    /// Of the kind `Docker`, or `Other` when the snapshot cannot be read.
    pub async fn put_back(&self, former: &Former) -> Result<Option<Carrier>> {
        if !is_of_carriers(former) {
            return Err(former.elsewhere(&format!("the route carriers of {}", self.app)));
        }
        let all = self.list().await?;
        let Some(was) = self.live_in(former)? else {
            for carrier in &all {
                self.discard(carrier).await?;
            }
            if !all.is_empty() {
                self.wake().await?;
            }
            return Ok(None);
        };
        match all.first().filter(|first| first.generation == was.generation) {
            Some(first) => self.show(first.clone(), true).await.map(Some),
            None => {
                let (sequence, priority) = next(&all, was.base);
                // Above what was there then, too: a carrier that is gone may still be known to Traefik.
                let (sequence, priority) = (sequence.max(was.sequence + 1), priority.max(was.priority));
                self.create(was.moved(&self.app, sequence, priority)).await.map(Some)
            }
        }
    }

    /// The carrier that was live when the snapshot was taken.
    fn live_in(&self, former: &Former) -> Result<Option<Carrier>> {
        let mut found: Vec<Carrier> = Vec::new();
        for (name, text) in former.files.iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            let unreadable = || format!("the snapshot of the route carrier {name} cannot be read");
            let kept: Kept = serde_json::from_str(text).or_error(Kind::Other, unreadable)?;
            let carrier = Carrier::of(name, kept.labels, kept.running);
            found.push(carrier.ok_or_else(|| Error::new(Kind::Other, unreadable()))?);
        }
        found.retain(|carrier| self.kind.routes(carrier.running));
        Ok(found.into_iter().max_by_key(|carrier| (carrier.priority, carrier.sequence)))
    }
}
