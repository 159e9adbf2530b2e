//! `FormattedRows`: the conversations of a batch, by a format or in the layout that needs none.

use arrow_array::RecordBatch;

use super::fields::FieldRule;
use super::said::{EmptyAnswers, Said};
use super::{Format, Messages};
use crate::conversation::{Conversation, Fields, Layout, RowFields, Rows};
use crate::error::{Error, Kind, Result};

/// The conversations of one batch.
#[derive(Debug)]
pub enum FormattedRows<'a, 'f> {
    /// Rows of messages, tools, documents.
    Plain(Rows<'a>),
    /// Rows of a format.
    Of(RowFields<'a>, &'f Format),
}

impl<'a, 'f> FormattedRows<'a, 'f> {
    /// Finds the columns of `batch` that hold what the format reads.
    pub fn new(batch: &'a RecordBatch, layout: Layout<'_>, format: Option<&'f Format>) -> Result<Self> {
        let Some(format) = format else { return Rows::new(batch, layout).map(FormattedRows::Plain) };
        if layout == Layout::Columns {
            format.check_columns(batch)?;
        }
        let columns: Vec<&str> = format.columns().collect();
        Ok(FormattedRows::Of(RowFields::new(batch, layout, &columns)?, format))
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            FormattedRows::Plain(rows) => rows.len(),
            FormattedRows::Of(rows, _) => rows.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The conversation of `row`, and of a JSON row fields that it has beside.
    pub fn conversation(&self, row: usize) -> Result<(Conversation<'a>, Fields<'a>)> {
        match self {
            FormattedRows::Plain(rows) => {
                let (conversation, rest) = rows.conversation(row)?;
                let content = if conversation.is_sharegpt { "value" } else { "content" };
                let said = Said { content, empty_answers: EmptyAnswers::AmongOthers };
                said.check(conversation.messages.iter())?;
                Ok((conversation, rest))
            }
            FormattedRows::Of(rows, format) => {
                let fields = rows.fields(row)?;
                Ok((format.conversation(&fields)?, fields))
            }
        }
    }
}

impl Format {
    /// Whether a batch of columns has those that every row needs.
    fn check_columns(&self, batch: &RecordBatch) -> Result<()> {
        let has = |name: &str| batch.column_by_name(name).is_some();
        let lacks = |rule: &&FieldRule| !rule.optional && !rule.columns().any(has);
        let wanted = self.fields.iter().filter(lacks).map(FieldRule::named);
        let missing = match &self.messages {
            Messages::Field(mapping) if !mapping.fields.iter().any(|name| has(name)) => Some(mapping.named()),
            Messages::Answers(answers) => answers
                .needed()
                .filter(|name| !has(name))
                .map(str::to_owned)
                .chain(wanted)
                .reduce(|all, name| format!("{all}, {name}")),
            _ => wanted.reduce(|all, name| format!("{all}, {name}")),
        };
        let Some(missing) = missing else { return Ok(()) };
        let schema = batch.schema_ref();
        let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let text = format!("no column {missing}, which the format {} needs; there are {}", self.name, known.join(", "));
        Err(Error::new(Kind::Batch, text))
    }
}
