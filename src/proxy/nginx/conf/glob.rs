/// Whether a name matches a pattern of `glob(3)`: `*`, `?`, `[a-z]`, `[!a]`, `\` before a special character.
///
/// A leading dot has to be matched by a dot.
pub fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == '*' {
            retry = Some((p, n));
            p += 1;
            continue;
        }
        if n == name.len() {
            return p == pattern.len();
        }
        if let Some(length) = one(&pattern[p..], name[n]) {
            p += length;
            n += 1;
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            p = star + 1;
            n = from + 1;
        } else {
            return false;
        }
    }
}

/// Whether a path matches a pattern, part by part: a `*` never crosses a slash.
pub fn path_matches(pattern: &str, path: &str) -> bool {
    let parts = |text: &'_ str| -> Vec<String> {
        text.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect()
    };
    let (patterns, names) = (parts(pattern), parts(path));
    patterns.len() == names.len() && patterns.iter().zip(&names).all(|(pattern, name)| matches(pattern, name))
}

/// Whether this text is a pattern rather than a plain name.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The length of the pattern's first element, when it matches this character.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match *pattern.first()? {
        '?' => Some(1),
        '\\' if pattern.len() > 1 => (pattern[1] == c).then_some(2),
        '[' => {
            let negated = matches!(pattern.get(1), Some('!' | '^'));
            let start = if negated { 2 } else { 1 };
            let Some(end) = (start + 1..pattern.len()).find(|&i| pattern[i] == ']') else {
                return (c == '[').then_some(1);
            };
            (class(&pattern[start..end], c) != negated).then_some(end + 1)
        }
        literal => (literal == c).then_some(1),
    }
}

fn class(set: &[char], c: char) -> bool {
    let mut i = 0;
    while i < set.len() {
        if i + 2 < set.len() && set[i + 1] == '-' {
            if (set[i]..=set[i + 2]).contains(&c) {
                return true;
            }
            i += 3;
        } else {
            if set[i] == c {
                return true;
            }
            i += 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_match_as_in_a_shell() {
        for (pattern, name) in
            [("*.conf", "a.conf"), ("*", ""), ("a?c", "abc"), ("[a-c]*", "bd"), ("[!a]", "b")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("*.conf", "a.conf.bak"), ("*.conf", ".a.conf"), ("a?c", "ac"), ("[!a]", "a")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert!(matches("*a*b*", "xxaxxbxx"));
        assert!(matches("[", "["));
    }

    proptest! {
        #[test]
        fn any_pattern_ends(pattern in "[a\\]\\[*?!\\\\-]{0,12}", name in "[a\\]\\[-]{0,20}") {
            matches(&pattern, &name);
        }

        #[test]
        fn a_plain_name_matches_itself(name in "[a-z][a-z.-]{0,10}") {
            prop_assert!(matches(&name, &name));
        }
    }
}
