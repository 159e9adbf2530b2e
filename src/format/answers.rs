//! `Answers`: rows of a prompt with one answer or two, as preferences and feedback come.

use std::borrow::Cow;

use super::fields::missing;
use super::made::{Made, text_of};
use super::mapping::Mapping;
use crate::conversation::{Conversation, Fields, Node, field, parse_if_text};
use crate::error::{Error, Kind, Result};
use crate::template::ChatTemplate;

/// Where a row has its prompt and its answers.
#[derive(Debug)]
pub struct Answers {
    /// The field of the prompt; where the row lacks it, the prompt is what its answers begin with.
    pub(super) prompt: String,
    /// What the answers are called.
    pub(super) names: Vec<String>,
    /// For each of them, the field that holds it.
    pub(super) columns: Vec<String>,
    /// Whether answers are whole conversations that have no prompt of their own.
    pub(super) whole: bool,
    /// What says whether the answer is good: its name, and the field that holds it.
    pub(super) label: Option<(String, String)>,
    pub(super) mapping: Mapping,
    /// What prompt and answers are put together from, where the row does not hold them as they are.
    pub(super) parts: Option<Parts>,
}

/// Texts over the fields of a row that make its prompt and its answers.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) prompt: Prompt,
    pub(super) answers: Vec<ChatTemplate>,
}

/// The prompt of a row, made from its fields.
#[derive(Debug)]
pub(super) enum Prompt {
    /// A text, and what stands behind each answer.
    Text(Box<ChatTemplate>, String),
    /// Messages for the chat template.
    Messages(Made),
}

/// Prompt and answers of one row, as texts or as conversations.
#[derive(Debug)]
pub enum Sides<'a> {
    /// Texts that follow each other.
    Texts {
        /// The prompt.
        prompt: String,
        /// The answers.
        answers: Vec<String>,
    },
    /// Conversations.
    Messages {
        /// The messages of the prompt alone; None where answers are whole.
        prompt: Option<Conversation<'a>>,
        /// Those of the prompt and of an answer, for each answer.
        answers: Vec<Conversation<'a>>,
    },
}

impl Answers {
    /// What the answers are called.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether answers are whole conversations.
    pub fn are_whole(&self) -> bool {
        self.whole
    }

    /// What says whether the answer is good.
    pub fn label(&self) -> Option<&str> {
        self.label.as_ref().map(|(name, _)| name.as_str())
    }

    /// What the text of each answer ends in.
    pub fn stop(&self) -> Option<&str> {
        match &self.parts.as_ref()?.prompt {
            Prompt::Text(_, stop) if !stop.is_empty() => Some(stop),
            _ => None,
        }
    }

    /// The text that makes the prompt, where it is no messages.
    pub(super) fn prompt_text(&self) -> Option<&str> {
        match &self.parts.as_ref()?.prompt {
            Prompt::Text(text, _) => Some(text.source()),
            Prompt::Messages(_) => None,
        }
    }

    /// The fields that each row must have.
    pub(super) fn needed(&self) -> impl Iterator<Item = &str> {
        let label = self.label.as_ref().map(|(_, column)| column.as_str());
        let answers = if self.parts.is_some() { &[][..] } else { self.columns.as_slice() };
        answers.iter().map(String::as_str).chain(label)
    }

    /// Whether the answer of a row is good.
    pub fn is_good(&self, row: &Fields<'_>) -> Result<Option<bool>> {
        let Some((_, name)) = &self.label else { return Ok(None) };
        match field(row, name) {
            Some(Node::Bool(value)) => Ok(Some(*value)),
            Some(Node::Int(value @ 0..=1)) => Ok(Some(*value == 1)),
            None => Err(missing(name, row)),
            Some(other) => {
                let text = format!("the field {name} must be true or false, found {}", other.type_name());
                Err(Error::new(Kind::WrongType, text))
            }
        }
    }

    /// Prompt and answers of a row, from its fields.
    pub fn sides<'a>(&self, row: &Conversation<'a>) -> Result<Sides<'a>> {
        match &self.parts {
            Some(parts) => self.made(parts, row),
            None => self.given(&row.variables),
        }
    }

    fn made<'a>(&self, parts: &Parts, row: &Conversation<'a>) -> Result<Sides<'a>> {
        let mut texts = Vec::with_capacity(parts.answers.len());
        for (name, answer) in self.columns.iter().zip(&parts.answers) {
            let text = text_of(answer, row)?;
            if text.trim().is_empty() {
                return Err(empty_answer(name));
            }
            texts.push(text);
        }
        self.check_differ(&texts)?;
        match &parts.prompt {
            Prompt::Text(prompt, stop) => {
                texts.iter_mut().for_each(|text| text.push_str(stop));
                Ok(Sides::Texts { prompt: text_of(prompt, row)?, answers: texts })
            }
            Prompt::Messages(made) => {
                let prompt = made.messages(row)?;
                let conversation = |messages| self.mapping.with_the_rest(Conversation::new(messages)?, &row.variables);
                let answer = |text: String| {
                    let said = vec![
                        (Cow::Borrowed("role"), Node::Str(Cow::Borrowed("assistant"))),
                        (Cow::Borrowed("content"), Node::Str(Cow::Owned(text))),
                    ];
                    conversation(Node::List(prompt.iter().cloned().chain([Node::Map(said)]).collect()))
                };
                let answers = texts.into_iter().map(answer).collect::<Result<_>>()?;
                Ok(Sides::Messages { prompt: Some(conversation(Node::List(prompt))?), answers })
            }
        }
    }

    fn given<'a>(&self, row: &Fields<'a>) -> Result<Sides<'a>> {
        let wanted = |name: &String| match field(row, name) {
            None => Err(missing(name, row)),
            Some(Node::Null) => {
                Err(Error::new(Kind::MissingField, format!("the field {name} is null: it must be a text or messages")))
            }
            Some(value) => Ok((name.clone(), value.clone())),
        };
        let answers = self.columns.iter().map(wanted).collect::<Result<Vec<_>>>()?;
        let prompt = field(row, &self.prompt).filter(|value| **value != Node::Null).cloned();
        let texts = answers.iter().all(|(_, value)| self.is_text(value));
        if texts && prompt.as_ref().is_none_or(|prompt| self.is_text(prompt)) {
            return self.texts(prompt, answers);
        }
        let mut lists = Vec::with_capacity(answers.len());
        for (name, value) in answers {
            lists.push(self.messages_of(&name, value)?);
        }
        let prompt = prompt.map(|value| self.messages_of(&self.prompt, value)).transpose()?;
        self.messages(row, prompt, lists)
    }

    fn texts<'a>(&self, prompt: Option<Node<'a>>, answers: Vec<(String, Node<'a>)>) -> Result<Sides<'a>> {
        let text = |value: Node<'a>| match value {
            Node::Str(text) => text.into_owned(),
            _ => String::new(),
        };
        let mut texts = Vec::with_capacity(answers.len());
        for (name, value) in answers {
            let answer = text(value);
            if answer.trim().is_empty() {
                return Err(empty_answer(&name));
            }
            texts.push(answer);
        }
        self.check_differ(&texts)?;
        let prompt = match prompt.map(text) {
            Some(prompt) if prompt.trim().is_empty() && !self.whole => {
                return Err(Error::new(Kind::EmptyField, format!("the field {} is empty", self.prompt)));
            }
            Some(prompt) => prompt,
            None if self.whole => String::new(),
            None => {
                let shared = shared_text(&texts);
                let prompt = texts[0][..shared].to_owned();
                texts.iter_mut().for_each(|answer| *answer = answer.split_off(shared));
                prompt
            }
        };
        Ok(Sides::Texts { prompt, answers: texts })
    }

    fn messages<'a>(
        &self,
        row: &Fields<'a>,
        prompt: Option<Vec<Node<'a>>>,
        mut answers: Vec<Vec<Node<'a>>>,
    ) -> Result<Sides<'a>> {
        self.check_differ(&answers)?;
        let (prompt, answers) = match prompt {
            Some(prompt) => {
                // Whole conversations beside their prompt: it is there once.
                if answers.iter().all(|answer| answer.len() > prompt.len() && answer.starts_with(&prompt)) {
                    answers.iter_mut().for_each(|answer| *answer = answer.split_off(prompt.len()));
                }
                (prompt, answers)
            }
            None if self.whole => (Vec::new(), answers),
            None => {
                let shared = shared_messages(&answers);
                if shared == 0 {
                    let text = format!("no field {}, and the answers do not begin alike", self.prompt);
                    return Err(Error::new(Kind::MissingField, text));
                }
                let prompt = answers[0][..shared].to_vec();
                (prompt, answers.into_iter().map(|mut answer| answer.split_off(shared)).collect())
            }
        };
        let whole = |messages: Vec<Node<'a>>| self.mapping.of_messages(messages, row);
        let both = |answer: Vec<Node<'a>>| whole(prompt.iter().cloned().chain(answer).collect());
        let answers = answers.into_iter().map(both).collect::<Result<Vec<_>>>()?;
        for (name, answer) in self.columns.iter().zip(&answers) {
            let last = answer.messages.len().saturating_sub(1);
            if answer.role(last) != "assistant" && answer.role(last) != "model" {
                let text =
                    format!("the field {name} must end in an answer, and ends in a message of {}", answer.role(last));
                return Err(Error::new(Kind::UnknownRole, text));
            }
        }
        let prompt = if self.whole { None } else { Some(whole(prompt)?) };
        Ok(Sides::Messages { prompt, answers })
    }

    /// Whether a value is a text of its own. Columns without structure hold messages as JSON text, and an answer may be
    /// JSON as well: it is messages if each object has a role.
    fn is_text(&self, value: &Node<'_>) -> bool {
        let Node::Str(text) = value else { return false };
        if !text.trim_start().starts_with('[') {
            return true;
        }
        let role = self.mapping.property("role");
        match Node::parse_json(text.as_bytes()) {
            Ok(Node::List(items)) => {
                let is_message = |item: &Node<'_>| matches!(item, Node::Map(fields) if field(fields, role).is_some());
                items.is_empty() || !items.iter().all(is_message)
            }
            _ => true,
        }
    }

    /// A list of messages; one message is a list of one.
    fn messages_of<'a>(&self, name: &str, value: Node<'a>) -> Result<Vec<Node<'a>>> {
        let given = if self.is_text(&value) {
            value
        } else {
            parse_if_text(&format!("the field {name} must be messages"), value)?
        };
        match given {
            Node::List(mut messages) if !messages.is_empty() => {
                // Columns give each message the fields of all, with nulls.
                for message in &mut messages {
                    if let Node::Map(fields) = message {
                        fields.retain(|(_, value)| *value != Node::Null);
                    }
                }
                Ok(messages)
            }
            Node::List(_) => Err(Error::new(Kind::EmptyField, format!("the field {name} has no messages"))),
            Node::Map(mut fields) => {
                fields.retain(|(_, value)| *value != Node::Null);
                Ok(vec![Node::Map(fields)])
            }
            other => {
                let text = format!("the field {name} must be messages, as the others are, found {}", other.type_name());
                Err(Error::new(Kind::WrongType, text))
            }
        }
    }

    /// Of equal answers none is better.
    fn check_differ<T: PartialEq>(&self, answers: &[T]) -> Result<()> {
        match answers {
            [left, right] if left == right => {
                let text = format!("{} are equal: none is preferred", self.columns.join(" and "));
                Err(Error::new(Kind::EqualAnswers, text))
            }
            _ => Ok(()),
        }
    }
}

fn empty_answer(name: &str) -> Error {
    Error::new(Kind::EmptyField, format!("the field {name} is empty: an answer is wanted"))
}

/// How many bytes all texts begin with alike, as TRL counts them: a space before the difference belongs to the answers,
/// and where one text begins with the other, its last character does too.
fn shared_text(texts: &[String]) -> usize {
    let (Some(left), Some(right)) = (texts.first(), texts.last()) else { return 0 };
    let differ = left.char_indices().zip(right.chars()).find(|((_, left), right)| left != right);
    match differ {
        Some(((at, _), _)) if left[..at].ends_with(' ') => at - 1,
        Some(((at, _), _)) => at,
        None => {
            let shorter = &left[..left.len().min(right.len())];
            shorter.char_indices().next_back().map_or(0, |(at, _)| at)
        }
    }
}

/// How many messages all lists begin with alike; where one list begins with the other, its last message counts to the
/// answers.
fn shared_messages(answers: &[Vec<Node<'_>>]) -> usize {
    let (Some(left), Some(right)) = (answers.first(), answers.last()) else { return 0 };
    let alike = left.iter().zip(right).position(|(left, right)| left != right);
    alike.unwrap_or_else(|| left.len().min(right.len()).saturating_sub(1))
}

/// The columns that are read.
pub(super) fn columns(answers: &Answers) -> Vec<&str> {
    let others = [answers.mapping.tools.as_str(), "documents", "chat_template_kwargs"];
    let own = [answers.prompt.as_str()].into_iter().chain(answers.mapping.system.as_deref());
    own.chain(answers.needed()).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_beginning_is_the_prompt() {
        let texts = |left: &str, right: &str| shared_text(&[left.to_owned(), right.to_owned()]);
        assert_eq!(texts("The sky is blue.", "The sky is green."), "The sky is".len());
        assert_eq!(texts("aé1", "aé2"), "aé".len());
        assert_eq!(texts("ab", "abc"), 1);
        assert_eq!(texts("x", "y"), 0);
        assert_eq!(texts(" x", " y"), 0);
    }
}
