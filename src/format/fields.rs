//! `FieldRule`: what a field of a row must hold.

use std::borrow::Cow;

use crate::conversation::{Fields, Node, field, parse_if_text};
use crate::error::{Error, Kind, Result};

/// A field of a row: what it is called, and what it must hold.
#[derive(Debug)]
pub(super) struct FieldRule {
    /// The variable that holds it in texts.
    pub(super) name: String,
    /// What it is called in the row.
    pub(super) column: String,
    /// What else it may be called; the first name that the row has counts.
    pub(super) others: Vec<String>,
    pub(super) holds: Holds,
    /// Whether it may be missing or null.
    pub(super) optional: bool,
    /// Whether a text may be blank.
    pub(super) may_be_empty: bool,
}

/// What a value must be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Holds {
    Text,
    Bool,
    Number,
    Anything,
    List(Box<Holds>),
    Object(Vec<(String, Holds)>),
}

impl Holds {
    fn name(&self) -> String {
        match self {
            Holds::Text => "a text".to_owned(),
            Holds::Bool => "true or false".to_owned(),
            Holds::Number => "a number".to_owned(),
            Holds::Anything => "given".to_owned(),
            Holds::List(of) => match **of {
                Holds::Text => "a list of texts".to_owned(),
                _ => "a list".to_owned(),
            },
            Holds::Object(fields) => {
                let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
                format!("an object with {}", names.join(" and "))
            }
        }
    }

    /// What stands for a value that is not there.
    fn nothing(&self) -> Node<'static> {
        match self {
            Holds::Text => Node::Str(Cow::Borrowed("")),
            Holds::List(_) => Node::List(Vec::new()),
            Holds::Bool | Holds::Number | Holds::Anything | Holds::Object(_) => Node::Null,
        }
    }

    fn check(&self, value: &Node<'_>, place: &str) -> Result<()> {
        match (self, value) {
            (Holds::Text, Node::Str(_))
            | (Holds::Bool, Node::Bool(_))
            | (Holds::Number, Node::Int(_) | Node::BigInt(_) | Node::Float(_))
            | (Holds::Anything, _) => Ok(()),
            (Holds::List(of), Node::List(items)) => {
                items.iter().enumerate().try_for_each(|(index, item)| of.check(item, &format!("{place}[{index}]")))
            }
            (Holds::Object(wanted), Node::Map(fields)) => wanted.iter().try_for_each(|(name, holds)| {
                let Some(value) = field(fields, name) else {
                    let text = format!(
                        "the field {place} has no {name}, which must be {}; it has {}",
                        holds.name(),
                        names_of(fields)
                    );
                    return Err(Error::new(Kind::MissingField, text));
                };
                holds.check(value, &format!("{place}.{name}"))
            }),
            (holds, found) => {
                let text = format!("the field {place} must be {}, found {}", holds.name(), found.type_name());
                Err(Error::new(Kind::WrongType, text))
            }
        }
    }
}

impl FieldRule {
    /// All names that it may have.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        [self.column.as_str()].into_iter().chain(self.others.iter().map(String::as_str))
    }

    /// Its names, for a person to read.
    pub(super) fn named(&self) -> String {
        self.columns().collect::<Vec<_>>().join(" or ")
    }

    /// The value that the row has for this field.
    pub(super) fn value<'a>(&self, row: &Fields<'a>) -> Result<Node<'a>> {
        // Rows that are columns have all that one of them has, with nulls.
        let filled = self.columns().find(|name| match field(row, name) {
            None | Some(Node::Null) => false,
            Some(Node::Str(text)) => !text.trim().is_empty(),
            Some(_) => true,
        });
        let column = filled.or_else(|| self.columns().find(|name| field(row, name).is_some())).unwrap_or(&self.column);
        let value = match field(row, column) {
            None | Some(Node::Null) if self.optional => return Ok(self.holds.nothing()),
            None => return Err(missing(&self.named(), row)),
            Some(Node::Null) => {
                let text = format!("the field {column} is null: it must be {}", self.holds.name());
                return Err(Error::new(Kind::MissingField, text));
            }
            Some(value) => value.clone(),
        };
        let value = match self.holds {
            // Columns without structure hold lists and objects as JSON text.
            Holds::List(_) | Holds::Object(_) => {
                parse_if_text(&format!("the field {column} must be {}", self.holds.name()), value)?
            }
            _ => value,
        };
        self.holds.check(&value, column)?;
        if let (false, Node::Str(text)) = (self.may_be_empty || self.optional, &value)
            && text.trim().is_empty()
        {
            let text = format!("the field {column} is empty: it must be a text with words");
            return Err(Error::new(Kind::EmptyField, text));
        }
        Ok(value)
    }
}

/// The error of a row without a field that it must have.
pub(super) fn missing(column: &str, row: &Fields<'_>) -> Error {
    let names: Vec<&str> = row.iter().map(|(name, _)| name.as_ref()).collect();
    let meant = nearest(column, &names).map(|name| format!("; is {name} meant?")).unwrap_or_default();
    Error::new(Kind::MissingField, format!("no field {column}: the row has {}{meant}", names_of(row)))
}

/// The names of fields, for a person to read.
pub(super) fn names_of(row: &Fields<'_>) -> String {
    let names: Vec<&str> = row.iter().map(|(name, _)| name.as_ref()).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// The name that is likely meant: one that differs in a letter or two, or in upper and lower case.
pub(super) fn nearest<'n>(wanted: &str, names: &[&'n str]) -> Option<&'n str> {
    let wanted = wanted.to_lowercase();
    let near = names.iter().map(|name| (distance(&wanted, &name.to_lowercase()), *name));
    near.filter(|(distance, _)| *distance <= 2 && *distance < wanted.len()).min().map(|(_, name)| name)
}

/// How many characters must be put in, left out or changed, or swapped with their neighbours.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, l) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, r) in right.iter().enumerate() {
            let mut least = (last[column] + usize::from(l != r)).min(last[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && *l == right[column - 1] && left[row - 1] == *r {
                least = least.min(before[column - 1] + 1);
            }
            line.push(least);
        }
        before = std::mem::replace(&mut last, line);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_nearly_the_same_is_meant() {
        for (wanted, names, meant) in [
            ("output", &["ouput", "input"][..], Some("ouput")),
            ("output", &["otuput"], Some("otuput")),
            ("output", &["Output"], Some("Output")),
            ("output", &["response"], None),
            ("id", &["a"], None),
        ] {
            assert_eq!(nearest(wanted, names), meant, "{wanted}");
        }
    }
}
