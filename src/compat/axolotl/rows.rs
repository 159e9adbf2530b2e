//! `PreparedMessage`: a message as axolotl prepares it for a template. It drops keys that it does not find in the
//! source of the template, parses the arguments of calls as JSON, and joins the parts of a content.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::options::AxolotlOptions;
use super::thinking;
use crate::data::{Fields, Node, field, parse_json};
use crate::error::{Error, Result};
use crate::label::read_ranges;

/// A range of characters: the first, the last, and whether they are trained.
pub(super) type DetailRange = (usize, usize, bool);

/// One message as axolotl prepares it.
pub(super) struct PreparedMessage {
    pub(super) fields: Fields<'static>,
    pub(super) training: Option<bool>,
    /// Ranges of the characters of the content.
    pub(super) detail: Option<Vec<DetailRange>>,
}

impl PreparedMessage {
    pub(super) fn role(&self) -> &str {
        field(&self.fields, "role").and_then(Node::as_str).unwrap_or("")
    }
}

impl AxolotlOptions {
    /// A message as axolotl prepares it. `keys` are the keys that it finds in the source of the template.
    pub(super) fn turn(&self, message: &Fields<'_>, keys: &BTreeSet<String>) -> Result<PreparedMessage> {
        let mut turn = PreparedMessage { fields: Vec::new(), training: None, detail: None };
        for (name, value) in message {
            if without_nulls(value) == Node::Null {
                continue;
            }
            let known = matches!(name.as_ref(), "role" | "content" | "reasoning_content" | "thinking");
            if Some(name.as_ref()) == self.message_field_training.as_deref() {
                turn.training = Some(is_true(value));
            } else if Some(name.as_ref()) == self.message_field_training_detail.as_deref() {
                let range = |fields: &Fields<'_>, first, last| {
                    Ok(Some((first, last, field(fields, "train").is_some_and(is_true))))
                };
                turn.detail = Some(read_ranges(name, value, range)?);
            }
            if known || keys.contains(name.as_ref()) {
                turn.fields.push((Cow::Owned(name.clone().into_owned()), without_nulls(value)));
            }
        }
        let role = turn.role().to_owned();
        let mut thought = None;
        for (name, value) in &mut turn.fields {
            match name.as_ref() {
                "role" => *value = Node::Str(Cow::Owned(self.role(&role).to_owned())),
                "content" => {
                    if let Node::List(parts) = value {
                        let (text, detail) = join(parts)?;
                        turn.detail = turn.detail.take().or(detail);
                        *value = Node::Str(Cow::Owned(text));
                    }
                    if self.split_thinking
                        && self.role(&role) == "assistant"
                        && let Some((reasoning, answer)) = value.as_str().and_then(thinking::split)
                    {
                        thought = Some(reasoning);
                        *value = Node::Str(Cow::Owned(answer));
                    }
                }
                "tool_calls" => parse_arguments(value)?,
                _ => {}
            }
        }
        if let Some(thought) = thought {
            turn.fields.retain(|(name, _)| name != "reasoning_content" && name != "thinking");
            turn.fields.push((Cow::Borrowed("reasoning_content"), Node::Str(Cow::Owned(thought.clone()))));
            turn.fields.push((Cow::Borrowed("thinking"), Node::Str(Cow::Owned(thought))));
        }
        Ok(turn)
    }
}

/// Whether Python treats a value as true.
fn is_true(value: &Node<'_>) -> bool {
    match value {
        Node::Null => false,
        Node::Bool(value) => *value,
        Node::Int(value) => *value != 0,
        Node::Float(value) => *value != 0.0,
        Node::Str(text) => !text.is_empty(),
        Node::List(items) => !items.is_empty(),
        Node::Map(fields) => !fields.is_empty(),
        Node::BigInt(_) => true,
    }
}

/// The value without the nulls inside it.
fn without_nulls(value: &Node<'_>) -> Node<'static> {
    match value {
        Node::List(items) => Node::List(items.iter().map(without_nulls).filter(|item| *item != Node::Null).collect()),
        Node::Map(fields) => {
            let fields =
                fields.iter().map(|(name, value)| (Cow::Owned(name.clone().into_owned()), without_nulls(value)));
            Node::Map(fields.filter(|(_, value)| *value != Node::Null).collect())
        }
        other => other.clone().into_owned(),
    }
}

/// The joined text of all parts of a content, and their ranges if one of them has a flag.
fn join(parts: &[Node<'_>]) -> Result<(String, Option<Vec<DetailRange>>)> {
    let (mut text, mut ranges, mut flagged) = (String::new(), Vec::new(), false);
    let mut length = 0;
    for part in parts {
        let Node::Map(fields) = part else {
            let part = part.as_str().ok_or_else(|| {
                Error::wrong_type(format!("a part of the content is {}; use an object or a string", part.type_name()))
            })?;
            text.push_str(part);
            length += part.chars().count();
            continue;
        };
        let own = ["text", "content", "value"].into_iter().find_map(|name| field(fields, name)).and_then(Node::as_str);
        let own = own.unwrap_or("");
        let flag = ["train", "weight"].into_iter().find_map(|name| field(fields, name));
        flagged |= flag.is_some();
        let count = own.chars().count();
        if count > 0 {
            ranges.push((length, length + count - 1, flag.is_none_or(is_true)));
        }
        text.push_str(own);
        length += count;
    }
    Ok((text, flagged.then_some(ranges)))
}

/// Replaces the arguments of calls that are JSON text with their value.
fn parse_arguments(calls: &mut Node<'static>) -> Result<()> {
    let Node::List(calls) = calls else { return Ok(()) };
    for call in calls {
        let Node::Map(call) = call else { continue };
        let Some((_, Node::Map(function))) = call.iter_mut().find(|(name, _)| name == "function") else { continue };
        if let Some((_, arguments)) = function.iter_mut().find(|(name, _)| name == "arguments")
            && let Some(text) = arguments.as_str()
        {
            *arguments = parse_json(text.as_bytes())
                .map_err(|error| {
                    let text =
                        format!("the `arguments` of a tool call must be JSON, found a string that is {}", error.text);
                    Error::new(error.kind, text)
                })?
                .into_owned();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::json_fields::JsonFields;

    /// The fields, the flag and the ranges of a message.
    fn turn(options: &str, message: &str) -> Result<PreparedMessage> {
        let Ok(serde_json::Value::Object(options)) = serde_json::from_str(options) else { panic!("not an object") };
        let options = AxolotlOptions::read(JsonFields::of_options("axolotl", options))?;
        let Node::Map(message) = parse_json(message.as_bytes())? else { panic!("not an object") };
        options.turn(&message, &BTreeSet::from(["tool_calls".to_owned()]))
    }

    #[test]
    fn only_keys_that_the_template_reads_are_kept() {
        let message = r#"{"role": "gpt", "content": "A", "name": "x", "tool_calls": [], "train": 1, "thinking": null}"#;
        let turn = turn(r#"{"message_field_training": "train"}"#, message).unwrap();
        assert_eq!(turn.role(), "assistant");
        assert_eq!(turn.training, Some(true));
        let names: Vec<_> = turn.fields.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["role", "content", "tool_calls"]);
    }

    #[test]
    fn parts_are_joined_with_their_ranges() {
        let message =
            r#"{"role": "gpt", "content": ["é", {"text": "ab", "train": false}, {"value": "c"}, {"text": ""}]}"#;
        let turn = turn("{}", message).unwrap();
        assert_eq!(field(&turn.fields, "content").and_then(Node::as_str), Some("éabc"));
        assert_eq!(turn.detail, Some(vec![(1, 2, false), (3, 3, true)]));
    }

    #[test]
    fn errors_name_the_field_and_the_value() {
        let options = r#"{"message_field_training_detail": "detail"}"#;
        let text = |message: &str| turn(options, message).err().unwrap().text;
        assert_eq!(text(r#"{"detail": 3}"#), "`detail` is an integer; use a list of ranges of characters");
        assert_eq!(
            text(r#"{"detail": [{"begin_offset": 0}]}"#),
            "`detail` has the invalid range {\"begin_offset\": 0}; use {\"begin_offset\": first character, \
             \"end_offset\": last character, \"train\": true or false}"
        );
        assert_eq!(text(r#"{"content": [3]}"#), "a part of the content is an integer; use an object or a string");
        let text = text(r#"{"tool_calls": [{"function": {"arguments": "x"}}]}"#);
        let expected = "the `arguments` of a tool call must be JSON, found a string that is not JSON (column 1";
        assert!(text.starts_with(expected), "{text}");
    }
}
