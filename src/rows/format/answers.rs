//! `AnswersSpec`: reads a prompt with one answer or two, from rows of preference or feedback data.

use super::built_answers::{AnswerTexts, PromptText};
use super::fields::{FieldValues, flag, missing_field};
use super::mapping::MessageMapping;
use crate::data::{Fields, field};
use crate::error::{Error, ErrorKind, Result};
use crate::names;
use crate::rows::AnswersRow;

/// The fields of a row that hold its prompt and its answers.
#[derive(Debug)]
pub struct AnswersSpec {
    /// The field of the prompt. Without it, or in a row that lacks it, the common beginning of the answers is the
    /// prompt.
    pub(super) prompt: Option<String>,
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
        let own = self.prompt.as_deref().into_iter();
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
            Some(value) => flag(value, name).map(Some),
            None => Err(missing_field(&format!("`{name}`"), name, row)),
        }
    }

    /// Rejects equal answers, because neither is preferred.
    pub(super) fn check_differ<T: PartialEq>(&self, answers: &[T]) -> Result<()> {
        match answers {
            [left, right] if left == right => {
                let columns = names::joined(&self.columns, " and ");
                let text = format!("{columns} are equal, so neither is preferred; remove the row");
                Err(Error::new(ErrorKind::EqualAnswers, text))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn empty_answer(name: &str) -> Error {
    Error::new(ErrorKind::EmptyField, format!("the field `{name}` is empty; it must have an answer"))
}
