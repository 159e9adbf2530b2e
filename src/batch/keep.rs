//! `Keep`: the kept columns of a batch, as the rows need them.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;

use crate::data::{Fields, Node, field, rows_not_utf8};
use crate::error::{Error, ErrorKind, Result};

/// The kept columns of a batch.
#[derive(Debug, Default)]
pub(super) struct Keep<'b> {
    /// Columns to keep as text, for JSON rows.
    pub(super) texts: &'b [String],
    /// For columns of Arrow, which are passed on as they are: the rows that must fail, each with the column.
    pub(super) faults: BTreeMap<usize, &'b str>,
}

impl Keep<'_> {
    /// The kept texts of a row.
    pub(super) fn texts_of(&self, row: usize, fields: &Fields<'_>) -> Result<Vec<Option<String>>> {
        if let Some(name) = self.faults.get(&row) {
            let text = format!("the kept column `{name}` has a string that is not UTF-8; convert the file to UTF-8");
            return Err(Error::new(ErrorKind::InvalidUtf8, text));
        }
        Ok(self.texts.iter().map(|name| kept_text(fields, name)).collect())
    }
}

/// The rows of `batch` whose kept columns hold strings that are not UTF-8. Readers of the output refuse such strings.
pub(super) fn kept_faults<'b>(batch: &RecordBatch, names: &'b [String]) -> BTreeMap<usize, &'b str> {
    let columns = names.iter().filter_map(|name| Some((name, batch.column_by_name(name)?)));
    columns.flat_map(|(name, column)| rows_not_utf8(column).into_iter().map(|row| (row, name.as_str()))).collect()
}

/// A kept field of a JSON row: a string as it is, any other value as JSON text, so that the column has one type.
fn kept_text(fields: &Fields<'_>, name: &str) -> Option<String> {
    match field(fields, name)? {
        Node::Null => None,
        Node::Str(text) => Some(text.clone().into_owned()),
        other => Some(other.to_json()),
    }
}
