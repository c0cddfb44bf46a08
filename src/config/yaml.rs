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
pub(super) fn parse(text: &str, problems: &mut Problems) -> Option<Node> {
    let mut builder = Builder { problems, stack: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: DEPTH,
        block_nesting_limit: DEPTH,
    };
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok((event, span)) => (event, place(span.start, span.end)),
            Err(error) => {
                syntax_error(&error, builder.problems);
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

fn syntax_error(error: &ScanError, problems: &mut Problems) {
    use granit_parser::ErrorKind as E;
    let at = place(*error.marker(), *error.marker());
    let hint = match error.kind() {
        E::TabNotAllowed | E::TabInBlockIndentation | E::TabInIndentation | E::TabInPlainScalar => {
            Some("indent with spaces: YAML allows no tabs there")
        }
        E::MappingValueNotAllowed | E::InvalidColonPlacement => {
            Some("put a text that holds \": \" into quotation marks, or check the indentation")
        }
        E::UnclosedQuotedScalar => Some("a quotation mark is never closed"),
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

struct Builder<'p> {
    problems: &'p mut Problems,
    stack: Vec<Frame>,
    /// Finished anchors and their sizes. An anchor that is still open is missing, so nothing can hold itself.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    root: Option<Node>,
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
                let forced = self.tag(tag.as_deref(), span);
                let plain = style == ScalarStyle::Plain && !forced;
                let null = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if null {
                    Value::Null
                } else {
                    if text.contains('\0') {
                        self.problems.add(span, "a value holds a NUL character");
                    }
                    Value::Scalar(Scalar { text: text.into_owned(), written: None, plain })
                };
                self.node(Node { span, value }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                self.open(span, anchor, Content::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span);
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
            _ => Some(()),
        }
    }

    /// Whether the tag makes a text of the value. Tags of other kinds are refused.
    fn tag(&mut self, tag: Option<&Tag>, span: Span) -> bool {
        let Some(tag) = tag else { return false };
        match tag.core_suffix() {
            Some(suffix) => suffix == "str",
            None => {
                self.problems
                    .add(span, "a YAML tag that is not known")
                    .hint("remove the word that begins with \"!\"");
                false
            }
        }
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
                *key = Some(pending(node, entries, self.problems));
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
fn pending(node: Node, entries: &[(Key, Node)], problems: &mut Problems) -> PendingKey {
    let Value::Scalar(scalar) = node.value else {
        problems.add(node.span, "a key has to be a text");
        return PendingKey::Refused;
    };
    if scalar.plain && scalar.text == "<<" {
        return PendingKey::Merge(node.span);
    }
    if let Some((first, _)) = entries.iter().find(|(key, _)| key.text == scalar.text) {
        problems
            .add(node.span, format!("{:?} stands here a second time", scalar.text))
            .hint(format!("it stands on line {} already; keep one of them", first.span.line));
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
