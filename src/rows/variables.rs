//! `TemplateVariables`: the variables that a row or an option gives to a chat template.

use std::borrow::Cow;

use crate::data::{Fields, Node, field, parse_if_json, unexpected};
use crate::error::Result;

/// The field of a row that holds them.
pub(super) const VARIABLES: &str = "chat_template_kwargs";

/// Variables for a chat template, such as `enable_thinking`: the `chat_template_kwargs` of a row or of all rows.
///
/// Fields of a [`Format`](super::Format) are [`FieldValues`](super::FieldValues), a different type, so that a field
/// never becomes a variable of a chat template.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TemplateVariables<'a>(Fields<'a>);

impl<'a> TemplateVariables<'a> {
    /// Variables by name; the names are unique.
    pub fn new(variables: Fields<'a>) -> Self {
        TemplateVariables(variables)
    }

    /// Reads the value of a field `chat_template_kwargs`: an object, or a string that holds one as JSON. Null gives
    /// none.
    pub fn read(value: Option<Node<'a>>) -> Result<Self> {
        let value = value.map(|value| parse_if_json("`chat_template_kwargs` must be an object", value)).transpose()?;
        match value {
            None | Some(Node::Null) => Ok(TemplateVariables::default()),
            Some(Node::Map(variables)) => Ok(TemplateVariables(variables)),
            Some(other) => Err(unexpected("`chat_template_kwargs`", "an object", &other)),
        }
    }

    /// Reads the field `chat_template_kwargs` of a row.
    pub(super) fn of_row(row: &Fields<'a>) -> Result<Self> {
        Self::read(field(row, VARIABLES).cloned())
    }

    /// The value of the variable `name`.
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        field(&self.0, name)
    }

    /// Whether there are no variables.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// A copy of the variables that owns its strings.
    pub fn to_owned(&self) -> TemplateVariables<'static> {
        let own = |(name, value): &(Cow<'a, str>, Node<'a>)| {
            (Cow::Owned(name.clone().into_owned()), value.clone().into_owned())
        };
        TemplateVariables(self.0.iter().map(own).collect())
    }

    /// Names and values as fields.
    pub fn into_fields(self) -> Fields<'a> {
        self.0
    }
}
