//! Prompts and answers that fields of a row hold as they are, as texts or as messages.

use super::answers::{AnswersSpec, empty_answer};
use super::fields::missing_field;
use crate::data::{Fields, Node, field, parse_if_json, parse_json, remove_nulls, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::names;
use crate::rows::{PromptAnswers, Role};

impl AnswersSpec {
    /// The prompt and the answers that fields of a row hold as they are.
    pub(super) fn given<'a>(&self, row: &Fields<'a>) -> Result<PromptAnswers<'a>> {
        let required = |name: &String| match field(row, name) {
            None => Err(missing_field(&format!("`{name}`"), name, row)),
            Some(Node::Null) => {
                let text = format!("the field `{name}` is null; it must be a string or messages");
                Err(Error::new(ErrorKind::MissingField, text))
            }
            Some(value) => Ok((name.clone(), value.clone())),
        };
        let answers = self.columns.iter().map(required).collect::<Result<Vec<_>>>()?;
        let prompt = self.prompt.as_ref().and_then(|name| Some((name, field(row, name)?)));
        let null = prompt.filter(|(_, value)| **value == Node::Null).map(|(name, _)| name.as_str());
        let prompt = prompt.filter(|(_, value)| **value != Node::Null).map(|(name, value)| (name, value.clone()));
        let texts = answers.iter().all(|(_, value)| self.is_text(value));
        if texts && prompt.as_ref().is_none_or(|(_, prompt)| self.is_text(prompt)) {
            return self.texts(prompt, answers, null);
        }
        let mut lists = Vec::with_capacity(answers.len());
        for (name, value) in answers {
            lists.push(self.messages_of(&name, value)?);
        }
        let prompt = prompt.map(|(name, value)| self.messages_of(name, value)).transpose()?;
        self.chats(row, prompt, lists)
    }

    fn texts<'a>(
        &self,
        prompt: Option<(&String, Node<'a>)>,
        answers: Vec<(String, Node<'a>)>,
        null_prompt: Option<&str>,
    ) -> Result<PromptAnswers<'a>> {
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
        let prompt = match prompt.map(|(name, value)| (name, text(value))) {
            Some((name, prompt)) if prompt.trim().is_empty() && !self.whole => {
                let text = format!("the field `{name}` is empty; the prompt must have text");
                return Err(Error::new(ErrorKind::EmptyField, text));
            }
            Some((_, prompt)) => prompt,
            None if self.whole => String::new(),
            None => {
                let shared = shared_text(&texts);
                if let Some(name) = null_prompt.filter(|_| shared == 0) {
                    let text = format!(
                        "the field `{name}` is null, and the answers have no common start; add the prompt, or remove \
                         the row"
                    );
                    return Err(Error::new(ErrorKind::MissingField, text));
                }
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
                    let text = match &self.prompt {
                        Some(name) => {
                            format!("no field `{name}`, and the answers have no common first messages; add the prompt")
                        }
                        None => {
                            let columns = names::joined(&self.columns, " and ");
                            format!("{columns} have no common first messages; both must begin with the same prompt")
                        }
                    };
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
                        remove_nulls(fields);
                    }
                }
                Ok(messages)
            }
            Node::List(_) => {
                let text = format!("the field `{name}` is an empty list; it must have messages");
                Err(Error::new(ErrorKind::EmptyField, text))
            }
            Node::Map(mut fields) => {
                remove_nulls(&mut fields);
                Ok(vec![Node::Map(fields)])
            }
            other => Err(unexpected(&format!("the field `{name}`"), "messages like the other fields", &other)),
        }
    }
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
