/// Why a `${…}` could not be replaced. No message ever holds a variable's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The variable is not set and has no default.
    #[error("the variable {0} is not set")]
    Unset(String),
    /// `${VAR:?message}`; the message is in one line.
    #[error("the variable {name} is required: {message}")]
    Required {
        /// The variable.
        name: String,
        /// The message as it is written in the configuration.
        message: String,
    },
    /// A `${` without its `}`.
    #[error("a \"${{\" has no closing \"}}\"")]
    Unclosed,
    /// No name after `${`.
    #[error("a \"${{\" is not followed by the name of a variable")]
    Name,
    /// An operator that is not known.
    #[error(
        "after {0} in \"${{…}}\" only \":-default\", \"-default\", \":?message\" and \"?message\" can stand"
    )]
    Operator(String),
    /// Defaults within defaults, too deep.
    #[error("\"${{…}}\" is nested too deep")]
    Depth,
}

/// How deep defaults may stand within defaults.
const DEPTH: usize = 8;

/// Replaces `${VAR}`, `${VAR:-default}`, `${VAR-default}`, `${VAR:?message}` and `${VAR?message}`; `$$` is one `$`.
///
/// With the colon an empty variable counts as unset. A `$` before anything else stays as it is.
///
/// # Errors
/// Everything that is wrong with the text, in its order.
pub fn interpolate(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Vec<Fault>> {
    interpolated(text, env, Dialect::Bgd)
}

/// The same by the rules of compose files, which also know `$VAR`, `${VAR:+text}` and `${VAR+text}`, and no `$` that
/// means itself but `$$`. A variable that is not set is refused here too, where compose would take an empty text.
///
/// # Errors
/// Everything that is wrong with the text, in its order.
pub(crate) fn interpolate_as_compose(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Vec<Fault>> {
    interpolated(text, env, Dialect::Compose)
}

/// The same by the rules of compose's environment files. A `${VAR}` that is not set is an empty text; a `$VAR` that is not set,
/// a `$5` and a `${` without an end are texts, because passwords and hashes have them.
///
/// # Errors
/// Everything that is wrong with the text, in its order.
pub(crate) fn interpolate_env_file(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Vec<Fault>> {
    interpolated(text, env, Dialect::EnvFile)
}

/// Whose rules a text follows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Bgd,
    Compose,
    EnvFile,
}

fn interpolated(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
    dialect: Dialect,
) -> Result<String, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut out = String::with_capacity(text.len());
    expand(text, env, dialect, DEPTH, &mut out, &mut faults);
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

fn expand(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
    dialect: Dialect,
    depth: usize,
    out: &mut String,
    faults: &mut Vec<Fault>,
) {
    if depth == 0 {
        faults.push(Fault::Depth);
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let Some(end) = closing(after) else {
                if dialect == Dialect::EnvFile {
                    out.push('$');
                    continue;
                }
                faults.push(Fault::Unclosed);
                return;
            };
            replace(&after[..end], env, dialect, depth, out, faults);
            rest = &after[end + 1..];
        } else if dialect == Dialect::Compose {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            replace(&rest[..end], env, dialect, depth, out, faults);
            rest = &rest[end..];
        } else if dialect == Dialect::EnvFile
            && rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            match env(&rest[..end]) {
                Some(value) => out.push_str(&value),
                None => out.extend(["$", &rest[..end]]),
            }
            rest = &rest[end..];
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
}

/// Where the `}` stands that closes a `${` whose inside begins at the start of the text.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut open = 1_usize;
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'$', Some(b'$')) => at += 1,
            (b'$', Some(b'{')) => {
                open += 1;
                at += 1;
            }
            (b'}', _) => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn replace(
    inside: &str,
    env: &dyn Fn(&str) -> Option<String>,
    dialect: Dialect,
    depth: usize,
    out: &mut String,
    faults: &mut Vec<Fault>,
) {
    let name_ends = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
    let (name, operator) = inside.split_at(name_ends);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        faults.push(Fault::Name);
        return;
    }
    let (empty_is_unset, operator) = match operator.strip_prefix(':') {
        Some(rest) => (true, rest),
        None => (false, operator),
    };
    let value = env(name).filter(|value| !(empty_is_unset && value.is_empty()));
    match (operator.chars().next(), value) {
        (None, Some(value)) if !empty_is_unset => out.push_str(&value),
        (None, None) if !empty_is_unset && dialect == Dialect::EnvFile => {}
        (None, None) if !empty_is_unset => faults.push(Fault::Unset(name.to_owned())),
        (Some('-' | '?'), Some(value)) => out.push_str(&value),
        (Some('-'), None) => expand(&operator[1..], env, dialect, depth - 1, out, faults),
        (Some('+'), Some(_)) if dialect != Dialect::Bgd => {
            expand(&operator[1..], env, dialect, depth - 1, out, faults);
        }
        (Some('+'), None) if dialect != Dialect::Bgd => {}
        (Some('?'), None) => {
            let message: Vec<&str> = operator[1..].split_whitespace().collect();
            let message = if message.is_empty() { "it is not set".to_owned() } else { message.join(" ") };
            faults.push(Fault::Required { name: name.to_owned(), message });
        }
        _ => faults.push(Fault::Operator(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "A" => Some("one".to_owned()),
            "EMPTY" => Some(String::new()),
            "TRICK" => Some("${A} $$ \" : [".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_replaced_and_their_values_are_not_looked_at_again() {
        let cases = [
            ("", ""),
            ("plain", "plain"),
            ("${A}-${A}", "one-one"),
            ("$A $ $1 a$", "$A $ $1 a$"),
            ("$$ $${A} $$$$", "$ ${A} $$"),
            ("${NO:-x}${NO-y}${EMPTY:-z}${EMPTY-w}", "xyz"),
            ("${A:-x}${A:?m}${A?m}", "oneoneone"),
            ("${NO:-}", ""),
            ("${NO:-${A}}", "one"),
            ("${NO:-${NO:-{x}}", "{x"),
            ("${NO:-a:b-c?d}", "a:b-c?d"),
            ("${TRICK}", "${A} $$ \" : ["),
            ("ü${A}ß", "üoneß"),
        ];
        for (text, expected) in cases {
            assert_eq!(interpolate(text, &env), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn compose_files_know_more_forms() {
        let cases = [
            ("$A-$A.", "one-one."),
            ("$$A ${A}", "$A one"),
            ("${A:+x}${A+${A}}${NO:+y}${EMPTY:+z}${EMPTY+w}", "xonew"),
            ("${NO:-$A}", "one"),
        ];
        for (text, expected) in cases {
            assert_eq!(interpolate_as_compose(text, &env), Ok(expected.to_owned()), "{text}");
        }
        let faults = interpolate_as_compose("$NO $1 $ ", &env).unwrap_err();
        assert_eq!(faults, [Fault::Unset("NO".to_owned()), Fault::Name, Fault::Name]);
    }

    #[test]
    fn in_an_environment_file_a_dollar_that_names_nothing_is_a_text() {
        let cases = [
            ("$A-${A}", "one-one"),
            ("<${NO}>", "<>"),
            ("$NO $5 $2y$10$abc $", "$NO $5 $2y$10$abc $"),
            ("pass${word", "pass${word"),
            ("$$A ${NO:-$A}${A:+y}", "$A oney"),
        ];
        for (text, expected) in cases {
            assert_eq!(interpolate_env_file(text, &env), Ok(expected.to_owned()), "{text}");
        }
        assert_eq!(interpolate_env_file("${1}", &env), Err(vec![Fault::Name]));
    }

    #[test]
    fn every_fault_is_reported() {
        let faults = interpolate("${NO} ${EMPTY:?say why} ${1} ${A+x} ${A:} ${", &env).unwrap_err();
        let required = Fault::Required { name: "EMPTY".to_owned(), message: "say why".to_owned() };
        let operator = Fault::Operator("A".to_owned());
        assert_eq!(
            faults,
            [
                Fault::Unset("NO".to_owned()),
                required,
                Fault::Name,
                operator.clone(),
                operator,
                Fault::Unclosed
            ]
        );
        let deep = format!("{}x{}", "${NO:-".repeat(20), "}".repeat(20));
        assert_eq!(interpolate(&deep, &env), Err(vec![Fault::Depth]));
    }
}
