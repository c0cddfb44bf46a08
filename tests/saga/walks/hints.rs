//! The commands that bgd prints as remedies, typed as they stand.

use bgd::docker::fake::Fake;
use bgd::error::Error;

/// What a remedy tells to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Commands to type, one after the other, each as words.
    Type(Vec<Vec<String>>),
    /// `move: { keep_old: … }` in the configuration, and the same command again.
    Keep(&'static str),
    /// The same command again with this.
    Again(&'static str),
}

/// How many words follow each of the commands that are typed.
const COMMANDS: [(&str, usize); 17] = [
    ("bgd recover", 1),
    ("bgd rollback", 1),
    ("bgd status", 1),
    ("bgd history", 1),
    ("bgd adopt", 1),
    ("bgd deploy", 1),
    ("docker network connect", 2),
    ("docker network disconnect", 2),
    ("docker network create", 1),
    ("docker rename", 2),
    ("docker start", 1),
    ("docker stop", 1),
    ("docker rm", 1),
    ("docker pull", 1),
    ("docker logs --tail 20", 1),
    ("docker logs --tail 50", 1),
    ("docker volume rm", 1),
];

/// What follows one of these is only right when it is so, which a walk does not know.
fn is_conditional(text: &str) -> bool {
    ["if ", "when ", "once ", "else "]
        .iter()
        .any(|word| text.starts_with(word) || text.contains(&format!("; {word}")))
}

/// The remedy in a text, if there is one that can be followed without knowing more.
pub fn remedy(text: &str) -> Option<Remedy> {
    if text.contains("keep_old: 0s") || text.contains("for a shorter time than") {
        return Some(Remedy::Keep("0s"));
    }
    if text.contains("keep_old: 1h") {
        return Some(Remedy::Keep("1h"));
    }
    if text.ends_with("add --yes") {
        return Some(Remedy::Again("--yes"));
    }
    let mut commands = Vec::new();
    // What `bgd status` says is taken to be right.
    if let Some((path, rest)) =
        text.strip_prefix("when that is right, move ").and_then(|text| text.split_once(" away; then "))
    {
        commands.push(vec!["mv".to_owned(), path.to_owned()]);
        commands.extend(match remedy(rest) {
            Some(Remedy::Type(then)) => then,
            _ => Vec::new(),
        });
        return Some(Remedy::Type(commands));
    }
    if let Some((before, then)) = text.split_once("remove its route from the proxy, and deploy") {
        let app = then.rsplit(' ').next().unwrap_or_default().to_owned();
        let words = then.split_whitespace().skip_while(|word| *word != "bgd").map(str::to_owned);
        let unroute = vec!["unroute".to_owned(), app];
        return before.starts_with("else").then(|| Remedy::Type(vec![unroute, words.collect()]));
    }
    if is_conditional(text) {
        return None;
    }
    let mut rest = text;
    while let Some((at, (command, count))) =
        COMMANDS.iter().filter_map(|one| Some((rest.find(one.0)?, *one))).min_by_key(|(at, _)| *at)
    {
        let fixed: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let after = &rest[at + command.len()..];
        let options = 2 * after.split_whitespace().step_by(2).take_while(|word| *word == "--alias").count();
        let names = after
            .split_whitespace()
            .take(options + count)
            .map(|word| word.trim_end_matches([',', ';', ':', ')', '`']).to_owned());
        let names: Vec<String> = names.collect();
        rest = after;
        // A name in capitals stands for one.
        let is_meant = names.len() == options + count
            && names[options..]
                .iter()
                .all(|name| name.chars().any(char::is_lowercase) && !name.starts_with('-'));
        if is_meant {
            commands.push(fixed.into_iter().chain(names).collect());
        }
        // "or" gives a choice: the first one is taken.
        if !after.trim_start().contains("; docker") && !after.contains(" && ") {
            break;
        }
    }
    (!commands.is_empty()).then_some(Remedy::Type(commands))
}

/// The remedies of an error.
pub fn remedies(error: &Error) -> Vec<Remedy> {
    error.hints().iter().filter_map(|hint| remedy(hint)).collect()
}

/// Whether a command only shows something.
pub fn only_shows(words: &[String]) -> bool {
    matches!(words.get(1).map(String::as_str), Some("status" | "history" | "logs" | "ps"))
}

/// Types a command of docker's. An error is a remedy that does not work.
pub fn docker(engine: &Fake, words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    let done = match words.as_slice() {
        ["rename", from, to] => engine.rename_by_hand(from, to),
        ["start", which] => engine.start_by_hand(which),
        ["stop", which] => engine.stop_by_hand(which),
        ["rm", which] => engine.remove_by_hand(which, false),
        ["network", "disconnect", network, which] => engine.disconnect(which, network),
        ["network", "connect", aliases @ .., network, which] => {
            let aliases: Vec<&str> = aliases.iter().copied().filter(|word| *word != "--alias").collect();
            engine.connect(which, network, &aliases)
        }
        ["network", "create", network] => {
            engine.add_network(network);
            Ok(())
        }
        ["logs", ..] => Ok(()),
        // An image that is gone comes back under the same name.
        ["pull", ..] => Ok(()),
        other => return Err(format!("a walk does not know docker {}", other.join(" "))),
    };
    done.map_err(|error| error.one_line())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Vec<String> {
        match remedy(text) {
            Some(Remedy::Type(commands)) => commands.iter().map(|words| words.join(" ")).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_remedy_is_read_as_it_stands() {
        assert_eq!(typed("x did not end: bgd recover api, or bgd rollback api"), ["bgd recover api"]);
        assert_eq!(typed("rename it, which stops nothing: docker rename a a-old"), ["docker rename a a-old"]);
        assert_eq!(
            typed("make it: docker network create n && docker network connect n edge"),
            ["docker network create n", "docker network connect n edge"]
        );
        assert_eq!(
            typed(
                "connect it again: docker network disconnect n a; docker network connect --alias b --alias c n a"
            ),
            ["docker network disconnect n a", "docker network connect --alias b --alias c n a"]
        );
        assert_eq!(typed("deploy it: bgd deploy IMAGE"), [""; 0]);
        assert_eq!(typed("if nobody needs it: docker stop a"), [""; 0]);
        assert_eq!(remedy("or say so:  move: { keep_old: 0s }"), Some(Remedy::Keep("0s")));
    }
}
