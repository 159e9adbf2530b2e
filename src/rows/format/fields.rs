//! `FieldRule`: the names and the type of a field, and `FieldValues`: the checked values of a row.

use std::borrow::Cow;

use crate::data::{Fields, Node, field, names_of, parse_if_json, take_field, unexpected, unexpected_number};
use crate::error::{Error, ErrorKind, Result};
use crate::names::{self, did_you_mean};

/// A field of a row: its names and the type of its value.
#[derive(Debug)]
pub(super) struct FieldRule {
    /// The variable that holds the value in texts of the format.
    pub(super) name: String,
    /// The name of the field in the row.
    pub(super) column: String,
    /// Other names that the field may have in the row. The first name with a value counts.
    pub(super) others: Vec<String>,
    pub(super) value_type: ValueType,
    /// Whether the field may be missing or null.
    pub(super) optional: bool,
    /// Whether a string may be blank.
    pub(super) may_be_empty: bool,
}

/// The type that a value must have.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ValueType {
    Text,
    Bool,
    Number,
    Any,
    List(Box<ValueType>),
    Object(Vec<(String, ValueType)>),
}

/// The checked values of a row's fields, by the variable names of the format.
///
/// Only the format's own texts read them. They never become variables of a chat template:
/// [`TemplateVariables`](crate::rows::TemplateVariables) is a different type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldValues<'a>(Fields<'a>);

impl<'a> FieldValues<'a> {
    /// The value of the field `name`.
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        field(&self.0, name)
    }

    /// Removes the value of the field `name` and returns it.
    pub(super) fn take(&mut self, name: &str) -> Option<Node<'a>> {
        take_field(&mut self.0, name)
    }

    /// The values by name.
    pub fn into_fields(self) -> Fields<'a> {
        self.0
    }
}

impl ValueType {
    /// The name of the type in error messages.
    fn describe(&self) -> String {
        match self {
            ValueType::Text => "a string".to_owned(),
            ValueType::Bool => "true or false".to_owned(),
            ValueType::Number => "a number".to_owned(),
            ValueType::Any => "a value".to_owned(),
            ValueType::List(of) => match **of {
                ValueType::Text => "a list of strings".to_owned(),
                ValueType::Number => "a list of numbers".to_owned(),
                _ => "a list".to_owned(),
            },
            ValueType::Object(fields) => {
                format!("an object with {}", names::joined(fields.iter().map(|(name, _)| name), " and "))
            }
        }
    }

    /// The default value of an optional field.
    fn missing(&self) -> Node<'static> {
        match self {
            ValueType::Text => Node::Str(Cow::Borrowed("")),
            ValueType::List(_) => Node::List(Vec::new()),
            ValueType::Bool | ValueType::Number | ValueType::Any | ValueType::Object(_) => Node::Null,
        }
    }

    fn check(&self, value: &Node<'_>, place: &str) -> Result<()> {
        match (self, value) {
            (ValueType::Text, Node::Str(_))
            | (ValueType::Bool, Node::Bool(_))
            | (ValueType::Number, Node::Int(_) | Node::BigInt(_) | Node::Float(_))
            | (ValueType::Any, _) => Ok(()),
            (ValueType::List(of), Node::List(items)) => {
                items.iter().enumerate().try_for_each(|(index, item)| of.check(item, &format!("{place}[{index}]")))
            }
            (ValueType::Object(wanted), Node::Map(fields)) => wanted.iter().try_for_each(|(name, value_type)| {
                let Some(value) = field(fields, name) else {
                    let text = format!(
                        "the field `{place}` has no `{name}`, which must be {}; it has {}",
                        value_type.describe(),
                        names_of(fields)
                    );
                    return Err(Error::new(ErrorKind::MissingField, text));
                };
                value_type.check(value, &format!("{place}.{name}"))
            }),
            (value_type, found) => Err(unexpected(&format!("the field `{place}`"), &value_type.describe(), found)),
        }
    }
}

impl FieldRule {
    /// All names that the field may have in a row.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        [self.column.as_str()].into_iter().chain(self.others.iter().map(String::as_str))
    }

    /// Its names for an error message.
    pub(super) fn describe(&self) -> String {
        names::joined(self.columns(), " or ")
    }

    /// The value of this field in `row`, checked.
    pub(super) fn value<'a>(&self, row: &Fields<'a>) -> Result<Node<'a>> {
        // Rows read from columns have every field, so a missing one is null.
        let filled = self.columns().find(|name| match field(row, name) {
            None | Some(Node::Null) => false,
            Some(Node::Str(text)) => !text.trim().is_empty(),
            Some(_) => true,
        });
        let column = filled.or_else(|| self.columns().find(|name| field(row, name).is_some())).unwrap_or(&self.column);
        let value = match field(row, column) {
            None | Some(Node::Null) if self.optional => return Ok(self.value_type.missing()),
            None => return Err(missing_field(&self.describe(), column, row)),
            Some(Node::Null) => {
                let text = format!("the field `{column}` is null; it must be {}", self.value_type.describe());
                return Err(Error::new(ErrorKind::MissingField, text));
            }
            Some(value) => value.clone(),
        };
        let value = match self.value_type {
            // In a column of strings, lists and objects are JSON text.
            ValueType::List(_) | ValueType::Object(_) => {
                parse_if_json(&format!("the field `{column}` must be {}", self.value_type.describe()), value)?
            }
            _ => value,
        };
        self.value_type.check(&value, column)?;
        if let (false, Node::Str(text)) = (self.may_be_empty || self.optional, &value)
            && text.trim().is_empty()
        {
            let text = format!(
                "the field `{column}` is empty; add text, remove the row, or list the field in the format's \
                 `allow_empty`"
            );
            return Err(Error::new(ErrorKind::EmptyField, text));
        }
        Ok(value)
    }

    /// The values of all `rules` in `row`.
    pub(super) fn values<'a>(rules: &'a [FieldRule], row: &Fields<'a>) -> Result<FieldValues<'a>> {
        let values = rules.iter().map(|rule| Ok((Cow::Borrowed(rule.name.as_str()), rule.value(row)?)));
        Ok(FieldValues(values.collect::<Result<_>>()?))
    }
}

/// A value that is true, false, 1 or 0.
pub(super) fn flag(value: &Node<'_>, place: &str) -> Result<bool> {
    match value {
        Node::Bool(value) => Ok(*value),
        Node::Int(value @ 0..=1) => Ok(*value == 1),
        other => Err(unexpected_number(&format!("the field `{place}`"), "true, false, 1 or 0", other)),
    }
}

/// The error for a row without a required field. `described` lists its names; the error suggests the field of the row
/// whose name is nearest to `column`.
pub(super) fn missing_field(described: &str, column: &str, row: &Fields<'_>) -> Error {
    let hint = did_you_mean(column, row.iter().map(|(name, _)| name.as_ref()));
    Error::new(ErrorKind::MissingField, format!("no field {described}; the row has {}{hint}", names_of(row)))
}
