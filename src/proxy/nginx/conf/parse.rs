use super::token::{Token, tokens};

/// A directive with its block, when it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Its name: `server`, `proxy_pass` …
    pub name: String,
    /// Its arguments, unquoted.
    pub args: Vec<String>,
    /// The line of its name, from 1.
    pub line: usize,
    /// What stands between its braces.
    pub block: Vec<Directive>,
}

/// Blocks deeper than this are not looked into; nginx configurations have five levels or so.
const DEEPEST: usize = 64;

/// Reads a configuration as far as it can be read: what is unfinished or surplus is left out.
pub fn parse(text: &str) -> Vec<Directive> {
    let mut open: Vec<Directive> = Vec::new();
    let mut done: Vec<Directive> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut line = 0;
    let mut too_deep = 0usize;
    for (token, at) in tokens(text) {
        if too_deep > 0 {
            match token {
                Token::Open => too_deep += 1,
                Token::Close => too_deep -= 1,
                Token::Word(_) | Token::End => {}
            }
            continue;
        }
        match token {
            Token::Word(word) => {
                if words.is_empty() {
                    line = at;
                }
                words.push(word);
            }
            Token::End => {
                if let Some(directive) = directive(&mut words, line) {
                    siblings(&mut open, &mut done).push(directive);
                }
            }
            Token::Open if open.len() >= DEEPEST => too_deep = 1,
            Token::Open => {
                let nameless =
                    Directive { name: String::new(), args: Vec::new(), line: at, block: Vec::new() };
                open.push(directive(&mut words, line).unwrap_or(nameless));
            }
            Token::Close => {
                words.clear();
                if let Some(closed) = open.pop() {
                    siblings(&mut open, &mut done).push(closed);
                }
            }
        }
    }
    while let Some(unclosed) = open.pop() {
        siblings(&mut open, &mut done).push(unclosed);
    }
    done
}

fn siblings<'a>(open: &'a mut [Directive], done: &'a mut Vec<Directive>) -> &'a mut Vec<Directive> {
    match open.last_mut() {
        Some(parent) => &mut parent.block,
        None => done,
    }
}

fn directive(words: &mut Vec<String>, line: usize) -> Option<Directive> {
    let mut words = std::mem::take(words).into_iter();
    let name = words.next()?;
    Some(Directive { name, args: words.collect(), line, block: Vec::new() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blocks_nest_and_know_their_lines() {
        let tree = parse("http {\n  upstream a {\n    server b:1 resolve;\n  }\n}\nevents {}\n");
        assert_eq!(tree.len(), 2);
        let upstream = &tree[0].block[0];
        assert_eq!((upstream.name.as_str(), upstream.args[0].as_str(), upstream.line), ("upstream", "a", 2));
        assert_eq!(upstream.block[0].args, ["b:1", "resolve"]);
        assert_eq!(upstream.block[0].line, 3);
    }

    #[test]
    fn a_broken_configuration_is_read_as_far_as_it_goes() {
        assert_eq!(parse("http { upstream a { server b;")[0].block[0].block[0].args, ["b"]);
        assert_eq!(parse("} } a b;")[0].args, ["b"]);
        assert_eq!(parse("a b"), []);
        parse(&"a {".repeat(100_000));
        parse(&"{ }".repeat(100_000));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[a-z{};#\"'\\\\$ \n]{0,200}|.{0,100}") {
            parse(&text);
        }
    }
}
