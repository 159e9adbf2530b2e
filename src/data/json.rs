//! JSON text as [`Node`]s, with errors that name the place and the fix.

use std::borrow::Cow;

use chatjinja::{JsonError, Node};

use crate::error::{Error, ErrorKind, Result};

/// Parses JSON as Python's `json.loads` does.
pub fn parse_json(text: &[u8]) -> Result<Node<'_>> {
    Node::parse_json(text).map_err(|error| describe(&error))
}

/// Parses a string that holds JSON; returns any other value as it is.
///
/// `what` is the start of the error message, such as "`tools` must be a list".
pub(crate) fn parse_if_json<'a>(what: &str, node: Node<'a>) -> Result<Node<'a>> {
    let parsed = match node {
        Node::Str(Cow::Borrowed(text)) => parse_json(text.as_bytes()),
        // A string with escapes owns its text, so its parts cannot borrow from the row.
        Node::Str(Cow::Owned(text)) => parse_json(text.as_bytes()).map(Node::into_owned),
        other => Ok(other),
    };
    parsed.map_err(|error| Error::new(error.kind, format!("{what}, found a string that is {}", error.text)))
}

fn describe(error: &JsonError) -> Error {
    match error {
        JsonError::Utf8 { byte, offset } => {
            let text = format!("not UTF-8 (byte 0x{byte:02x} at offset {offset}); convert the file to UTF-8");
            Error::new(ErrorKind::InvalidUtf8, text)
        }
        JsonError::Syntax { column, text } => {
            Error::new(ErrorKind::InvalidJson, format!("not JSON (column {column}: {text})"))
        }
        other => Error::new(ErrorKind::InvalidJson, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_place() {
        let error = parse_json(br#"{"a": }"#).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidJson);
        assert!(error.text.contains("column 7"), "{}", error.text);
        assert_eq!(parse_json(b"{\"a\": \"\xff\"}").unwrap_err().kind, ErrorKind::InvalidUtf8);
        assert_eq!(parse_json(br#"{"a": 1} x"#).unwrap_err().kind, ErrorKind::InvalidJson);
        assert!(parse_json(br#""\ud800""#).unwrap_err().text.contains("surrogate"));
    }

    #[test]
    fn a_string_that_is_not_json_is_named() {
        let error = parse_if_json("`tools` must be a list", Node::Str("x".into())).unwrap_err();
        assert!(error.text.starts_with("`tools` must be a list, found a string that is not JSON"), "{}", error.text);
        assert_eq!(parse_if_json("x", Node::Int(1)).unwrap(), Node::Int(1));
    }
}
