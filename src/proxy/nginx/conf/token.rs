use std::iter::Peekable;
use std::str::Chars;

/// A piece of an nginx configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A word, unquoted and unescaped.
    Word(String),
    /// `;`
    End,
    /// `{`
    Open,
    /// `}`
    Close,
}

/// Cuts a configuration into tokens, each with its line (from 1), by the rules of `ngx_conf_read_token`.
///
/// Nothing is refused: text that nginx itself would refuse gives some tokens too, and never a panic.
pub fn tokens(text: &str) -> Vec<(Token, usize)> {
    let mut reader = Reader { chars: text.chars().peekable(), line: 1, out: Vec::new() };
    reader.run();
    reader.out
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
    out: Vec<(Token, usize)>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.chars.next();
        if next == Some('\n') {
            self.line += 1;
        }
        next
    }

    fn run(&mut self) {
        while let Some(&c) = self.chars.peek() {
            let line = self.line;
            let token = match c {
                ' ' | '\t' | '\r' | '\n' => {
                    self.next();
                    continue;
                }
                '#' => {
                    while self.next().is_some_and(|c| c != '\n') {}
                    continue;
                }
                ';' => self.single(Token::End),
                '{' => self.single(Token::Open),
                '}' => self.single(Token::Close),
                '"' | '\'' => self.quoted(c),
                _ => self.word(),
            };
            let is_lua = matches!(&token, Token::Word(word) if word.ends_with("_by_lua_block"));
            self.out.push((token, line));
            if is_lua {
                self.lua();
            }
        }
    }

    fn single(&mut self, token: Token) -> Token {
        self.next();
        token
    }

    fn quoted(&mut self, quote: char) -> Token {
        self.next();
        let mut word = String::new();
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escaped(&mut word),
                c if c == quote => break,
                c => word.push(c),
            }
        }
        Token::Word(word)
    }

    fn word(&mut self) -> Token {
        let mut word = String::new();
        let mut previous = ' ';
        while let Some(&c) = self.chars.peek() {
            let is_variable = c == '{' && previous == '$';
            if !is_variable && matches!(c, ' ' | '\t' | '\r' | '\n' | ';' | '{') {
                break;
            }
            self.next();
            previous = c;
            if c == '\\' {
                self.escaped(&mut word);
            } else {
                word.push(c);
            }
        }
        Token::Word(word)
    }

    fn escaped(&mut self, word: &mut String) {
        match self.next() {
            Some('t') => word.push('\t'),
            Some('r') => word.push('\r'),
            Some('n') => word.push('\n'),
            Some(c @ ('"' | '\'' | '\\')) => word.push(c),
            Some(c) => word.extend(['\\', c]),
            None => word.push('\\'),
        }
    }

    /// The code of OpenResty's `*_by_lua_block { … }` is not nginx syntax: only its braces are counted.
    fn lua(&mut self) {
        let mut depth = 0usize;
        while let Some(&c) = self.chars.peek() {
            match c {
                ';' if depth == 0 => return,
                '{' => depth += 1,
                '}' if depth <= 1 => {
                    self.next();
                    self.out.push((Token::End, self.line));
                    return;
                }
                '}' => depth -= 1,
                _ => {}
            }
            self.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let show = |(token, _)| match token {
            Token::Word(word) => word,
            Token::End => ";".to_owned(),
            Token::Open => "{".to_owned(),
            Token::Close => "}".to_owned(),
        };
        tokens(text).into_iter().map(show).collect()
    }

    #[test]
    fn words_are_cut_as_nginx_cuts_them() {
        assert_eq!(words("a b;"), ["a", "b", ";"]);
        assert_eq!(words("a{b c;}"), ["a", "{", "b", "c", ";", "}"]);
        assert_eq!(words("set $a ${b}c; # x;\nd;"), ["set", "$a", "${b}c", ";", "d", ";"]);
        assert_eq!(words("log '{\"a\":\"$b\"}' 'it\\'s';"), ["log", "{\"a\":\"$b\"}", "it's", ";"]);
        assert_eq!(words("a \"x;y{\" z#z;"), ["a", "x;y{", "z#z", ";"]);
        assert_eq!(words("if ($a ~ \\.php$) {}"), ["if", "($a", "~", "\\.php$)", "{", "}"]);
        assert_eq!(words("x_by_lua_block { if a then b = {} end } c;"), ["x_by_lua_block", ";", "c", ";"]);
    }

    #[test]
    fn a_token_knows_its_line() {
        let lines: Vec<usize> = tokens("a\nb 'c\nd'\ne;").into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, [1, 2, 2, 4, 4]);
    }
}
