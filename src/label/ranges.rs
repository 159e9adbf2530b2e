//! Ranges of the characters of a content, in the form of axolotl: `begin_offset` is the first character of a range and
//! `end_offset` the last, not the one after it.

use crate::data::{Fields, Node, field};
use crate::error::{Error, Result};

/// Reads the ranges in the field `name` of a message. `read` gets the fields of a range, its first and its last
/// character; it returns None for an invalid range.
pub(crate) fn read_ranges<'n, 'a, T>(
    name: &str,
    ranges: &'n Node<'a>,
    read: impl Fn(&'n Fields<'a>, usize, usize) -> Result<Option<T>>,
) -> Result<Vec<T>> {
    let Node::List(items) = ranges else {
        let text = format!("`{name}` is {}; use a list of ranges of characters", ranges.type_name());
        return Err(Error::wrong_type(text));
    };
    let read = |item| {
        let found = match range(item) {
            Some((fields, first, last)) => read(fields, first, last)?,
            None => None,
        };
        found.ok_or_else(|| {
            Error::wrong_type(format!(
                "`{name}` has the invalid range {}; use {{\"begin_offset\": first character, \"end_offset\": last \
                 character, \"train\": true or false}}",
                item.to_json()
            ))
        })
    };
    items.iter().map(read).collect()
}

/// The fields of a range, its first and its last character.
fn range<'n, 'a>(item: &'n Node<'a>) -> Option<(&'n Fields<'a>, usize, usize)> {
    let Node::Map(fields) = item else { return None };
    let number = |name: &str| match field(fields, name) {
        Some(Node::Int(number)) => usize::try_from(*number).ok(),
        _ => None,
    };
    Some((fields, number("begin_offset")?, number("end_offset")?))
}
