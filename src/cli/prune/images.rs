use std::collections::{BTreeMap, BTreeSet};

use super::table::{Row, Told};
use crate::docker::{Engine, ImageRemoval};
use crate::error::Result;
use crate::event::Thing;
use crate::model::{AppName, ReleaseNumber};
use crate::plan::is_foreign;
use crate::plan::prune::{Fate, Host, ImageFate, image_fate};
use crate::record::{Deployed, Store};

/// An image of releases that are recorded no more.
pub(super) struct Candidate {
    app: AppName,
    image: Deployed,
    fate: ImageFate,
}

impl Candidate {
    /// What it is called for people: by name, and by id as far as it takes to tell it from others.
    fn name(&self) -> String {
        let id = self.image.id.strip_prefix("sha256:").unwrap_or(&self.image.id);
        format!("{} ({})", self.image.name, id.get(..12).unwrap_or(id))
    }
}

/// What all records tell of images.
#[derive(Default)]
struct Records {
    candidates: BTreeMap<String, (AppName, String)>,
    needed: BTreeMap<String, String>,
    deployed: BTreeMap<String, BTreeSet<String>>,
    /// Why nobody can say what is needed.
    unclear: Option<String>,
}

/// Decides about the images of these apps as if these releases were gone.
pub(super) async fn look(
    store: &Store,
    engine: &dyn Engine,
    going: &BTreeMap<AppName, BTreeSet<ReleaseNumber>>,
) -> Result<Vec<Candidate>> {
    let records = read(store, going)?;
    let (images, containers) = tokio::try_join!(engine.images(), engine.containers(&[]))?;
    let Records { candidates, needed, deployed, unclear } = &records;
    let host = Host { images: &images, containers: &containers, needed, deployed };
    let decide = |(id, (app, name)): (&String, &(AppName, String))| {
        let fate = match (image_fate(id, host), unclear) {
            (ImageFate::Goes(_), Some(why)) => ImageFate::Stays(why.clone()),
            (fate, _) => fate,
        };
        let image = Deployed { id: id.clone(), name: name.clone() };
        Candidate { app: app.clone(), image, fate }
    };
    Ok(candidates.iter().map(decide).collect())
}

fn read(store: &Store, going: &BTreeMap<AppName, BTreeSet<ReleaseNumber>>) -> Result<Records> {
    let mut all = Records { unclear: busy(store)?, ..Records::default() };
    for name in store.apps()? {
        let records = store.app(&name);
        let survey = records.survey()?;
        if let Some(number) = survey.unread.first() {
            all.unclear =
                Some(format!("the record of release {number} of {name} cannot be read: it may need it"));
        }
        let going = going.get(&name);
        for release in survey.read() {
            let goes = going.is_some_and(|going| going.contains(&release.number));
            let id = &release.image_id;
            if !goes {
                all.needed
                    .entry(id.clone())
                    .or_insert_with(|| format!("release {} of {name}", release.number));
            }
            // What was there before bgd came is no image that bgd deployed.
            if !is_foreign(release) {
                all.deployed.entry(id.clone()).or_default().insert(release.image.clone());
                if goes {
                    all.candidates.insert(id.clone(), (name.clone(), release.image.clone()));
                }
            }
        }
        // Of an app that is not pruned this only tells more names: without them, less goes.
        for image in records.state().unwrap_or_default().images {
            all.deployed.entry(image.id.clone()).or_default().insert(image.name.clone());
            if going.is_some() {
                all.candidates.entry(image.id).or_insert_with(|| (name.clone(), image.name));
            }
        }
    }
    Ok(all)
}

/// Why no image may go now: a deploy under way may have chosen its image, and told nobody yet.
fn busy(store: &Store) -> Result<Option<String>> {
    let held = store.others()?.into_iter().next();
    Ok(held.map(|(app, _)| format!("{app} is being changed, and may need it")))
}

/// The decisions, for people.
pub(super) fn rows(candidates: &[Candidate]) -> Vec<Row> {
    let row = |one: &Candidate| {
        let fate = match &one.fate {
            ImageFate::Gone => return None,
            ImageFate::Goes(_) => Fate::Goes("no release that is recorded needs it".to_owned()),
            ImageFate::Stays(why) => Fate::Stays(why.clone()),
        };
        Some(Row { app: one.app.clone(), thing: Thing::Image, name: one.name(), fate })
    };
    candidates.iter().filter_map(row).collect()
}

/// Removes the images that were shown, as far as they may go still: records and containers are looked at anew.
pub(super) async fn remove(
    told: &Told<'_>,
    store: &Store,
    engine: &dyn Engine,
    shown: &[Candidate],
) -> Result<()> {
    let apps = shown.iter().map(|one| (one.app.clone(), BTreeSet::new())).collect();
    let goes = |one: &&Candidate| matches!(one.fate, ImageFate::Goes(_));
    let agreed: BTreeSet<&str> = shown.iter().filter(goes).map(|one| one.image.id.as_str()).collect();
    for one in look(store, engine, &apps).await? {
        let (app, thing, name) = (one.app.clone(), Thing::Image, one.name());
        let why = match one.fate {
            _ if !agreed.contains(one.image.id.as_str()) => continue,
            ImageFate::Gone => continue,
            ImageFate::Stays(why) => Some(why),
            ImageFate::Goes(references) => match busy(store)? {
                None => by_reference(engine, &references).await?,
                busy => busy,
            },
        };
        match why {
            None => told.removed(&app, thing, name),
            Some(why) => told.left(&app, thing, name, why),
        }
    }
    Ok(())
}

/// Removes one image; why it stays, when it does.
async fn by_reference(engine: &dyn Engine, references: &[String]) -> Result<Option<String>> {
    for reference in references {
        if let ImageRemoval::InUse(why) = engine.remove_image(reference).await? {
            return Ok(Some(why));
        }
    }
    Ok(None)
}
