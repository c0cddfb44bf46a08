use super::carrier::Carrier;
use super::{Carriers, next};
use crate::error::Result;

impl Carriers {
    /// Removes every carrier but the first, which has to be proved live: Traefik reads Docker's list first and each
    /// container after it, so what it has not seen yet cannot replace what is gone already.
    ///
    /// When the first one's priority is higher than the configuration asks for, a twin of it is made there.
    ///
    /// # Errors
    /// Of the kind `Docker`.
    pub async fn forget(&self) -> Result<()> {
        let all = self.list().await?;
        let Some(live) = all.first() else { return Ok(()) };
        let twin = twin_of(live, &all);
        for other in &all[1..] {
            if twin.is_none_or(|twin| twin.name != other.name) {
                self.discard(other).await?;
            }
        }
        match twin {
            Some(twin) => self.show(twin.clone(), false).await.map(drop),
            None if live.priority > live.base => {
                // Only now: no look of Traefik's shows both it and what was forgotten.
                let (sequence, _) = next(&all, live.base);
                self.create(live.moved(&self.app, sequence, live.base)).await.map(drop)
            }
            None => Ok(()),
        }
    }

    /// Lets the twin of the live carrier take over, when `knows` says that Traefik has it: the marker, asked with
    /// [`Carrier::id`] of that one, answers. Tells whether the route is at the priority that the configuration asks for.
    ///
    /// # Errors
    /// Of the kind `Docker`, and those of `knows`.
    pub async fn lower(&self, knows: impl AsyncFn(&Carrier) -> Result<bool>) -> Result<bool> {
        let all = self.list().await?;
        let Some(live) = all.first() else { return Ok(true) };
        if live.priority <= live.base {
            return Ok(true);
        }
        // With a third one about, what lies below the live one is not only its twin.
        let Some(twin) = twin_of(live, &all).filter(|_| all.len() == 2) else { return Ok(false) };
        if !self.kind.routes(twin.running) || !knows(twin).await? {
            return Ok(false);
        }
        self.discard(live).await?;
        Ok(true)
    }
}

/// A carrier of the same route at the configuration's own priority, made after it.
fn twin_of<'a>(live: &Carrier, all: &'a [Carrier]) -> Option<&'a Carrier> {
    all.iter().find(|other| {
        other.generation == live.generation
            && other.sequence > live.sequence
            && other.priority == live.base
            && other.priority < live.priority
    })
}
