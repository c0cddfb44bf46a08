//! The images that the engine in memory holds.

use std::collections::BTreeMap;

use super::Behaviour;
use super::world::World;
use crate::docker::{Image, ImageRemoval, ImageSummary};

impl World {
    pub(super) fn add_image(
        &mut self,
        reference: &str,
        behaviour: Behaviour,
        test: Option<Vec<String>>,
    ) -> String {
        let id = format!("sha256:{:064x}", self.next());
        let image = Image {
            id: id.clone(),
            repo_digests: Vec::new(),
            platform: "linux/amd64".to_owned(),
            exposed_ports: vec!["3000/tcp".to_owned()],
            health_test: test,
            health_takes: crate::model::Health::DEADLINE,
            labels: BTreeMap::new(),
            volumes: Vec::new(),
        };
        self.images.insert(reference.to_owned(), (image, behaviour));
        id
    }

    pub(super) fn image(&self, reference: &str) -> Option<&(Image, Behaviour)> {
        self.images.get(reference).or_else(|| self.images.values().find(|(image, _)| image.id == reference))
    }

    pub(super) fn image_list(&self) -> Vec<ImageSummary> {
        let mut listed: BTreeMap<&str, ImageSummary> = BTreeMap::new();
        for (reference, (image, _)) in &self.images {
            let one = listed.entry(&image.id).or_insert_with(|| ImageSummary {
                id: image.id.clone(),
                parent: None,
                tags: Vec::new(),
                digests: image.repo_digests.clone(),
            });
            if *reference != image.id {
                one.tags.push(reference.clone());
            }
        }
        listed.into_values().collect()
    }

    /// As the engine does it: of several tags one goes, and the last one only when no container uses the image.
    pub(super) fn remove_image(&mut self, reference: &str) -> ImageRemoval {
        let Some(id) = self.image(reference).map(|(image, _)| image.id.clone()) else {
            return ImageRemoval::Gone;
        };
        let names: Vec<String> = self
            .images
            .iter()
            .filter(|(_, (image, _))| image.id == id)
            .map(|(name, _)| name.clone())
            .collect();
        let user = self.containers.values().find(|held| held.image_id == id);
        match (names.as_slice(), user) {
            ([_], Some(user)) => {
                ImageRemoval::InUse(format!("conflict: container {} is using it", &user.id[..12]))
            }
            (several, _) if several.len() > 1 && reference == id => {
                ImageRemoval::InUse("conflict: it is referenced in multiple repositories".to_owned())
            }
            ([only], None) => {
                self.images.remove(only);
                ImageRemoval::Gone
            }
            _ => {
                self.images.remove(reference);
                ImageRemoval::Gone
            }
        }
    }
}
