//! `Said`: whether a message says something, so that no row trains on nothing.

use super::fields::nearest;
use crate::conversation::{Conversation, Fields, Node, field};
use crate::error::{Error, Kind, Result};

/// What a message may hold in place of content: what the templates of models read there. Others are not looked at, since
/// a message has many that say nothing (`id`, `model`, `weight`).
const CARRIERS: [&str; 13] = [
    "tool_calls",
    "function_call",
    "function_calls",
    "reasoning_content",
    "reasoning",
    "thinking",
    "thought",
    "thoughts",
    "tool_plan",
    "tool_responses",
    "documents",
    "functions",
    "tools",
];

/// What the messages of a format must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    /// What rows call the content.
    pub(super) content: &'a str,
    /// Whether an answer may be blank.
    pub(super) may_be_empty: bool,
}

impl Said<'_> {
    /// Whether `message`, with the names that templates know, has content, and words in it if it is an answer.
    pub(super) fn check(self, message: &Fields<'_>) -> Result<()> {
        if field(message, "content").is_none() && !carries(message) {
            return Err(self.without_content(message));
        }
        if is_empty_answer(message) && !self.may_be_empty { Err(self.empty()) } else { Ok(()) }
    }

    /// Whether each of the messages has content, and one of the answers words.
    ///
    /// Rows in no format are what transformers renders, and that renders an empty answer among others: 4 of 4,018 rows
    /// of chitchat_en_4k have one. They are kept and counted, and those refused that have nothing else to train.
    pub(super) fn check_plain(self, conversation: &Conversation<'_>) -> Result<()> {
        let (mut empty, mut answered) = (None, false);
        for (index, message) in conversation.messages.iter().enumerate() {
            self.check(message).map_err(|error| error.at_message(index))?;
            match is_empty_answer(message) {
                true => empty = Some(index),
                false => answered |= is_answer(message),
            }
        }
        match empty {
            Some(index) if !answered => Err(self.empty().at_message(index)),
            _ => Ok(()),
        }
    }

    fn empty(self) -> Error {
        let text =
            format!("the answer is empty: its {} must be a text with words, or it must have calls", self.content);
        Error::new(Kind::EmptyField, text)
    }

    fn without_content(self, message: &Fields<'_>) -> Error {
        let others: Vec<&str> = message.iter().map(|(name, _)| name.as_ref()).filter(|name| *name != "role").collect();
        let only = if others.is_empty() { "a role".to_owned() } else { others.join(", ") };
        let meant = nearest(self.content, &others).map(|meant| format!("; is {meant} meant?"));
        let meant = meant.unwrap_or_else(|| "; a format's properties say what else it is called".to_owned());
        Error::new(Kind::MissingField, format!("the message has no {}, only {only}{meant}", self.content))
    }
}

/// Whether an answer of the conversation has no words, and nothing in their place.
pub(crate) fn has_empty_answer(conversation: &Conversation<'_>) -> bool {
    conversation.messages.iter().any(is_empty_answer)
}

fn is_answer(message: &Fields<'_>) -> bool {
    matches!(field(message, "role").and_then(Node::as_str), Some("assistant" | "model"))
}

fn is_empty_answer(message: &Fields<'_>) -> bool {
    is_answer(message) && field(message, "content").is_none_or(is_blank) && !carries(message)
}

fn carries(message: &Fields<'_>) -> bool {
    CARRIERS.iter().any(|name| field(message, name).is_some_and(|value| !is_blank(value)))
}

/// Whether a value has no words in it. Of a list of parts those count that have a text; a picture is never blank.
fn is_blank(value: &Node<'_>) -> bool {
    match value {
        Node::Null => true,
        Node::Str(text) => text.trim().is_empty(),
        Node::List(parts) => parts.iter().all(is_blank),
        Node::Map(part) => match ["text", "content", "value"].iter().find_map(|name| field(part, name)) {
            Some(text) => is_blank(text),
            None => part.iter().all(|(name, value)| name == "type" || is_blank(value)),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_words_or_calls() {
        let said = Said { content: "content", may_be_empty: false };
        for (message, kind) in [
            (r#"{"role": "assistant", "content": "a"}"#, None),
            (r#"{"role": "assistant", "content": ""}"#, Some(Kind::EmptyField)),
            (r#"{"role": "assistant", "content": " \n", "weight": 1, "model": "m"}"#, Some(Kind::EmptyField)),
            (r#"{"role": "assistant", "content": "", "tool_calls": []}"#, Some(Kind::EmptyField)),
            (r#"{"role": "assistant", "content": "", "tool_calls": [{"name": "f"}]}"#, None),
            (r#"{"role": "assistant", "content": "", "reasoning_content": "r"}"#, None),
            (r#"{"role": "assistant", "content": []}"#, Some(Kind::EmptyField)),
            (r#"{"role": "assistant", "content": [{"type": "text", "text": ""}]}"#, Some(Kind::EmptyField)),
            (
                r#"{"role": "assistant", "content": [{"type": "text", "text": ""}, {"type": "image"}]}"#,
                Some(Kind::EmptyField),
            ),
            (r#"{"role": "assistant", "content": [{"type": "image", "image": "u"}]}"#, None),
            (r#"{"role": "assistant", "content": [{"type": "thinking", "thinking": "t"}]}"#, None),
            (r#"{"role": "assistant", "content": 3}"#, None),
            (r#"{"role": "user", "content": ""}"#, None),
            (r#"{"role": "tool", "content": ""}"#, None),
            (r#"{"role": "assistant", "tool_calls": [{"name": "f"}]}"#, None),
            (r#"{"role": "assistant"}"#, Some(Kind::MissingField)),
            (r#"{"role": "assistant", "text": "a"}"#, Some(Kind::MissingField)),
            (r#"{"role": "user", "contnet": "a"}"#, Some(Kind::MissingField)),
            (r#"{"role": "tool", "tool_responses": [{"name": "f"}]}"#, None),
        ] {
            let Node::Map(message) = Node::parse_json(message.as_bytes()).unwrap() else { panic!("an object") };
            assert_eq!(said.check(&message).err().map(|error| error.kind), kind, "{message:?}");
            let lenient = Said { may_be_empty: true, ..said };
            assert_eq!(lenient.check(&message).is_ok(), kind != Some(Kind::MissingField), "{message:?}");
        }
    }
}
