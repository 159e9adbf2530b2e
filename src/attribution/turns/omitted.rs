//! `omits`: whether the text of a turn has nothing of values that are no texts.

use std::borrow::Cow;

use crate::data::{Fields, Node};
use crate::rows::unusual_values;

/// Whether a message has values such as a number or a legacy function call, and the text of its turn has no part of them.
///
/// Only texts, calls and reasoning are followed to their places, so other values are searched in the text.
pub(super) fn omits(message: &Fields<'_>, text: &str) -> bool {
    let mut values = unusual_values(message).peekable();
    values.peek().is_some() && !values.any(|value| is_in(value, text))
}

/// Whether a text has a value, or some value in it, as Python or JSON writes it.
fn is_in(value: &Node<'_>, text: &str) -> bool {
    let written: Cow<'_, str> = match value {
        Node::Null => return false,
        Node::Bool(value) => {
            return text.contains(if *value { "True" } else { "False" })
                || text.contains(if *value { "true" } else { "false" });
        }
        Node::Int(value) => value.to_string().into(),
        Node::BigInt(value) => value.to_string().into(),
        // The digits before an exponent: Python and JSON write the same ones.
        Node::Float(value) => value.to_string().into(),
        Node::Str(value) => value.trim().into(),
        Node::List(items) => return items.iter().any(|item| is_in(item, text)),
        Node::Map(fields) => return fields.iter().any(|(name, value)| name != "type" && is_in(value, text)),
    };
    !written.is_empty() && (text.contains(&*written) || text.contains(&*escaped(&written)))
}

/// A text as it is between the quotes of JSON.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parse_json;

    #[test]
    fn values_are_searched_as_they_are_written() {
        for (message, text, expected) in [
            (r#"{"content": 3}"#, "<think></think><|im_end|>", true),
            (r#"{"content": 3}"#, "3<|im_end|>", false),
            (r#"{"content": 0.5}"#, "0.5<|im_end|>", false),
            (r#"{"content": true}"#, "True<|im_end|>", false),
            (r#"{"content": {"answer": 1}}"#, "{'answer': 1}", false),
            (r#"{"content": {"type": "text", "text": "a\"b"}}"#, r#"text {"text": "a\"b"}"#, false),
            (r#"{"content": {"type": "text", "text": "q"}}"#, "type text", true),
            (r#"{"content": null, "function_call": {"name": "f_1", "arguments": "{}"}}"#, "<|eot_id|>", true),
            (r#"{"content": null, "function_call": {"name": "f_1", "arguments": "{}"}}"#, "call f_1", false),
            (r#"{"content": null, "thought": " why "}"#, "why", false),
            // Nothing to search for.
            (r#"{"content": ""}"#, "", false),
            (r#"{"content": {}}"#, "", false),
            (r#"{"content": "a"}"#, "", false),
            (r#"{"content": [{"type": "image"}]}"#, "<image>", false),
            (r#"{"content": "", "tool_calls": [{"name": "f"}]}"#, "", false),
        ] {
            let Node::Map(fields) = parse_json(message.as_bytes()).unwrap() else { panic!("an object") };
            assert_eq!(omits(&fields, text), expected, "{message}: {text}");
        }
    }
}
