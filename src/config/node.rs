/// Where something stands in a file; lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    /// The column after the last character.
    pub end_column: usize,
}

/// A value of the file with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub span: Span,
    pub value: Value,
}

/// What YAML knows of values before anybody has asked for a type.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A text, number or truth value: which one is decided by the reader that asks.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    /// The value, with variables replaced.
    pub text: String,
    /// The text as the file has it, where variables were replaced. Values of variables are never shown.
    pub written: Option<String>,
    /// Whether it stands without quotation marks, so that `5` and `true` are more than texts.
    pub plain: bool,
}

/// A key of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub text: String,
    pub span: Span,
}

impl Node {
    /// What the node is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The text of a scalar.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The value under a key of a mapping.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entry(name).map(|(_, node)| node)
    }

    /// The value under a key of a mapping, and where the key stands.
    pub fn entry(&self, name: &str) -> Option<(Span, &Self)> {
        let Value::Map(entries) = &self.value else { return None };
        entries.iter().find(|(key, _)| key.text == name).map(|(key, node)| (key.span, node))
    }

    /// Whether it says nothing: null, or an empty list or mapping.
    pub fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::Scalar(_) => false,
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.iter().all(|(_, node)| node.is_empty()),
        }
    }

    /// A single value that stands where another one does.
    pub fn text_at(span: Span, text: impl Into<String>) -> Self {
        Self { span, value: Value::Scalar(Scalar { text: text.into(), written: None, plain: false }) }
    }

    /// How many nodes it has, itself included.
    pub fn size(&self) -> usize {
        match &self.value {
            Value::Null | Value::Scalar(_) => 1,
            Value::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|(_, node)| node.size()).sum::<usize>(),
        }
    }

    /// Visits every scalar value below it.
    pub fn each_scalar(&mut self, visit: &mut dyn FnMut(Span, &mut Scalar)) {
        match &mut self.value {
            Value::Null => {}
            Value::Scalar(scalar) => visit(self.span, scalar),
            Value::List(items) => items.iter_mut().for_each(|item| item.each_scalar(visit)),
            Value::Map(entries) => entries.iter_mut().for_each(|(_, node)| node.each_scalar(visit)),
        }
    }
}
