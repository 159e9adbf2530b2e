//! Reads JSON as Python's `json.loads` does, and writes it as `json.dumps` does.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use jiter::{JsonErrorType, JsonValue};

use super::node::{Fields, Node};
use crate::text::float::write_json_float;
use crate::text::json::write_json_string;

/// Objects of up to this many keys are searched for a key that occurs twice from the first to the last.
const SMALL: usize = 32;

/// The reason why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// The text is not UTF-8.
    Utf8 {
        /// The first byte that is not UTF-8.
        byte: u8,
        /// Its offset.
        offset: usize,
    },
    /// The text is UTF-8 but not JSON.
    Syntax {
        /// The column of the fault in its line, from 1.
        column: usize,
        /// The message.
        text: String,
    },
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsonError::Utf8 { byte, offset } => write!(f, "not UTF-8: byte 0x{byte:02x} at offset {offset}"),
            JsonError::Syntax { column, text } => write!(f, "not JSON at column {column}: {text}"),
        }
    }
}

impl std::error::Error for JsonError {}

impl JsonError {
    fn of(text: &[u8], error: &jiter::JsonError) -> JsonError {
        if let Err(utf8) = std::str::from_utf8(text) {
            let offset = utf8.valid_up_to();
            return JsonError::Utf8 { byte: text[offset], offset };
        }
        let column = error.get_position(text).column;
        let text = match error.error_type {
            // The second error stands for the first half of a pair without the second half.
            JsonErrorType::LoneLeadingSurrogateInHexEscape | JsonErrorType::UnexpectedEndOfHexEscape => {
                "an escape is a lone surrogate, which is not a character; write the character itself or a pair of escapes"
                    .to_owned()
            }
            ref other => other.to_string(),
        };
        JsonError::Syntax { column, text }
    }
}

impl<'a> Node<'a> {
    /// Parses JSON as `json.loads` does: it reads big integers, `NaN` and `Infinity`; if a key occurs twice, the last
    /// value replaces the first. Strings without escapes are borrowed from `text`.
    ///
    /// # Errors
    /// If `text` is not one JSON value in UTF-8.
    pub fn parse_json(text: &'a [u8]) -> Result<Node<'a>, JsonError> {
        match JsonValue::parse(text, true) {
            Ok(value) => Ok(from_json(value)),
            Err(error) => Err(JsonError::of(text, &error)),
        }
    }

    /// The value as JSON, laid out as `json.dumps(value, ensure_ascii=False)` does.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        write_json(&mut text, self);
        text
    }
}

fn from_json(value: JsonValue<'_>) -> Node<'_> {
    match value {
        JsonValue::Null => Node::Null,
        JsonValue::Bool(value) => Node::Bool(value),
        JsonValue::Int(value) => Node::Int(value),
        JsonValue::BigInt(value) => Node::BigInt(value),
        JsonValue::Float(value) => Node::Float(value),
        JsonValue::Str(value) => Node::Str(value),
        JsonValue::Array(items) => {
            let items = std::sync::Arc::unwrap_or_clone(items);
            Node::List(items.into_iter().map(from_json).collect())
        }
        JsonValue::Object(fields) => {
            let fields = std::sync::Arc::unwrap_or_clone(fields);
            let mut unique: Fields<'_> = Vec::with_capacity(fields.len());
            // A few keys are compared one by one, since that is faster.
            let mut places = (fields.len() > SMALL).then(HashMap::new);
            for (key, value) in fields {
                let value = from_json(value);
                let known = match &mut places {
                    None => unique.iter().position(|(known, _)| *known == key),
                    Some(places) => {
                        let known = places.get(&key).copied();
                        if known.is_none() {
                            places.insert(key.clone(), unique.len());
                        }
                        known
                    }
                };
                match known {
                    Some(at) => unique[at].1 = value,
                    None => unique.push((key, value)),
                }
            }
            Node::Map(unique)
        }
    }
}

fn write_json(out: &mut String, value: &Node<'_>) {
    // Writing to a String cannot fail.
    match value {
        Node::Null => out.push_str("null"),
        Node::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Node::Int(value) => drop(write!(out, "{value}")),
        Node::BigInt(value) => drop(write!(out, "{value}")),
        Node::Float(value) => drop(write_json_float(out, *value)),
        Node::Str(text) => write_json_string(out, text, false),
        Node::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_json(out, item);
            }
            out.push(']');
        }
        Node::Map(fields) => {
            out.push('{');
            for (index, (key, value)) in fields.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_json_string(out, key, false);
                out.push_str(": ");
                write_json(out, value);
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use num_bigint::BigInt;
    use proptest::prelude::*;

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
    fn the_last_value_of_a_key_counts_at_its_first_place() {
        for keys in [2, 3 * SMALL] {
            let fields: Vec<String> = (0..keys).map(|key| format!(r#""{key}": {key}"#)).collect();
            let text = format!(r#"{{{}, "0": "last", "x": 1}}"#, fields.join(", "));
            let Node::Map(found) = Node::parse_json(text.as_bytes()).unwrap() else { panic!("not a map") };
            assert_eq!(found.len(), keys + 1);
            assert_eq!(found[0], ("0".into(), Node::Str("last".into())));
            assert_eq!((&found[1].1, &found[keys].0), (&Node::Int(1), &Cow::from("x")));
        }
    }

    #[test]
    fn numbers_of_python_are_read() {
        assert_eq!(Node::parse_json(b"18446744073709551616").unwrap(), Node::BigInt(BigInt::from(1u128 << 64)));
        assert_eq!(Node::parse_json(b"1e3").unwrap(), Node::Float(1000.0));
        assert!(matches!(Node::parse_json(b"NaN").unwrap(), Node::Float(value) if value.is_nan()));
        let long = "9".repeat(60);
        assert_eq!(Node::parse_json(long.as_bytes()).unwrap(), Node::BigInt(long.parse().unwrap()));
    }

    #[test]
    fn the_layout_is_that_of_json_dumps() {
        for text in [r#"{"a": [1, -2.5, null, true], "é": "x\n", "b": {}}"#, "[]", "NaN", "18446744073709551616"] {
            assert_eq!(Node::parse_json(text.as_bytes()).unwrap().to_json(), text);
        }
    }

    #[test]
    fn errors_name_the_place() {
        let error = Node::parse_json(br#"{"a": }"#).unwrap_err();
        assert!(matches!(error, JsonError::Syntax { column: 7, .. }), "{error}");
        let error = Node::parse_json(b"{\"a\": \"\xff\"}").unwrap_err();
        assert_eq!(error.to_string(), "not UTF-8: byte 0xff at offset 7");
        assert!(matches!(Node::parse_json(br#"{"a": 1} x"#).unwrap_err(), JsonError::Syntax { .. }));
        let error = Node::parse_json(br#""\udc00 text""#).unwrap_err();
        assert!(error.to_string().contains("lone surrogate"), "{error}");
    }

    proptest! {
        #[test]
        fn written_strings_are_read_back(
            text in "[ -~\u{0}-\u{1f}\u{7f}-\u{82}é語😀\"\\\\]{0,80}",
            ensure_ascii in any::<bool>(),
        ) {
            let mut json = String::new();
            write_json_string(&mut json, &text, ensure_ascii);
            prop_assert_eq!(Node::parse_json(json.as_bytes()).unwrap(), Node::Str(text.into()));
            prop_assert!(!ensure_ascii || json.is_ascii());
        }
    }
}
