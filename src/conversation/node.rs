//! `Node`: one JSON-like value, borrowing its strings from where the row lives.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiter::JsonValue;
use num_bigint::BigInt;

use crate::error::{Error, Kind, Result};
use crate::python_text::{write_json_float, write_json_string};

/// The fields of an object in their order. Keys are unique.
pub type Fields<'a> = Vec<(Cow<'a, str>, Node<'a>)>;

/// A value of a row: strings point into the Arrow buffer or the JSON text wherever that is possible.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    /// JSON `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of up to 64 bits.
    Int(i64),
    /// An integer that 64 bits do not hold.
    BigInt(BigInt),
    /// A floating point number.
    Float(f64),
    /// A string.
    Str(Cow<'a, str>),
    /// A list.
    List(Vec<Node<'a>>),
    /// An object.
    Map(Fields<'a>),
}

impl<'a> Node<'a> {
    /// Parses JSON as Python's `json.loads` does: big integers, `NaN` and `Infinity` are read, of equal keys the last
    /// value stays in the place of the first.
    pub fn parse_json(text: &'a [u8]) -> Result<Node<'a>> {
        match JsonValue::parse(text, true) {
            Ok(value) => Node::from_json(value),
            Err(error) => Err(json_error(text, &error)),
        }
    }

    fn from_json(value: JsonValue<'a>) -> Result<Node<'a>> {
        Ok(match value {
            JsonValue::Null => Node::Null,
            JsonValue::Bool(value) => Node::Bool(value),
            JsonValue::Int(value) => Node::Int(value),
            JsonValue::BigInt(value) => Node::BigInt(value),
            JsonValue::Float(value) => Node::Float(value),
            JsonValue::Str(value) => Node::Str(value),
            JsonValue::Array(items) => {
                let items = std::sync::Arc::unwrap_or_clone(items);
                Node::List(items.into_iter().map(Node::from_json).collect::<Result<_>>()?)
            }
            JsonValue::Object(fields) => {
                let fields = std::sync::Arc::unwrap_or_clone(fields);
                let mut unique: Fields<'a> = Vec::with_capacity(fields.len());
                for (key, value) in fields {
                    let value = Node::from_json(value)?;
                    match unique.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, known)) => *known = value,
                        None => unique.push((key, value)),
                    }
                }
                Node::Map(unique)
            }
        })
    }

    /// The value as JSON text, laid out as Python does.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_json(&mut text);
        text
    }

    fn write_json(&self, out: &mut String) -> std::fmt::Result {
        match self {
            Node::Null => out.push_str("null"),
            Node::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Node::Int(value) => write!(out, "{value}")?,
            Node::BigInt(value) => write!(out, "{value}")?,
            Node::Float(value) => write_json_float(out, *value)?,
            Node::Str(text) => write_json_string(out, text, false),
            Node::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    item.write_json(out)?;
                }
                out.push(']');
            }
            Node::Map(fields) => {
                out.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    write_json_string(out, key, false);
                    out.push_str(": ");
                    value.write_json(out)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }

    /// What a person would call this value in an error message.
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

    /// The same value with strings of its own.
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

    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Node::Str(value) = self { Some(value) } else { None }
    }
}

/// The value of `key` among `fields`.
pub fn field<'f, 'a>(fields: &'f Fields<'a>, key: &str) -> Option<&'f Node<'a>> {
    fields.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// Removes `key` from `fields` and returns its value. The order of the other fields stays.
pub(crate) fn take_field<'a>(fields: &mut Fields<'a>, key: &str) -> Option<Node<'a>> {
    let index = fields.iter().position(|(name, _)| name == key)?;
    Some(fields.remove(index).1)
}

fn json_error(text: &[u8], error: &jiter::JsonError) -> Error {
    if let Err(utf8) = std::str::from_utf8(text) {
        let at = utf8.valid_up_to();
        return Error::new(
            Kind::InvalidUtf8,
            format!("the row is not UTF-8: byte 0x{:02x} at offset {at}; convert the file to UTF-8", text[at]),
        );
    }
    let place = error.get_position(text);
    let what = error.error_type.to_string();
    let remedy = if what.contains("surrogate") {
        "; a lone surrogate is no text; write the character itself or a pair of escapes"
    } else {
        ""
    };
    Error::new(Kind::InvalidJson, format!("not JSON at column {}: {what}{remedy}", place.column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_without_escapes_are_borrowed() {
        let text = br#"{"a": "plain", "b": "esc\n", "a": "last"}"#;
        let Node::Map(fields) = Node::parse_json(text).unwrap() else { panic!("not a map") };
        assert_eq!(fields.len(), 2);
        assert!(matches!(&fields[0].1, Node::Str(Cow::Borrowed("last"))));
        assert!(matches!(&fields[1].1, Node::Str(Cow::Owned(value)) if value == "esc\n"));
    }

    #[test]
    fn python_numbers_are_read() {
        assert_eq!(Node::parse_json(b"18446744073709551616").unwrap(), Node::BigInt(BigInt::from(1u128 << 64)));
        assert_eq!(Node::parse_json(b"1e3").unwrap(), Node::Float(1000.0));
        assert!(matches!(Node::parse_json(b"NaN").unwrap(), Node::Float(value) if value.is_nan()));
        let long = "9".repeat(60);
        assert_eq!(Node::parse_json(long.as_bytes()).unwrap(), Node::BigInt(long.parse().unwrap()));
    }

    #[test]
    fn errors_name_the_place() {
        let error = Node::parse_json(br#"{"a": }"#).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidJson);
        assert!(error.text.contains("column 7"), "{}", error.text);
        assert_eq!(Node::parse_json(b"{\"a\": \"\xff\"}").unwrap_err().kind, Kind::InvalidUtf8);
        assert_eq!(Node::parse_json(br#"{"a": 1} x"#).unwrap_err().kind, Kind::InvalidJson);
    }
}
