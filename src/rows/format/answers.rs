//! `AnswersSpec`: reads a prompt with one answer or two, from rows of preference or feedback data.

use chatjinja::Node;

use super::builder::MessageBuilder;
use super::fields::{FieldValues, missing_field};
use super::mapping::{MessageMapping, message_node};
use super::text::FormatText;
use crate::data::{Fields, field, parse_if_json, parse_json, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::{AnswersRow, Conversation, PromptAnswers, Role};

/// The fields of a row that hold its prompt and its answers.
#[derive(Debug)]
pub struct AnswersSpec {
    /// The field of the prompt. In a row without this field, the common beginning of the answers is the prompt.
    pub(super) prompt: String,
    /// The names of the answers in the output, such as `chosen` and `rejected`.
    pub(super) names: Vec<String>,
    /// The field of each answer.
    pub(super) columns: Vec<String>,
    /// Whether answers are whole conversations without a separate prompt.
    pub(super) whole: bool,
    /// The label of an answer, good or not: its name in the output, and its field in the row.
    pub(super) label: Option<(String, String)>,
    pub(super) mapping: MessageMapping,
    /// How to build prompt and answers, if no field of the row holds them as they are.
    pub(super) texts: Option<AnswerTexts>,
}

/// The texts of a format that build the prompt and the answers of a row from its fields.
#[derive(Debug)]
pub(super) struct AnswerTexts {
    pub(super) prompt: PromptText,
    pub(super) answers: Vec<FormatText>,
}

/// How to build the prompt of a row.
#[derive(Debug)]
pub(super) enum PromptText {
    /// A text, and the string that ends each answer.
    Text(Box<FormatText>, String),
    /// Messages for the chat template.
    Messages(MessageBuilder),
}

impl AnswersSpec {
    /// The names of the answers in the output, such as `chosen` and `rejected`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether answers are whole conversations.
    pub fn are_whole(&self) -> bool {
        self.whole
    }

    /// The name of the label in the output, if rows have a label.
    pub fn label(&self) -> Option<&str> {
        self.label.as_ref().map(|(name, _)| name.as_str())
    }

    /// The string that ends each answer, if the format defines one.
    pub fn stop(&self) -> Option<&str> {
        match &self.texts.as_ref()?.prompt {
            PromptText::Text(_, stop) if !stop.is_empty() => Some(stop),
            _ => None,
        }
    }

    /// Whether the chat template renders the rows; false if the format has its own text for prompt and answers.
    pub(super) fn needs_template(&self) -> bool {
        !matches!(self.texts, Some(AnswerTexts { prompt: PromptText::Text(..), .. }))
    }

    /// The fields that every row must have.
    pub(super) fn required(&self) -> impl Iterator<Item = &str> {
        let label = self.label.as_ref().map(|(_, column)| column.as_str());
        let answers = if self.texts.is_some() { &[][..] } else { self.columns.as_slice() };
        answers.iter().map(String::as_str).chain(label)
    }

    /// The columns that are read, in addition to the fields of the format.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        let own = [self.prompt.as_str()].into_iter();
        own.chain(self.required()).chain(self.mapping.context_columns())
    }

    /// The prompt and the answers of a row; `fields` are the checked fields of the format.
    pub(super) fn read<'a>(&self, fields: &FieldValues<'a>, row: &Fields<'a>) -> Result<AnswersRow<'a>> {
        let label = self.is_good(row)?;
        let content = match &self.texts {
            Some(texts) => self.build(texts, fields, row)?,
            None => self.given(row)?,
        };
        Ok(AnswersRow { content, label })
    }

    /// Whether the answer of a row is good.
    fn is_good(&self, row: &Fields<'_>) -> Result<Option<bool>> {
        let Some((_, name)) = &self.label else { return Ok(None) };
        match field(row, name) {
            Some(Node::Bool(value)) => Ok(Some(*value)),
            Some(Node::Int(value @ 0..=1)) => Ok(Some(*value == 1)),
            None => Err(missing_field(&format!("`{name}`"), name, row)),
            Some(other) => Err(wrong_type(&format!("the field `{name}`"), "true or false", other)),
        }
    }

    fn build<'a>(&self, texts: &AnswerTexts, fields: &FieldValues<'a>, row: &Fields<'a>) -> Result<PromptAnswers<'a>> {
        let mut answers = Vec::with_capacity(texts.answers.len());
        for (name, answer) in self.columns.iter().zip(&texts.answers) {
            let text = answer.render(fields, None)?;
            if text.trim().is_empty() {
                return Err(empty_answer(name));
            }
            answers.push(text);
        }
        self.check_differ(&answers)?;
        match &texts.prompt {
            PromptText::Text(prompt, stop) => {
                answers.iter_mut().for_each(|answer| answer.push_str(stop));
                Ok(PromptAnswers::Texts { prompt: prompt.render(fields, None)?, answers })
            }
            PromptText::Messages(builder) => {
                let prompt = builder.messages(fields)?;
                let conversation = |messages| self.mapping.with_context(Conversation::new(Node::List(messages))?, row);
                let answer = |text: String| {
                    conversation(prompt.iter().cloned().chain([message_node("assistant", text)]).collect())
                };
                let answers = answers.into_iter().map(answer).collect::<Result<_>>()?;
                Ok(PromptAnswers::Chats { prompt: Some(conversation(prompt)?), answers })
            }
        }
    }

    fn given<'a>(&self, row: &Fields<'a>) -> Result<PromptAnswers<'a>> {
        let required = |name: &String| match field(row, name) {
            None => Err(missing_field(&format!("`{name}`"), name, row)),
            Some(Node::Null) => {
                let text = format!("the field `{name}` is null; it must be a string or messages");
                Err(Error::new(ErrorKind::MissingField, text))
            }
            Some(value) => Ok((name.clone(), value.clone())),
        };
        let answers = self.columns.iter().map(required).collect::<Result<Vec<_>>>()?;
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
        self.chats(row, prompt, lists)
    }

    fn texts<'a>(&self, prompt: Option<Node<'a>>, answers: Vec<(String, Node<'a>)>) -> Result<PromptAnswers<'a>> {
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
                let text = format!("the field `{}` is empty; the prompt must have text", self.prompt);
                return Err(Error::new(ErrorKind::EmptyField, text));
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
        Ok(PromptAnswers::Texts { prompt, answers: texts })
    }

    fn chats<'a>(
        &self,
        row: &Fields<'a>,
        prompt: Option<Vec<Node<'a>>>,
        mut answers: Vec<Vec<Node<'a>>>,
    ) -> Result<PromptAnswers<'a>> {
        self.check_differ(&answers)?;
        let (prompt, answers) = match prompt {
            Some(prompt) => {
                // Whole conversations in addition to their prompt: keep the prompt once.
                if answers.iter().all(|answer| answer.len() > prompt.len() && answer.starts_with(&prompt)) {
                    answers.iter_mut().for_each(|answer| *answer = answer.split_off(prompt.len()));
                }
                (prompt, answers)
            }
            None if self.whole => (Vec::new(), answers),
            None => {
                let shared = shared_messages(&answers);
                if shared == 0 {
                    let text = format!(
                        "no field `{}`, and the answers have no common first messages; add the prompt",
                        self.prompt
                    );
                    return Err(Error::new(ErrorKind::MissingField, text));
                }
                let prompt = answers[0][..shared].to_vec();
                (prompt, answers.into_iter().map(|mut answer| answer.split_off(shared)).collect())
            }
        };
        let conversation = |messages: Vec<Node<'a>>| self.mapping.of_messages(messages, row);
        let both = |answer: Vec<Node<'a>>| conversation(prompt.iter().cloned().chain(answer).collect());
        let answers = answers.into_iter().map(both).collect::<Result<Vec<_>>>()?;
        for (name, answer) in self.columns.iter().zip(&answers) {
            let role = answer.role(answer.messages.len().saturating_sub(1));
            if Role::of(role) != Role::Assistant {
                let text = format!("the field `{name}` must end with an assistant message, found the role {role:?}");
                return Err(Error::new(ErrorKind::UnknownRole, text));
            }
        }
        let prompt = if self.whole { None } else { Some(conversation(prompt)?) };
        Ok(PromptAnswers::Chats { prompt, answers })
    }

    /// Whether a value is a plain text. A column of strings may hold messages as JSON, and an answer may be JSON too: a
    /// string is messages if it is a JSON list whose objects all have a role.
    fn is_text(&self, value: &Node<'_>) -> bool {
        let Node::Str(text) = value else { return false };
        if !text.trim_start().starts_with('[') {
            return true;
        }
        let role = self.mapping.property("role");
        match parse_json(text.as_bytes()) {
            Ok(Node::List(items)) => {
                let is_message = |item: &Node<'_>| matches!(item, Node::Map(fields) if field(fields, role).is_some());
                items.is_empty() || !items.iter().all(is_message)
            }
            _ => true,
        }
    }

    /// The messages of a field; a single message is a list of one.
    fn messages_of<'a>(&self, name: &str, value: Node<'a>) -> Result<Vec<Node<'a>>> {
        let given = if self.is_text(&value) {
            value
        } else {
            parse_if_json(&format!("the field `{name}` must be messages"), value)?
        };
        match given {
            Node::List(mut messages) if !messages.is_empty() => {
                // Arrow fills the fields that a message lacks with nulls; remove them.
                for message in &mut messages {
                    if let Node::Map(fields) = message {
                        fields.retain(|(_, value)| *value != Node::Null);
                    }
                }
                Ok(messages)
            }
            Node::List(_) => {
                let text = format!("the field `{name}` is an empty list; it must have messages");
                Err(Error::new(ErrorKind::EmptyField, text))
            }
            Node::Map(mut fields) => {
                fields.retain(|(_, value)| *value != Node::Null);
                Ok(vec![Node::Map(fields)])
            }
            other => Err(wrong_type(&format!("the field `{name}`"), "messages like the other fields", &other)),
        }
    }

    /// Rejects equal answers, because neither is preferred.
    fn check_differ<T: PartialEq>(&self, answers: &[T]) -> Result<()> {
        match answers {
            [left, right] if left == right => {
                let text =
                    format!("`{}` are equal, so neither is preferred; remove the row", self.columns.join("` and `"));
                Err(Error::new(ErrorKind::EqualAnswers, text))
            }
            _ => Ok(()),
        }
    }
}

fn empty_answer(name: &str) -> Error {
    Error::new(ErrorKind::EmptyField, format!("the field `{name}` is empty; it must have an answer"))
}

/// The length of the common beginning of all texts in bytes, counted as in TRL: a space before the first difference
/// belongs to the answers. If one text is a prefix of the other, the last character of the shorter text does too.
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

/// The number of messages at the start that all lists share. If one list is a prefix of the other, its last message
/// belongs to the answers.
fn shared_messages(answers: &[Vec<Node<'_>>]) -> usize {
    let (Some(left), Some(right)) = (answers.first(), answers.last()) else { return 0 };
    let alike = left.iter().zip(right).position(|(left, right)| left != right);
    alike.unwrap_or_else(|| left.len().min(right.len()).saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_beginning_is_the_prompt() {
        let texts = |left: &str, right: &str| shared_text(&[left.to_owned(), right.to_owned()]);
        assert_eq!(texts("The sky is blue.", "The sky is green."), "The sky is".len());
        assert_eq!(texts("aé1", "aé2"), "aé".len());
        assert_eq!(texts("ab", "abc"), 1);
        assert_eq!(texts("x", "y"), 0);
        assert_eq!(texts(" x", " y"), 0);
    }
}
