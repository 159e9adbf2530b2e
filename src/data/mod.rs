//! The values of a row, borrowed from Arrow buffers, JSON text or Python strings.

mod check;
mod column;
mod digest;
mod json;
mod lines;
mod table;
mod utf8;

pub use chatjinja::{Fields, Node, field};
pub use check::check_batch;
pub use column::Column;
pub use digest::digest_of_lines;
pub(crate) use json::parse_if_json;
pub use json::parse_json;
pub use lines::{CutLines, LineCutter, LongLine};
pub use table::{RowLayout, RowTable};
pub(crate) use table::{columns_of, missing_column};
pub(crate) use utf8::rows_not_utf8;

use crate::error::Error;
use crate::names;

/// Removes `key` from `fields` and returns its value. The other fields keep their order.
pub(crate) fn take_field<'a>(fields: &mut Fields<'a>, key: &str) -> Option<Node<'a>> {
    let index = fields.iter().position(|(name, _)| name == key)?;
    Some(fields.remove(index).1)
}

/// Removes the fields that are null.
pub(crate) fn remove_nulls(fields: &mut Fields<'_>) {
    fields.retain(|(_, value)| *value != Node::Null);
}

/// The error for a value of the wrong type: `what` names the value, `expected` the type that it must have.
pub(crate) fn unexpected(what: &str, expected: &str, found: &Node<'_>) -> Error {
    Error::wrong_type(format!("{what} must be {expected}, found {}", found.type_name()))
}

/// As [`unexpected`], for a value that may be an integer out of range: the error shows the integer.
pub(crate) fn unexpected_number(what: &str, expected: &str, found: &Node<'_>) -> Error {
    match found {
        Node::Int(value) => Error::wrong_type(format!("{what} must be {expected}, found {value}")),
        other => unexpected(what, expected, other),
    }
}

/// The names of `fields` as a list for an error message.
pub(crate) fn names_of(fields: &Fields<'_>) -> String {
    names::list(fields.iter().map(|(name, _)| name))
}
