//! `ContentCheck`: rejects messages without content and empty answers, because such rows have nothing to train.

use serde::Deserialize;

use super::{Conversation, REASONING_FIELDS, Role};
use crate::data::{Fields, Node, field};
use crate::error::{Error, ErrorKind, Result};
use crate::names::{self, did_you_mean};

/// Fields besides [`REASONING_FIELDS`] that can replace the content of a message, because chat templates print them.
/// Other fields (`id`, `model`, `weight`) do not count.
const CARRIERS: [&str; 10] = [
    "tool_calls",
    "function_call",
    "function_calls",
    "thought",
    "thoughts",
    "tool_plan",
    "tool_responses",
    "documents",
    "functions",
    "tools",
];

/// What to do with empty answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EmptyAnswers {
    /// Every empty answer is an error.
    #[default]
    Refused,
    /// Empty answers are accepted if another answer of the row is not empty.
    ///
    /// This is the rule for rows without a format. Transformers renders a conversation in which one of several answers
    /// is empty, and 4 of 4,018 rows of `chitchat_en_4k` are like that. Such rows are kept and counted. A row whose
    /// answers are all empty is rejected.
    AmongOthers,
    /// Empty answers are accepted.
    Allowed,
}

/// Checks the content of the messages of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct ContentCheck<'a> {
    /// The field that holds the content in the rows, for error messages.
    pub(super) field: &'a str,
    pub(super) empty_answers: EmptyAnswers,
}

impl ContentCheck<'_> {
    /// Checks `messages`. Their fields must already have the names that chat templates read.
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
        let accepted = match self.empty_answers {
            EmptyAnswers::Refused => false,
            EmptyAnswers::AmongOthers => answered,
            EmptyAnswers::Allowed => true,
        };
        match empty {
            Some(index) if !accepted => Err(self.empty().at_message(index)),
            _ => Ok(()),
        }
    }

    fn empty(self) -> Error {
        let text =
            format!("the answer is empty; its `{}` must have text, or the message must have tool calls", self.field);
        Error::new(ErrorKind::EmptyField, text)
    }

    fn without_content(self, message: &Fields<'_>) -> Error {
        let others: Vec<&str> = message.iter().map(|(name, _)| name.as_ref()).filter(|name| *name != "role").collect();
        let only = match others.as_slice() {
            [] => "`role`".to_owned(),
            names => names::list(names),
        };
        let hint = match did_you_mean(self.field, others.iter().copied()) {
            hint if hint.is_empty() => {
                "; add it, rename the field that holds the text, or map that field with `properties` in a format"
                    .to_owned()
            }
            hint => hint,
        };
        Error::new(ErrorKind::MissingField, format!("the message has no `{}`, only {only}{hint}", self.field))
    }
}

/// Whether an answer of the conversation has neither text nor a field that replaces it.
pub(crate) fn has_empty_answer(conversation: &Conversation<'_>) -> bool {
    conversation.messages.iter().any(is_empty_answer)
}

/// Whether a message has neither text nor a field that replaces it.
pub(crate) fn is_empty_message(message: &Fields<'_>) -> bool {
    field(message, "content").is_none_or(is_blank) && !carries(message)
}

/// What a message says in other values than texts, calls and reasoning: a content that is a number or an object, or a field
/// that stands for the content. Chat templates print such values seldom, and nothing follows them to their place.
pub(crate) fn unusual_values<'m, 'n>(message: &'m Fields<'n>) -> impl Iterator<Item = &'m Node<'n>> {
    let is_text = |value: &&Node<'_>| matches!(value, Node::Str(_) | Node::List(_));
    let content = field(message, "content").filter(move |content| !is_text(content));
    let carriers = CARRIERS.iter().filter(|name| **name != "tool_calls").filter_map(|name| field(message, name));
    content.into_iter().chain(carriers).filter(|value| !is_blank(value))
}

/// Whether a message has reasoning in a field of its own.
pub(crate) fn has_reasoning(message: &Fields<'_>) -> bool {
    REASONING_FIELDS.iter().any(|name| field(message, name).is_some_and(|value| !is_blank(value)))
}

fn is_answer(message: &Fields<'_>) -> bool {
    field(message, "role").and_then(Node::as_str).is_some_and(|role| Role::of(role) == Role::Assistant)
}

fn is_empty_answer(message: &Fields<'_>) -> bool {
    is_answer(message) && is_empty_message(message)
}

fn carries(message: &Fields<'_>) -> bool {
    CARRIERS.iter().chain(&REASONING_FIELDS).any(|name| field(message, name).is_some_and(|value| !is_blank(value)))
}

/// Whether a value has no text. In a list of parts only parts with text count; an image is never blank.
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
    use crate::data::parse_json;

    #[test]
    fn an_answer_has_text_or_calls() {
        let check = |message: &Fields<'_>, empty_answers| {
            ContentCheck { field: "content", empty_answers }.check([message].into_iter()).err().map(|error| error.kind)
        };
        for (message, kind) in [
            (r#"{"role": "assistant", "content": "a"}"#, None),
            (r#"{"role": "assistant", "content": ""}"#, Some(ErrorKind::EmptyField)),
            (r#"{"role": "assistant", "content": " \n", "weight": 1, "model": "m"}"#, Some(ErrorKind::EmptyField)),
            (r#"{"role": "assistant", "content": "", "tool_calls": []}"#, Some(ErrorKind::EmptyField)),
            (r#"{"role": "assistant", "content": "", "tool_calls": [{"name": "f"}]}"#, None),
            (r#"{"role": "assistant", "content": "", "reasoning_content": "r"}"#, None),
            (r#"{"role": "assistant", "content": []}"#, Some(ErrorKind::EmptyField)),
            (r#"{"role": "assistant", "content": [{"type": "text", "text": ""}]}"#, Some(ErrorKind::EmptyField)),
            (
                r#"{"role": "assistant", "content": [{"type": "text", "text": ""}, {"type": "image"}]}"#,
                Some(ErrorKind::EmptyField),
            ),
            (r#"{"role": "assistant", "content": [{"type": "image", "image": "u"}]}"#, None),
            (r#"{"role": "assistant", "content": [{"type": "thinking", "thinking": "t"}]}"#, None),
            (r#"{"role": "assistant", "content": 3}"#, None),
            (r#"{"role": "user", "content": ""}"#, None),
            (r#"{"role": "tool", "content": ""}"#, None),
            (r#"{"role": "assistant", "tool_calls": [{"name": "f"}]}"#, None),
            (r#"{"role": "assistant"}"#, Some(ErrorKind::MissingField)),
            (r#"{"role": "assistant", "text": "a"}"#, Some(ErrorKind::MissingField)),
            (r#"{"role": "user", "contnet": "a"}"#, Some(ErrorKind::MissingField)),
            (r#"{"role": "tool", "tool_responses": [{"name": "f"}]}"#, None),
        ] {
            let Node::Map(message) = parse_json(message.as_bytes()).unwrap() else { panic!("an object") };
            assert_eq!(check(&message, EmptyAnswers::Refused), kind, "{message:?}");
            assert_eq!(check(&message, EmptyAnswers::AmongOthers), kind, "{message:?}");
            assert_eq!(
                check(&message, EmptyAnswers::Allowed),
                kind.filter(|kind| *kind == ErrorKind::MissingField),
                "{message:?}"
            );
        }
    }

    #[test]
    fn an_empty_answer_among_others() {
        let parsed = |text: &'static str| match parse_json(text.as_bytes()).unwrap() {
            Node::Map(message) => message,
            _ => panic!("an object"),
        };
        let (empty, good) =
            (parsed(r#"{"role": "model", "content": ""}"#), parsed(r#"{"role": "model", "content": "a"}"#));
        let check = |messages: [&Fields<'_>; 2], empty_answers| {
            ContentCheck { field: "content", empty_answers }
                .check(messages.into_iter())
                .err()
                .map(|error| error.message)
        };
        assert_eq!(check([&good, &empty], EmptyAnswers::Refused), Some(Some(1)));
        assert_eq!(check([&good, &empty], EmptyAnswers::AmongOthers), None);
        assert_eq!(check([&empty, &empty], EmptyAnswers::AmongOthers), Some(Some(0)));
    }
}
