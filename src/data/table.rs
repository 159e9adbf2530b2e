//! `RowTable`: the rows of a batch as fields, read from one column per field or from one column of JSON objects.

use std::borrow::Cow;

use arrow_array::RecordBatch;

use super::{Column, Fields, Node, parse_json, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::names;

/// How a batch holds its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowLayout<'c> {
    /// One column for each field.
    Columns,
    /// One string or binary column of this name; each value is a JSON object.
    Json(&'c str),
}

/// The rows of one batch.
#[derive(Debug)]
pub struct RowTable<'a> {
    len: usize,
    source: RowSource<'a>,
}

#[derive(Debug)]
enum RowSource<'a> {
    Columns(Vec<(&'a str, Column<'a>)>),
    Json(Column<'a>),
}

impl<'a> RowTable<'a> {
    /// The rows of `batch`. With the layout `Columns` only the `wanted` columns are read; missing ones are skipped.
    pub fn new(batch: &'a RecordBatch, layout: RowLayout<'_>, wanted: &[&str]) -> Result<RowTable<'a>> {
        let source = match layout {
            RowLayout::Json(name) => RowSource::Json(json_column(batch, name)?),
            RowLayout::Columns => {
                let mut columns: Vec<(&'a str, Column<'a>)> = Vec::new();
                for name in wanted {
                    if let Some((index, field)) = batch.schema_ref().column_with_name(name)
                        && !columns.iter().any(|(known, _)| known == name)
                    {
                        columns.push((field.name(), Column::new(batch.column(index), name)?));
                    }
                }
                RowSource::Columns(columns)
            }
        };
        Ok(RowTable { len: batch.num_rows(), source })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The fields of `row`. A column that is null in this row gives the field the value null.
    pub fn fields(&self, row: usize) -> Result<Fields<'a>> {
        match &self.source {
            RowSource::Columns(columns) => columns
                .iter()
                .map(|(name, column)| Ok((Cow::Borrowed(*name), column.node(row)?.unwrap_or(Node::Null))))
                .collect(),
            RowSource::Json(column) => json_fields(column, row),
        }
    }
}

/// The names of the columns of `batch` as a list for an error message.
pub(crate) fn columns_of(batch: &RecordBatch) -> String {
    names::list(batch.schema_ref().fields().iter().map(|field| field.name()))
}

/// The error for a batch without a column `wanted`, which is one name or several, in backticks.
pub(crate) fn missing_column(batch: &RecordBatch, wanted: &str) -> Error {
    let text = format!("the batch has no column {wanted}; its columns are {}", columns_of(batch));
    Error::new(ErrorKind::MissingMessages, text)
}

fn json_column<'a>(batch: &'a RecordBatch, name: &str) -> Result<Column<'a>> {
    let array = batch.column_by_name(name).ok_or_else(|| missing_column(batch, &format!("`{name}`")))?;
    let column = Column::new(array, name)?;
    if !column.is_text() {
        let text = format!(
            "the column `{name}` is not a column of strings or bytes with one JSON object each; name another \
             column in `json_column`, or remove `json_column`"
        );
        return Err(Error::new(ErrorKind::Batch, text));
    }
    Ok(column)
}

fn json_fields<'a>(column: &Column<'a>, row: usize) -> Result<Fields<'a>> {
    let Some(text) = column.bytes(row) else {
        return Err(Error::new(ErrorKind::InvalidJson, "the row is null; it must be a JSON object"));
    };
    let parsed = parse_json(text).map_err(|error| match error.kind {
        ErrorKind::InvalidJson => {
            let text = format!("the row is {}; write one complete JSON object on each line", error.text);
            Error::new(error.kind, text)
        }
        _ => Error::new(error.kind, format!("the row is {}", error.text)),
    });
    match parsed? {
        Node::Map(fields) => Ok(fields),
        other => Err(unexpected("the row", "a JSON object", &other)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BinaryArray, Int64Array, StringArray};

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn only_wanted_columns_are_read() {
        let batch = batch(vec![
            ("a", Arc::new(Int64Array::from(vec![Some(1), None]))),
            ("b", Arc::new(StringArray::from(vec!["x", "y"]))),
        ]);
        let rows = RowTable::new(&batch, RowLayout::Columns, &["a", "a", "c"]).unwrap();
        assert_eq!(rows.fields(0).unwrap(), vec![("a".into(), Node::Int(1))]);
        assert_eq!(rows.fields(1).unwrap(), vec![("a".into(), Node::Null)]);
    }

    #[test]
    fn json_rows_must_be_objects() {
        let rows = BinaryArray::from(vec![b"{\"a\": 1}".as_slice(), b"[1]", b"{\"a\""]);
        let batch = batch(vec![("json", Arc::new(rows))]);
        let rows = RowTable::new(&batch, RowLayout::Json("json"), &[]).unwrap();
        assert_eq!(rows.fields(0).unwrap(), vec![("a".into(), Node::Int(1))]);
        assert_eq!(rows.fields(1).unwrap_err().kind, ErrorKind::WrongType);
        assert_eq!(rows.fields(2).unwrap_err().kind, ErrorKind::InvalidJson);
    }

    #[test]
    fn a_missing_column_is_named_with_the_columns_of_the_batch() {
        let batch = batch(vec![("text", Arc::new(StringArray::from(vec!["x"])))]);
        let error = RowTable::new(&batch, RowLayout::Json("row"), &[]).unwrap_err();
        assert_eq!(error.text, "the batch has no column `row`; its columns are `text`");
        let error = RowTable::new(&batch, RowLayout::Json("text"), &[]).unwrap();
        assert_eq!(error.len(), 1);
    }
}
