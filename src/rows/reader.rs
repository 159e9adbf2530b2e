//! `RowReader`: turns the rows of a batch into typed [`Row`]s, by a format or as plain messages.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::content::{ContentCheck, EmptyAnswers};
use super::conversation::{CONTEXT_FIELDS, MESSAGE_FIELDS, SYSTEM_FIELDS, parse_calls};
use super::{Conversation, Format, Row, RowKind};
use crate::data::{Fields, RowLayout, RowTable, missing_column};
use crate::error::Result;

/// Reads rows of one kind.
#[derive(Debug, Clone, Default)]
pub struct RowReader(Option<Arc<Format>>);

impl RowReader {
    /// A reader of rows of `format`. None reads messages or ShareGPT turns, with tools, documents and
    /// `chat_template_kwargs`.
    pub fn new(format: Option<Arc<Format>>) -> RowReader {
        RowReader(format)
    }

    /// The format of the rows; None for plain messages.
    pub fn format(&self) -> Option<&Arc<Format>> {
        self.0.as_ref()
    }

    /// The kind of rows.
    pub fn kind(&self) -> RowKind {
        self.0.as_ref().map_or(RowKind::Chat, |format| format.kind())
    }

    /// The rows of `batch` as fields.
    ///
    /// # Errors
    ///
    /// Fails if a required column is missing or has a type that cannot be read.
    pub fn table<'a>(&self, batch: &'a RecordBatch, layout: RowLayout<'_>) -> Result<RowTable<'a>> {
        let is_column = |name: &&str| batch.schema_ref().column_with_name(name).is_some();
        if let Some(format) = &self.0 {
            if layout == RowLayout::Columns {
                format.check_columns(batch)?;
            }
            return RowTable::new(batch, layout, &format.columns());
        }
        // A row may have the second column if its value in the first one is null.
        let messages: Vec<&str> = MESSAGE_FIELDS.into_iter().filter(is_column).collect();
        if messages.is_empty() && layout == RowLayout::Columns {
            return Err(missing_column(batch, "`messages` or `conversations`"));
        }
        // A column of another type is no system prompt, and may be one that cannot be read.
        let is_text = |name: &&str| batch.column_by_name(name).is_some_and(|column| column.data_type().is_string());
        let systems = SYSTEM_FIELDS.into_iter().filter(is_text);
        let wanted: Vec<&str> = messages.into_iter().chain(CONTEXT_FIELDS).chain(systems).collect();
        RowTable::new(batch, layout, &wanted)
    }

    /// Reads a row from its fields.
    ///
    /// # Errors
    ///
    /// Fails if the fields do not have the form that the format requires; the error names the field or the message.
    pub fn read<'a>(&'a self, fields: Fields<'a>) -> Result<Row<'a>> {
        match &self.0 {
            Some(format) => format.read(fields),
            None => Conversation::from_fields(fields).and_then(RowReader::chat),
        }
    }

    /// The row of a conversation without a format.
    ///
    /// # Errors
    ///
    /// Fails if a message has no content, if all answers are empty, or if calls are a text that is no JSON list.
    pub fn chat(mut conversation: Conversation<'_>) -> Result<Row<'_>> {
        for (index, message) in conversation.messages.iter_mut().enumerate() {
            parse_calls(message).map_err(|error| error.at_message(index))?;
        }
        let field = if conversation.is_sharegpt { "value" } else { "content" };
        ContentCheck { field, empty_answers: EmptyAnswers::AmongOthers }.check(conversation.messages.iter())?;
        Ok(Row::Chat(conversation))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{ListBuilder, StringBuilder, StructBuilder};
    use arrow_array::{ArrayRef, StringArray};
    use arrow_schema::{DataType, Field, Fields as ArrowFields};

    use super::*;
    use crate::error::ErrorKind;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn nulls_that_align_structs_are_left_out() {
        let fields = ArrowFields::from(vec![
            Field::new("role", DataType::Utf8, true),
            Field::new("content", DataType::Utf8, true),
            Field::new("name", DataType::Utf8, true),
        ]);
        let mut builder = ListBuilder::new(StructBuilder::from_fields(fields, 2));
        for (role, name) in [("user", Some("Ann")), ("assistant", None)] {
            let item = builder.values();
            item.field_builder::<StringBuilder>(0).unwrap().append_value(role);
            item.field_builder::<StringBuilder>(1).unwrap().append_value("hi");
            item.field_builder::<StringBuilder>(2).unwrap().append_option(name);
            item.append(true);
        }
        builder.append(true);
        let batch = batch(vec![("messages", Arc::new(builder.finish()))]);
        let reader = RowReader::default();
        let table = reader.table(&batch, RowLayout::Columns).unwrap();
        let Row::Chat(conversation) = reader.read(table.fields(0).unwrap()).unwrap() else { panic!("not a chat") };
        assert_eq!(conversation.messages[0].len(), 3);
        assert_eq!(conversation.messages[1].len(), 2);
    }

    #[test]
    fn a_batch_without_messages_is_refused_with_its_columns() {
        let batch = batch(vec![("text", Arc::new(StringArray::from(vec!["x"])))]);
        let error = RowReader::default().table(&batch, RowLayout::Columns).unwrap_err();
        assert_eq!(error.kind, ErrorKind::MissingMessages);
        assert_eq!(error.text, "the batch has no column `messages` or `conversations`; its columns are `text`");
    }
}
