//! Every printed remedy, typed as it stands, ends well.

use bgd::error::Error;
use serde_json::Value;

use super::chance::Chance;
use super::hints::{self, Remedy};
use super::land::{Land, PEOPLE};
use super::machine::Ended;

/// So many remedies may follow each other.
const LONGEST: usize = 6;

/// Follows what an error tells to do until a command ends well, or an error leaves the choice to a person. Whether it ended
/// well.
pub async fn follow(
    land: &mut Land,
    chance: &mut Chance,
    who: (usize, usize),
    command: &[String],
    error: &Error,
) -> bool {
    let mut told = vec![error.one_line()];
    let mut remedies = hints::remedies(error);
    for _ in 0..LONGEST {
        remedies.retain(
            |remedy| !matches!(remedy, Remedy::Type(typed) if typed.iter().all(|one| hints::only_shows(one))),
        );
        if remedies.is_empty() {
            return false;
        }
        let remedy = chance.one(&remedies).clone();
        let Some(next) = apply(land, who, command, &remedy).await else { return true };
        // Once more, after something was changed by hand, is no circle yet.
        if told.iter().filter(|one| **one == next.one_line()).count() > 1 {
            land.rules.violated(format!("remedies lead in a circle: {told:#?}"));
            return false;
        }
        told.push(next.one_line());
        remedies = hints::remedies(&next);
    }
    land.rules.violated(format!("remedies lead nowhere: {told:#?}"));
    false
}

/// Does what a remedy tells. Returns the error in which it ended.
async fn apply(land: &mut Land, who: (usize, usize), command: &[String], remedy: &Remedy) -> Option<Error> {
    let mut again = command.to_vec();
    match remedy {
        Remedy::Type(commands) => {
            for words in commands {
                if let Some(error) = typed(land, who, words).await {
                    return Some(error);
                }
            }
            // What stood in the way is gone, and the command itself is still to be done.
            if commands.iter().any(|words| words[0] == "bgd") {
                return None;
            }
        }
        Remedy::Keep(keep) => {
            land.configs[who.0][who.1].keep_old = Some(keep);
            land.write_config(who.0, who.1);
            land.say(format!("remedy: move: {{ keep_old: {keep} }}"));
        }
        Remedy::Again(flag) => again.push((*flag).to_owned()),
    }
    run(land, who, &again).await
}

/// Types a command as it stands. Returns the error in which it ended.
pub async fn typed(land: &mut Land, who: (usize, usize), words: &[String]) -> Option<Error> {
    if words[0] == "bgd" {
        return run(land, who, &words[1..]).await;
    }
    if words[0] == "mv" {
        let moved = std::fs::remove_file(&words[1]);
        land.say(format!("remedy: move {} away -> {moved:?}", words[1]));
        return None;
    }
    if words[0] == "unroute" {
        land.edges.unroute(&words[1]);
        land.say(format!("remedy: remove the route of {}", words[1]));
        return None;
    }
    let done = hints::docker(&land.engine, words);
    land.say(format!("remedy: {} -> {done:?}", words.join(" ")));
    if let Err(why) = done {
        land.rules.violated(format!("the remedy `{}` fails: {why}", words.join(" ")));
    }
    None
}

async fn run(land: &mut Land, who: (usize, usize), words: &[String]) -> Option<Error> {
    let line: Vec<&str> = words.iter().map(String::as_str).collect();
    match land.bgd(who, &line, None).await.ended {
        Ended::Badly(error) => Some(error),
        _ => None,
    }
}

/// What `bgd status` says of an app: the release that is live, and what is wrong.
pub async fn status(land: &mut Land, who: (usize, usize)) -> Option<(Option<u64>, Vec<String>)> {
    let app = land.apps[who.1];
    if !land.records(who.0, who.1).is_dir() {
        return None;
    }
    let lines = land.log.len();
    let ran = land.bgd(who, &["status", app, "--json"], None).await;
    if !matches!(ran.ended, Ended::Well) {
        return None;
    }
    land.log.truncate(lines);
    let rows: Value = serde_json::from_str(&ran.printed).unwrap();
    let row = &rows[0];
    let problems = row["problems"].as_array().unwrap();
    let problems = problems.iter().filter_map(|one| one.as_str()).map(str::to_owned).collect();
    Some((row["live"].as_u64(), problems))
}

/// Follows what status tells of each app of each person, until it tells nothing more that can be done.
pub async fn settle(land: &mut Land, chance: &mut Chance) {
    for person in 0..PEOPLE {
        for app in 0..land.apps.len() {
            one(land, chance, (person, app)).await;
        }
    }
}

async fn one(land: &mut Land, chance: &mut Chance, who: (usize, usize)) {
    let mut told: Vec<Vec<String>> = Vec::new();
    loop {
        let Some((_, problems)) = status(land, who).await else { return };
        let typable = problems.iter().filter_map(|problem| match hints::remedy(problem) {
            Some(Remedy::Type(commands)) if !commands.iter().all(|one| hints::only_shows(one)) => {
                Some((problem.clone(), commands))
            }
            _ => None,
        });
        let Some((problem, commands)) = typable.clone().next() else { return };
        if told.contains(&problems) || told.len() > LONGEST {
            land.rules.violated(format!("after its remedies status tells the same: {problems:#?}"));
            return;
        }
        told.push(problems.clone());
        land.say(format!("person {}: status tells: {problem}", who.0));
        for words in commands {
            if let Some(error) = typed(land, who, &words).await
                && !follow(land, chance, who, &words[1..], &error).await
            {
                return;
            }
        }
    }
}

/// What is served is what status names.
pub async fn agree(land: &mut Land, who: (usize, usize)) {
    let Some((live, _)) = status(land, who).await else { return };
    let app = land.apps[who.1];
    // One that is stopped serves nobody, and status tells what it will serve when it is started.
    if ["edge", "edge2", "gate"].iter().any(|name| land.engine.glance_at(name).is_none_or(|one| !one.runs)) {
        return;
    }
    let served = land.rules.served();
    let numbers: Vec<u64> = served
        .iter()
        .filter(|((_, place), _)| place.1 == app)
        .map(|(_, served)| match served {
            Ok((number, _)) | Err((number, _)) => u64::from(number.0),
        })
        .collect();
    if let Some(live) = live
        && !numbers.is_empty()
        && !numbers.contains(&live)
    {
        land.rules.violated(format!(
            "status says that release {live} of {app} is live, and {numbers:?} is routed to"
        ));
    }
}
