use proptest::prelude::*;

use super::*;

fn image(id: &str, tags: &[&str]) -> ImageSummary {
    ImageSummary {
        id: id.to_owned(),
        parent: None,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        digests: Vec::new(),
    }
}

fn container(name: &str, image_id: &str, status: &str, release: Option<u32>) -> Summary {
    let release = release.map(|number| (label::RELEASE.to_owned(), number.to_string()));
    Summary {
        id: name.to_owned(),
        name: name.to_owned(),
        image: image_id.to_owned(),
        image_id: image_id.to_owned(),
        created: None,
        status: status.to_owned(),
        status_text: status.to_owned(),
        labels: release.into_iter().collect(),
        addresses: BTreeMap::new(),
    }
}

const IDS: [&str; 4] = ["sha256:a", "sha256:b", "sha256:c", "sha256:d"];
const NAMES: [&str; 5] = ["api:1", "api:2", "docker.io/library/api:1", "web:1", "other/api:1"];

fn some(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(of.to_vec(), 0..=of.len())
        .prop_map(|some| some.into_iter().map(str::to_owned).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_image_goes_that_anybody_needs_or_that_bgd_has_not_deployed(
        tags in prop::collection::vec((some(&NAMES), some(&["api@sha256:1", "else@sha256:1"])), IDS.len()),
        parents in prop::collection::vec(prop::option::of(0..IDS.len()), IDS.len()),
        used in some(&IDS), needed in some(&IDS),
        deployed in prop::collection::vec(some(&NAMES), IDS.len()), known in some(&IDS),
    ) {
        let digests = |digests: Vec<String>| digests.iter().map(|one| one.replace(":1", &format!(":{:064}", 1))).collect();
        let images: Vec<ImageSummary> = IDS.iter().zip(tags).zip(parents).map(|((id, (tags, signed)), parent)| {
            let parent = parent.map(|at| IDS[at].to_owned()).filter(|parent| parent != id);
            ImageSummary { id: (*id).to_owned(), parent, tags, digests: digests(signed) }
        }).collect();
        let containers: Vec<Summary> = used.iter().map(|id| container("x", id, "exited", None)).collect();
        let needed: BTreeMap<String, String> = needed.into_iter().map(|id| (id, "release 1 of web".to_owned())).collect();
        let deployed: BTreeMap<String, BTreeSet<String>> = IDS.iter().zip(deployed)
            .filter(|(id, _)| known.iter().any(|known| known == *id))
            .map(|(id, names)| ((*id).to_owned(), names.into_iter().collect()))
            .collect();
        let host = Host { images: &images, containers: &containers, needed: &needed, deployed: &deployed };
        for (id, image) in IDS.iter().zip(&images) {
            let ImageFate::Goes(references) = image_fate(id, host) else { continue };
            prop_assert!(deployed.contains_key(*id) && !needed.contains_key(*id) && !used.iter().any(|one| one == id));
            prop_assert!(images.iter().all(|other| other.parent.as_deref() != Some(id)));
            // Every name that the image has is one of bgd's, and all of them are taken.
            let by_bgd = &deployed[*id];
            let short = |name: &String| name.trim_start_matches("docker.io/library/").to_owned();
            let own: BTreeSet<String> = by_bgd.iter().map(short).collect();
            prop_assert!(image.tags.iter().all(|tag| own.contains(&short(tag))), "{image:?} {by_bgd:?}");
            prop_assert!(image.digests.iter().all(|digest| !digest.starts_with("else")));
            let expected = if image.tags.is_empty() { vec![image.id.clone()] } else { image.tags.clone() };
            prop_assert_eq!(references, expected);
        }
    }

    #[test]
    fn no_container_goes_that_runs_is_live_or_has_a_record(
        status in prop::collection::vec(
            prop::sample::select(vec!["created", "running", "paused", "restarting", "removing", "exited", "dead"]), 6),
        kept in prop::collection::btree_set(0..6_u32, 0..6),
        live in prop::option::of(0..6_u32),
        unknown in prop::collection::btree_set(0..6_usize, 0..3),
    ) {
        let labelled: Vec<Summary> = status.iter().enumerate()
            .map(|(at, status)| container(&at.to_string(), "sha256:a", status, u32::try_from(at).ok()))
            .chain([container("unlabelled", "sha256:a", "exited", None)])
            .collect();
        let kept: BTreeSet<ReleaseNumber> = kept.into_iter().map(ReleaseNumber).collect();
        let live = live.map(ReleaseNumber);
        let unknown: Vec<Summary> = unknown.iter().map(|at| labelled[*at].clone()).collect();
        for (one, fate) in leftovers(&labelled, &OfApp { unknown: unknown.clone(), ..OfApp::default() }, &kept, live) {
            let number = release_of(one);
            prop_assert!(number.is_none_or(|number| !kept.contains(&number)));
            if let Fate::Goes(_) = fate {
                prop_assert!(number.is_some() && number != live);
                prop_assert!(unknown.iter().all(|unknown| unknown.id != one.id), "no record knows it");
                prop_assert!(["created", "exited", "dead"].contains(&one.status.as_str()));
            }
        }
    }
}

#[test]
fn an_image_says_why_it_stays() {
    let mut child = image("sha256:b", &["built:1"]);
    child.parent = Some("sha256:a".to_owned());
    let deployed = BTreeMap::from([("sha256:a".to_owned(), BTreeSet::from(["api:1".to_owned()]))]);
    let needed = BTreeMap::from([("sha256:a".to_owned(), "release 4 of web".to_owned())]);
    let none = BTreeMap::new();
    let user = [container("theirs", "sha256:a", "exited", None)];
    let own = image("sha256:a", &["api:1"]);
    let host =
        Host { images: std::slice::from_ref(&own), containers: &[], needed: &none, deployed: &deployed };
    let unknown = BTreeMap::new();
    let built = [own.clone(), child];
    let fate = |host: Host<'_>| image_fate("sha256:a", host);
    let stays = |why: &str| ImageFate::Stays(why.to_owned());
    assert_eq!(fate(host), ImageFate::Goes(vec!["api:1".to_owned()]));
    assert_eq!(fate(Host { images: &[], ..host }), ImageFate::Gone);
    assert_eq!(fate(Host { deployed: &unknown, ..host }), stays("bgd has not deployed it"));
    assert_eq!(fate(Host { needed: &needed, ..host }), stays("release 4 of web needs it"));
    assert_eq!(fate(Host { containers: &user, ..host }), stays("the container theirs uses it"));
    assert_eq!(fate(Host { images: &built, ..host }), stays("built:1 was built from it"));
    let tagged = [image("sha256:a", &["api:1", "theirs:1"])];
    let why = "it is theirs:1 too, under which name bgd has not deployed it";
    assert_eq!(fate(Host { images: &tagged, ..host }), stays(why));
    let untagged = [image("sha256:a", &[])];
    assert_eq!(fate(Host { images: &untagged, ..host }), ImageFate::Goes(vec!["sha256:a".to_owned()]));
}
