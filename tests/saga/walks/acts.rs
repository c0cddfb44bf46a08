//! What happens on a walk: commands of bgd's, and what people do beside them.

use bgd::docker::Container;
use bgd::docker::fake::Behaviour;

use super::chance::Chance;
use super::follow::follow;
use super::hints::{self, Remedy};
use super::land::{Land, PEOPLE, Way};
use super::machine::Ended;
use super::moments::Fate;

/// What a walk is made of, which is how it is widened.
#[derive(Debug, Clone, Copy)]
pub struct Paths {
    pub steps: usize,
    pub people: usize,
    pub ways: usize,
    /// Of a hundred commands, how many are disturbed.
    pub disturbed: usize,
    pub by_hand: bool,
    pub spoils_records: bool,
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Deploy,
    Rollback,
    Recover,
    Adopt,
    Prune,
    Show,
    Configure,
    Hand,
    Spoil,
}

/// Does one thing.
pub async fn step(land: &mut Land, chance: &mut Chance, paths: Paths) {
    let act = chance.weighted(&[
        (30, Act::Deploy),
        (15, Act::Rollback),
        (8, Act::Recover),
        (6, Act::Adopt),
        (4, Act::Prune),
        (3, Act::Show),
        (10, Act::Configure),
        (if paths.by_hand { 18 } else { 0 }, Act::Hand),
        (if paths.spoils_records { 6 } else { 0 }, Act::Spoil),
    ]);
    let who = (chance.below(paths.people.min(PEOPLE)), chance.below(land.apps.len()));
    match act {
        Act::Hand => super::hand::step(land, chance),
        Act::Spoil => super::hand::spoil(land, chance, who),
        Act::Configure => configure(land, chance, paths, who),
        _ => command(land, chance, paths, who, act).await,
    }
}

async fn command(land: &mut Land, chance: &mut Chance, paths: Paths, who: (usize, usize), act: Act) {
    let app = land.apps[who.1];
    let words: Vec<String> = match act {
        Act::Deploy => {
            let behaviour = match chance.below(10) {
                0 => Behaviour::Dies(3),
                1 => Behaviour::HealthyAfter(3),
                _ => Behaviour::Runs,
            };
            let image = land.add_image(app, behaviour);
            let yes = chance.percent(50).then_some("--yes");
            ["deploy", &image].into_iter().chain(yes).map(str::to_owned).collect()
        }
        Act::Rollback => {
            let mut words = vec!["rollback".to_owned(), app.to_owned()];
            if chance.percent(40) {
                words.extend(["--to".to_owned(), chance.below(5).to_string()]);
            }
            words
        }
        Act::Recover => vec!["recover".to_owned(), app.to_owned(), "--yes".to_owned()],
        Act::Adopt => match adoptee(land, chance, app) {
            Some(name) => vec!["adopt".to_owned(), name],
            None => return,
        },
        Act::Prune => {
            let keep = (1 + chance.below(3)).to_string();
            ["prune", app, "--keep", &keep, "--yes"].map(str::to_owned).to_vec()
        }
        _ => match chance.below(3) {
            0 => vec!["status".to_owned()],
            1 => vec!["history".to_owned(), app.to_owned()],
            _ => {
                let image = land.add_image(app, Behaviour::Runs);
                vec!["plan".to_owned(), image]
            }
        },
    };
    let fate = chance.percent(paths.disturbed).then(|| {
        let fate = *chance.one(&[Fate::Kill, Fate::Kill, Fate::Fail, Fate::Interrupt]);
        // Most commands are over after this many calls.
        (chance.below(120), fate)
    });
    let line: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = land.bgd(who, &line, fate).await;
    if let (Ended::Badly(error), None) = (&ran.ended, fate) {
        follow(land, chance, who, &words, error).await;
    }
    let remedies = ran.warnings.iter().filter_map(|(_, remedy)| hints::remedy(remedy.as_deref()?));
    for remedy in remedies.collect::<Vec<_>>() {
        if let Remedy::Type(commands) = remedy {
            for words in commands.iter().filter(|words| !hints::only_shows(words)) {
                super::follow::typed(land, who, words).await;
            }
        }
    }
}

/// A container that somebody runs of the app, or one that somebody names by mistake.
fn adoptee(land: &mut Land, chance: &mut Chance, app: &str) -> Option<String> {
    let all = land.engine.all();
    let name = if chance.percent(70) {
        let name = format!("{app}-web-{}", chance.below(3));
        if land.engine.glance_at(&name).is_none() {
            let image = land.add_image(app, Behaviour::Runs);
            land.add_container(&name, &image).ok()?;
            land.say(format!("by hand: docker run --name {name}"));
        }
        name
    } else {
        chance.one(&all).name.clone()
    };
    // Of another app's containers nothing can be said: whoever names one means it.
    name.starts_with(app).then_some(name)
}

fn configure(land: &mut Land, chance: &mut Chance, paths: Paths, (person, app): (usize, usize)) {
    let config = &mut land.configs[person][app];
    match chance.below(8) {
        0..=2 => config.way = Way::ALL[chance.below(paths.ways)],
        3..=4 => config.keep_old = *chance.one(&[None, Some("0s"), Some("1h")]),
        5 => config.retire = *chance.one(&["stop", "keep", "remove"]),
        6 => config.rename = !config.rename,
        _ => config.replicas = 1 + u32::try_from(chance.below(2)).unwrap(),
    }
    let told = format!("person {person} writes {config:?} for {}", land.apps[app]);
    land.write_config(person, app);
    land.say(told);
}

/// Whether a container is a proxy.
pub fn is_proxy(container: &Container) -> bool {
    matches!(container.spec.image.as_str(), "nginx" | "traefik")
}
