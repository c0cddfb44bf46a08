use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};

use super::node::{Key, Node, Scalar, Span, Value};
use super::problems::Problems;

/// How many values a file may have once its aliases are expanded: enough for any app, too few for a YAML bomb.
const NODES: usize = 10_000;
/// How deep lists and mappings may be nested.
const DEPTH: usize = 32;

/// Parses a YAML file into a tree that knows its places; anchors, aliases and merge keys are resolved.
///
/// `None` when there is no tree to go on with; what is wrong has then been added to `problems`.
pub(crate) fn parse(text: &str, problems: &mut Problems) -> Option<Node> {
    parse_from(text, 0, false, problems)
}

/// The same for one of several files whose lines are counted on: `before` lines stand in front of this text. With
/// `any_tag`, tags of other programs (`!reset` of compose files) are passed over.
pub(crate) fn parse_from(text: &str, before: usize, any_tag: bool, problems: &mut Problems) -> Option<Node> {
    let mut builder = Builder {
        problems,
        stack: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
        colon: false,
        any_tag,
    };
    let place = |start: Marker, end: Marker| {
        let Span { line, column, end_line, end_column } = place(start, end);
        Span { line: line + before, column, end_line: end_line + before, end_column }
    };
    let options = granit_parser::options! {
        emit_comments: true,
        emit_anchor_events: true,
        max_buffered_comment_events: usize::MAX,
        flow_nesting_limit: DEPTH,
        block_nesting_limit: DEPTH,
    };
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok((event, span)) => {
                let after = span.end.byte_offset().and_then(|at| text.get(at..)).unwrap_or_default();
                builder.colon = after.trim_start_matches([' ', '\t']).starts_with(':');
                (event, place(span.start, span.end))
            }
            Err(error) => {
                syntax_error(&error, place(*error.marker(), *error.marker()), builder.problems);
                return None;
            }
        };
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                builder
                    .problems
                    .add(span, "a second document begins here")
                    .hint("keep one app per file; remove the line \"---\" and what follows");
                return None;
            }
        }
        builder.event(event, span)?;
    }
    let root = builder.root.take();
    if root.is_none() || matches!(&root, Some(Node { value: Value::Null, .. })) {
        problems
            .add(Span::default(), "the file is empty")
            .expected("at least app, image, port, network and proxy");
        return None;
    }
    root
}

fn place(start: Marker, end: Marker) -> Span {
    Span { line: start.line(), column: start.col() + 1, end_line: end.line(), end_column: end.col() + 1 }
}

fn syntax_error(error: &ScanError, at: Span, problems: &mut Problems) {
    use granit_parser::ErrorKind as E;
    let hint = match error.kind() {
        E::TabNotAllowed | E::TabInBlockIndentation | E::TabInIndentation | E::TabInPlainScalar => {
            Some("indent with spaces: YAML allows no tabs there")
        }
        E::MappingValueNotAllowed | E::InvalidColonPlacement => {
            Some("put a text that holds \": \" into quotation marks, or check the indentation")
        }
        E::UnclosedQuotedScalar | E::InvalidQuotedScalarIndent => {
            Some("a quotation mark above may never be closed")
        }
        E::UnknownAnchor => Some("a text that begins with \"*\" has to stand in quotation marks"),
        E::ExpectedBlockMappingKey | E::InvalidIndentation => {
            Some("keys of one mapping begin in the same column")
        }
        E::RecursionLimitExceeded => Some("nest less deep"),
        _ => None,
    };
    let problem = problems.add(at, format!("not valid YAML: {}", error.kind())).syntax();
    if let Some(hint) = hint {
        problem.hint(hint);
    }
}

/// Whether a comment is a few plain words, such as no line that was once in force and no password is.
fn is_prose(comment: &str) -> bool {
    let is_word = |word: &str| {
        let word = word.trim_matches(['(', ')', ',', '.', ';', '?', '!']);
        let all = |of: fn(&char) -> bool| word.chars().all(|c| of(&c));
        (word.chars().count() <= 15 && all(|c| c.is_alphabetic() || matches!(c, '-' | '\'')))
            || (word.len() <= 5 && all(char::is_ascii_digit))
    };
    let words: Vec<&str> = comment.split_whitespace().collect();
    words.len() > 1 && !words[0].starts_with('-') && words.into_iter().all(is_word)
}

struct Builder<'p> {
    problems: &'p mut Problems,
    stack: Vec<Frame>,
    /// Finished anchors and their sizes. An anchor that is still open is missing, so nothing can hold itself.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    root: Option<Node>,
    /// Whether a colon follows the present event in the text.
    colon: bool,
    /// Whether tags of other programs are passed over.
    any_tag: bool,
}

/// A list or mapping that is not closed yet.
struct Frame {
    span: Span,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<(Key, Node)>, merges: Vec<Node>, key: Option<PendingKey> },
}

enum PendingKey {
    Key(Key),
    Merge(Span),
    /// It has been refused; its value is passed over.
    Refused,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let forced = self.tag(tag.as_deref(), span)?;
                let plain = style == ScalarStyle::Plain && !forced;
                let null = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if null {
                    Value::Null
                } else {
                    if text.contains('\0') {
                        self.problems.add(span, "a value holds a NUL character").conclusive();
                    }
                    Value::Scalar(Scalar { text: text.into_owned(), written: None, plain })
                };
                self.node(Node { span, value }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span)?;
                self.open(span, anchor, Content::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span)?;
                self.open(span, anchor, Content::Map { entries: Vec::new(), merges: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => {
                let Some((node, size)) = self.anchors.get(&id) else {
                    self.problems.add(span, "the alias stands within what it names");
                    return None;
                };
                self.nodes += size;
                // Before the copy is made: a bomb must not go off while it is being counted.
                if self.nodes > NODES {
                    return self.too_many(span);
                }
                let node = node.clone();
                self.node(node, 0)
            }
            Event::Comment(text, _) if is_prose(&text) => {
                self.problems.comment(span);
                Some(())
            }
            // A comment may be a line that was once in force, with its secret; an anchor may be a secret with a stray "&".
            Event::Comment(..) | Event::Anchor(..) => {
                self.problems.value(span);
                Some(())
            }
            _ => Some(()),
        }
    }

    /// Whether the tag makes a text of the value. A tag that is not known ends the reading, because a slip of the finger
    /// can make a tag of a secret, and nothing of such a line may be shown.
    fn tag(&mut self, tag: Option<&Tag>, span: Span) -> Option<bool> {
        let Some(tag) = tag else { return Some(false) };
        if self.any_tag && tag.core_suffix().is_none() {
            return Some(false);
        }
        let suffix = tag.core_suffix();
        if suffix.is_none() {
            self.problems
                .add(span, "a YAML tag that is not known")
                .hint("put a text that begins with \"!\" into quotation marks")
                .syntax();
        }
        suffix.map(|suffix| suffix == "str")
    }

    fn too_many(&mut self, span: Span) -> Option<()> {
        self.problems.add(span, format!("the file has more than {NODES} values with its aliases expanded"));
        None
    }

    fn open(&mut self, span: Span, anchor: usize, content: Content) -> Option<()> {
        self.stack.push(Frame { span, anchor, content });
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        let Some(Frame { span, anchor, content }) = self.stack.pop() else { return Some(()) };
        let value = match content {
            Content::List(items) => Value::List(items),
            Content::Map { mut entries, merges, .. } => {
                merges.into_iter().for_each(|merged| merge(&mut entries, merged));
                Value::Map(entries)
            }
        };
        self.node(Node { span: Span { end_line: span.line, end_column: span.column, ..span }, value }, anchor)
    }

    /// Puts a finished node where it belongs.
    fn node(&mut self, mut node: Node, anchor: usize) -> Option<()> {
        self.nodes += 1;
        if self.nodes > NODES {
            return self.too_many(node.span);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), node.size()));
        }
        let is_value = node.scalar().is_some();
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame { content: Content::List(items), .. }) => {
                if is_value {
                    self.problems.value(node.span);
                }
                items.push(node);
            }
            Some(Frame { content: Content::Map { key: key @ None, entries, .. }, .. }) => {
                *key = Some(pending(node, entries, self.colon, self.problems));
            }
            Some(Frame { content: Content::Map { key, entries, merges }, .. }) => {
                if is_value {
                    self.problems.value(node.span);
                }
                match key.take() {
                    Some(PendingKey::Key(key)) => {
                        // What begins on a later line is found by its key.
                        let later = node.span.line != key.span.line;
                        if matches!(node.value, Value::Null) || (later && !is_value) {
                            node.span = key.span;
                        }
                        entries.push((key, node));
                    }
                    Some(PendingKey::Merge(span)) => {
                        if mergeable(&node) {
                            merges.push(node);
                        } else {
                            self.problems
                                .add(span, "\"<<\" merges mappings only")
                                .expected("an alias of a mapping, or a list of such aliases");
                        }
                    }
                    Some(PendingKey::Refused) | None => {}
                }
            }
        }
        Some(())
    }
}

/// Makes a key of a node, unless the mapping has it already.
fn pending(node: Node, entries: &[(Key, Node)], colon: bool, problems: &mut Problems) -> PendingKey {
    let Value::Scalar(scalar) = node.value else {
        problems.add(node.span, "a key has to be a text");
        return PendingKey::Refused;
    };
    // What a slip of the finger has made a key of may be a secret.
    if !colon || node.span.line != node.span.end_line {
        problems.value(node.span);
        problems.add(node.span, "a key has to stand on one line with \":\" after it");
        return PendingKey::Refused;
    }
    if scalar.plain && scalar.text == "<<" {
        return PendingKey::Merge(node.span);
    }
    if let Some((first, _)) = entries.iter().find(|(key, _)| key.text == scalar.text) {
        problems.add(node.span, format!("{:?} stands here a second time", scalar.text)).hint_at(
            "it stands on",
            first.span,
            " already; keep one of them",
        );
        return PendingKey::Refused;
    }
    PendingKey::Key(Key { text: scalar.text, span: node.span })
}

fn mergeable(node: &Node) -> bool {
    match &node.value {
        Value::Map(_) => true,
        Value::List(items) => items.iter().all(|item| matches!(item.value, Value::Map(_))),
        _ => false,
    }
}

/// Adds the keys of a merged mapping, or of several, that are not there yet.
fn merge(entries: &mut Vec<(Key, Node)>, merged: Node) {
    let maps = match merged.value {
        Value::List(items) => items,
        _ => vec![merged],
    };
    for map in maps {
        let Value::Map(more) = map.value else { continue };
        for (key, node) in more {
            if !entries.iter().any(|(existing, _)| existing.text == key.text) {
                entries.push((key, node));
            }
        }
    }
}
