//! `Node`: one JSON-like value that borrows its strings.

use std::borrow::Cow;

use num_bigint::BigInt;

/// The fields of an object in their order. Keys are unique.
pub type Fields<'a> = Vec<(Cow<'a, str>, Node<'a>)>;

/// A JSON-like value. If possible, its strings point into the text or buffer that they came from.
///
/// ```
/// use chatjinja::{Node, field};
///
/// let Node::Map(message) = Node::parse_json(br#"{"role": "user", "n": 18446744073709551616}"#)? else { panic!() };
/// assert_eq!(field(&message, "role").and_then(Node::as_str), Some("user"));
/// # Ok::<(), chatjinja::JsonError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    /// JSON `null`, Python's `None`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of up to 64 bits.
    Int(i64),
    /// An integer that does not fit into 64 bits.
    BigInt(BigInt),
    /// A floating point number.
    Float(f64),
    /// A string.
    Str(Cow<'a, str>),
    /// A list.
    List(Vec<Node<'a>>),
    /// An object, Python's `dict`.
    Map(Fields<'a>),
}

impl Node<'_> {
    /// The name of the value's type for error messages, with its article.
    pub fn type_name(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Bool(_) => "a boolean",
            Node::Int(_) | Node::BigInt(_) => "an integer",
            Node::Float(_) => "a number",
            Node::Str(_) => "a string",
            Node::List(_) => "a list",
            Node::Map(_) => "an object",
        }
    }

    /// The same value with copies of all borrowed strings.
    pub fn into_owned(self) -> Node<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Node::Null => Node::Null,
            Node::Bool(value) => Node::Bool(value),
            Node::Int(value) => Node::Int(value),
            Node::BigInt(value) => Node::BigInt(value),
            Node::Float(value) => Node::Float(value),
            Node::Str(value) => Node::Str(own(value)),
            Node::List(items) => Node::List(items.into_iter().map(Node::into_owned).collect()),
            Node::Map(fields) => {
                Node::Map(fields.into_iter().map(|(key, value)| (own(key), value.into_owned())).collect())
            }
        }
    }

    /// The string, if the value is one.
    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        if let Node::Str(value) = self { Some(value) } else { None }
    }
}

/// The value of `key` among `fields`.
#[inline]
pub fn field<'f, 'a>(fields: &'f Fields<'a>, key: &str) -> Option<&'f Node<'a>> {
    fields.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}
