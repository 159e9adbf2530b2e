//! `Said`: whether a message says something, so that no row trains on nothing.

use serde::Deserialize;

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

/// What becomes of answers without words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EmptyAnswers {
    /// Each of them is an error.
    #[default]
    Refused,
    /// They are let pass where another answer of the row has words.
    ///
    /// Rows in no format are what transformers renders, and that renders an empty answer among others: 4 of 4,018 rows
    /// of chitchat_en_4k have one. They are kept and counted, and those refused that have nothing else to train.
    AmongOthers,
    /// They are let pass.
    Allowed,
}

/// What the messages of a row must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    /// What rows call the content.
    pub(super) content: &'a str,
    pub(super) empty_answers: EmptyAnswers,
}

impl Said<'_> {
    /// Whether each of `messages`, with the names that templates know, has content, and answers words as they must.
    pub(super) fn check<'m, 'n: 'm>(self, messages: impl Iterator<Item = &'m Fields<'n>>) -> Result<()> {
        let (mut empty, mut answered) = (None, false);
        for (index, message) in messages.enumerate() {
            if field(message, "content").is_none() && !carries(message) {
                return Err(self.without_content(message).at_message(index));
            }
            if is_empty_answer(message) {
                empty = empty.or(Some(index));
            } else {
                answered |= is_answer(message);
            }
        }
        let let_pass = match self.empty_answers {
            EmptyAnswers::Refused => false,
            EmptyAnswers::AmongOthers => answered,
            EmptyAnswers::Allowed => true,
        };
        match empty {
            Some(index) if !let_pass => Err(self.empty().at_message(index)),
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
        let check = |message: &Fields<'_>, empty_answers| {
            let said = Said { content: "content", empty_answers };
            said.check([message].into_iter()).err().map(|error| error.kind)
        };
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
            assert_eq!(check(&message, EmptyAnswers::Refused), kind, "{message:?}");
            assert_eq!(check(&message, EmptyAnswers::AmongOthers), kind, "{message:?}");
            assert_eq!(
                check(&message, EmptyAnswers::Allowed),
                kind.filter(|kind| *kind == Kind::MissingField),
                "{message:?}"
            );
        }
    }

    #[test]
    fn an_empty_answer_among_others() {
        let parsed = |text: &'static str| match Node::parse_json(text.as_bytes()).unwrap() {
            Node::Map(message) => message,
            _ => panic!("an object"),
        };
        let (empty, good) =
            (parsed(r#"{"role": "model", "content": ""}"#), parsed(r#"{"role": "model", "content": "a"}"#));
        let check = |messages: [&Fields<'_>; 2], empty_answers| {
            Said { content: "content", empty_answers }.check(messages.into_iter()).err().map(|error| error.message)
        };
        assert_eq!(check([&good, &empty], EmptyAnswers::Refused), Some(Some(1)));
        assert_eq!(check([&good, &empty], EmptyAnswers::AmongOthers), None);
        assert_eq!(check([&empty, &empty], EmptyAnswers::AmongOthers), Some(Some(0)));
    }
}
