use std::collections::BTreeMap;

use crate::docker::{Engine, Summary};
use crate::error::Result;
use crate::model::label;

/// The labels by which bgd tells its containers from each other.
const IDENTITY: [&str; 9] = [
    label::APP,
    label::RELEASE,
    label::SLOT,
    label::REPLICA,
    label::CARRIER,
    label::HOOK,
    label::HELPER,
    label::LOCK,
    label::CLAIM,
];

/// Whether labels of a container's own are bgd's.
pub fn is_marked(own: &BTreeMap<String, String>) -> bool {
    IDENTITY.iter().any(|key| own.contains_key(*key))
}

/// Lists the containers with these labels (`key` or `key=value`), without those that have bgd's labels from their image
/// alone. A release that is deployed from an image which was committed from another has a number, a slot or an app of its own.
///
/// # Errors
/// When Docker cannot be asked.
pub async fn labelled(engine: &dyn Engine, labels: &[String]) -> Result<Vec<Summary>> {
    let mut listed = engine.containers(labels).await?;
    let mut images: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for summary in &listed {
        if !images.contains_key(&summary.image_id) {
            // Of an image that is gone nothing is known: the ids of the records tell then.
            let image = engine.image(&summary.image_id).await?;
            images.insert(summary.image_id.clone(), image.map(|image| image.labels).unwrap_or_default());
        }
    }
    listed.retain(|summary| has_own(&summary.labels, images.get(&summary.image_id)));
    Ok(listed)
}

fn has_own(labels: &BTreeMap<String, String>, image: Option<&BTreeMap<String, String>>) -> bool {
    IDENTITY.iter().any(|key| {
        let value = labels.get(*key);
        value.is_some() && value != image.and_then(|image| image.get(*key))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn labels_that_the_image_has_too_prove_nothing() {
        let blue = of(&[(label::APP, "api"), (label::RELEASE, "1"), (label::SLOT, "blue")]);
        assert!(has_own(&blue, Some(&of(&[]))));
        assert!(!has_own(&blue, Some(&blue)), "it was run from an image that was committed from a release");
        let next = of(&[(label::APP, "api"), (label::RELEASE, "2"), (label::SLOT, "blue")]);
        assert!(has_own(&next, Some(&blue)), "a release may be deployed from such an image");
        assert!(!has_own(&of(&[("a", "b")]), None));
    }
}
