//! `Rows`: the conversations of a batch, whichever way the batch holds them.

use std::borrow::Cow;

use arrow_array::RecordBatch;

use super::node::{Fields, Node};
use super::{Column, Conversation, MESSAGE_COLUMNS, name_list, wrong_type};
use crate::error::{Error, Kind, Result};

/// How a batch holds its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout<'c> {
    /// A column for messages, and others for tools, documents and chat_template_kwargs.
    Columns,
    /// One string or binary column of this name, each value a JSON object.
    Json(&'c str),
}

/// The conversations of one batch.
#[derive(Debug)]
pub struct Rows<'a> {
    len: usize,
    source: Source<'a>,
}

#[derive(Debug)]
enum Source<'a> {
    Columns {
        messages: Column<'a>,
        tools: Option<Column<'a>>,
        documents: Option<Column<'a>>,
        variables: Option<Column<'a>>,
    },
    Json(Column<'a>),
}

impl<'a> Rows<'a> {
    /// Finds the columns of `batch` that hold conversations.
    pub fn new(batch: &'a RecordBatch, layout: Layout<'_>) -> Result<Rows<'a>> {
        let column = |name: &str| batch.column_by_name(name).map(|array| Column::new(array, name)).transpose();
        let source = match layout {
            Layout::Json(name) => Source::Json(json_column(batch, name)?),
            Layout::Columns => {
                let name = MESSAGE_COLUMNS.iter().find(|name| batch.column_by_name(name).is_some());
                let messages = match name {
                    Some(name) => column(name)?,
                    None => None,
                };
                Source::Columns {
                    messages: messages.ok_or_else(|| missing(batch, &MESSAGE_COLUMNS.join(" or ")))?,
                    tools: column("tools")?,
                    documents: column("documents")?,
                    variables: column("chat_template_kwargs")?,
                }
            }
        };
        Ok(Rows { len: batch.num_rows(), source })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The conversation of `row`, and of a JSON row the fields that are not part of it.
    pub fn conversation(&self, row: usize) -> Result<(Conversation<'a>, Fields<'a>)> {
        match &self.source {
            Source::Columns { messages, tools, documents, variables } => {
                let at = |column: &Option<Column<'a>>| match column {
                    Some(column) => column.node(row),
                    None => Ok(None),
                };
                let Some(messages) = messages.node(row)? else {
                    return Err(Error::new(Kind::MissingMessages, "messages is null; leave such rows out"));
                };
                let conversation = Conversation::new(messages)?
                    .with_tools(at(tools)?)?
                    .with_documents(at(documents)?)?
                    .with_variables(at(variables)?)?;
                Ok((conversation, Vec::new()))
            }
            Source::Json(column) => {
                let mut fields = json_fields(column, row)?;
                let conversation = Conversation::from_row(&mut fields)?;
                Ok((conversation, fields))
            }
        }
    }
}

/// The rows of one batch as the fields that they have.
#[derive(Debug)]
pub struct RowFields<'a> {
    len: usize,
    source: FieldSource<'a>,
}

#[derive(Debug)]
enum FieldSource<'a> {
    Columns(Vec<(String, Column<'a>)>),
    Json(Column<'a>),
}

impl<'a> RowFields<'a> {
    /// Rows of `batch`. Where rows are columns, only those of these names are read, as far as there are any.
    pub fn new(batch: &'a RecordBatch, layout: Layout<'_>, columns: &[&str]) -> Result<RowFields<'a>> {
        let source = match layout {
            Layout::Json(name) => FieldSource::Json(json_column(batch, name)?),
            Layout::Columns => {
                let mut found: Vec<(String, Column<'a>)> = Vec::new();
                for name in columns {
                    if let Some(array) = batch.column_by_name(name)
                        && !found.iter().any(|(known, _)| known == name)
                    {
                        found.push(((*name).to_owned(), Column::new(array, name)?));
                    }
                }
                FieldSource::Columns(found)
            }
        };
        Ok(RowFields { len: batch.num_rows(), source })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The fields of `row`.
    pub fn fields(&self, row: usize) -> Result<Fields<'a>> {
        match &self.source {
            FieldSource::Columns(columns) => columns
                .iter()
                .map(|(name, column)| Ok((Cow::Owned(name.clone()), column.node(row)?.unwrap_or(Node::Null))))
                .collect(),
            FieldSource::Json(column) => json_fields(column, row),
        }
    }
}

fn missing(batch: &RecordBatch, wanted: &str) -> Error {
    let schema = batch.schema_ref();
    let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let text = format!("no column named {wanted}; the batch has {}", name_list(&known));
    Error::new(Kind::MissingMessages, text)
}

/// The column that holds rows as JSON.
fn json_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<Column<'a>> {
    let array = batch.column_by_name(name).ok_or_else(|| missing(batch, name))?;
    let column = Column::new(array, name)?;
    if !column.is_text() {
        let text = format!("column {name} must hold strings or bytes, each one JSON object");
        return Err(Error::new(Kind::Batch, text));
    }
    Ok(column)
}

/// The fields of a row that is JSON.
fn json_fields<'a>(column: &Column<'a>, row: usize) -> Result<Fields<'a>> {
    let Some(text) = column.bytes(row) else {
        return Err(Error::new(Kind::InvalidJson, "the row is null, not a JSON object"));
    };
    let parsed = Node::parse_json(text).map_err(|error| match error.kind {
        Kind::InvalidJson => {
            Error::new(error.kind, format!("{}; each row must be one complete JSON value on one line", error.text))
        }
        _ => error,
    });
    match parsed? {
        Node::Map(fields) => Ok(fields),
        other => Err(wrong_type("a row", "a JSON object", &other)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{ListBuilder, StringBuilder, StructBuilder};
    use arrow_array::{ArrayRef, BinaryArray, StringArray};
    use arrow_schema::{DataType, Field, Fields as ArrowFields};

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn nulls_that_align_structs_are_left_out() {
        let fields = ArrowFields::from(vec![
            Field::new("role", DataType::Utf8, true),
            Field::new("content", DataType::Utf8, true),
        ]);
        let mut builder = ListBuilder::new(StructBuilder::from_fields(fields, 2));
        for (role, content) in [("user", Some("hi")), ("assistant", None)] {
            let item = builder.values();
            item.field_builder::<StringBuilder>(0).unwrap().append_value(role);
            item.field_builder::<StringBuilder>(1).unwrap().append_option(content);
            item.append(true);
        }
        builder.append(true);
        let batch = batch(vec![("messages", Arc::new(builder.finish()))]);
        let (conversation, _) = Rows::new(&batch, Layout::Columns).unwrap().conversation(0).unwrap();
        assert_eq!(conversation.messages[0].len(), 2);
        assert_eq!(conversation.messages[1].len(), 1);
    }

    #[test]
    fn json_rows_keep_their_other_fields() {
        let rows = BinaryArray::from(vec![
            br#"{"id": 7, "messages": [{"role": "user", "content": "x"}], "tools": "[]", "chat_template_kwargs": {"a": 1}}"#.as_slice(),
            b"[1]",
            b"{\"a\"",
        ]);
        let batch = batch(vec![("json", Arc::new(rows))]);
        let rows = Rows::new(&batch, Layout::Json("json")).unwrap();
        let (conversation, rest) = rows.conversation(0).unwrap();
        assert_eq!(rest, vec![("id".into(), Node::Int(7))]);
        assert_eq!(conversation.tools, Some(Node::List(vec![])));
        assert_eq!(conversation.variables, vec![("a".into(), Node::Int(1))]);
        assert_eq!(rows.conversation(1).unwrap_err().kind, Kind::WrongType);
        assert_eq!(rows.conversation(2).unwrap_err().kind, Kind::InvalidJson);
    }

    #[test]
    fn a_missing_column_is_named_with_those_that_are_there() {
        let batch = batch(vec![("text", Arc::new(StringArray::from(vec!["x"])))]);
        let error = Rows::new(&batch, Layout::Columns).unwrap_err();
        assert_eq!(error.text, "no column named messages or conversations; the batch has text");
    }
}
