//! The values of a row, borrowed from Arrow buffers, JSON text or Python strings.

mod column;
mod json;
mod table;

pub use chatjinja::{Fields, Node, field};
pub use column::Column;
pub(crate) use json::parse_if_json;
pub use json::parse_json;
pub(crate) use table::missing_column;
pub use table::{RowLayout, RowTable};

use crate::error::{Error, ErrorKind};

/// Removes `key` from `fields` and returns its value. The other fields keep their order.
pub(crate) fn take_field<'a>(fields: &mut Fields<'a>, key: &str) -> Option<Node<'a>> {
    let index = fields.iter().position(|(name, _)| name == key)?;
    Some(fields.remove(index).1)
}

/// The error for a value of the wrong type: `what` names the value, `expected` the type that it must have.
pub(crate) fn wrong_type(what: &str, expected: &str, found: &Node<'_>) -> Error {
    Error::new(ErrorKind::WrongType, format!("{what} must be {expected}, found {}", found.type_name()))
}

/// The names of fields or columns, in backticks, as a list for an error message.
pub(crate) fn name_list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() { "nothing".into() } else { format!("`{}`", names.join("`, `")) }
}

/// The names of `fields` as a list for an error message.
pub(crate) fn names_of(fields: &Fields<'_>) -> String {
    name_list(fields.iter().map(|(name, _)| name.as_ref()))
}
