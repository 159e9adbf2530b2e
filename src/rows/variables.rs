//! `TemplateVariables`: the variables that a row or an option gives to a chat template.

use std::borrow::Cow;

use crate::data::{Fields, Node, field, parse_if_json, unexpected};
use crate::error::{Error, ErrorKind, Result};

/// The field of a row that holds them.
pub(super) const VARIABLES: &str = "chat_template_kwargs";

/// Variables for a chat template, such as `enable_thinking`: the `chat_template_kwargs` of a row or of all rows.
///
/// Fields of a [`Format`](super::Format) are [`FieldValues`](super::FieldValues), a different type, so that a field
/// never becomes a variable of a chat template.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TemplateVariables<'a>(Fields<'a>);

/// What a conversation or a request gives to every template, so a variable of this name would be lost.
const GIVEN: [&str; 5] = ["messages", "tools", "documents", "add_generation_prompt", "continue_final_message"];

impl<'a> TemplateVariables<'a> {
    /// Variables by name; the names are unique.
    ///
    /// # Errors
    ///
    /// Fails if a name is that of something else that templates read, such as `tools`.
    pub fn new(variables: Fields<'a>) -> Result<Self> {
        match variables.iter().find(|(name, _)| GIVEN.contains(&name.as_ref())) {
            None => Ok(TemplateVariables(variables)),
            Some((name, _)) => {
                let text = format!(
                    "`chat_template_kwargs` has `{name}`, which is not a variable of the template; {}",
                    if name.ends_with('s') { "give it beside the messages" } else { "remove it" }
                );
                Err(Error::new(ErrorKind::WrongType, text))
            }
        }
    }

    /// The fields of a row, for the text of a format itself.
    pub(crate) fn of_fields(fields: Fields<'a>) -> Self {
        TemplateVariables(fields)
    }

    /// Reads the value of a field `chat_template_kwargs`: an object, or a string that holds one as JSON. Null gives
    /// none.
    pub fn read(value: Option<Node<'a>>) -> Result<Self> {
        let value = value.map(|value| parse_if_json("`chat_template_kwargs` must be an object", value)).transpose()?;
        match value {
            None | Some(Node::Null) => Ok(TemplateVariables::default()),
            Some(Node::Map(variables)) => TemplateVariables::new(variables),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_inputs_are_refused() {
        let read = |json: &'static str| TemplateVariables::read(Some(Node::Str(json.into())));
        assert!(read(r#"{"enable_thinking": false, "strftime_now": 1}"#).is_ok());
        for name in GIVEN {
            let variables = vec![(Cow::Borrowed(name), Node::Null)];
            let error = TemplateVariables::new(variables).unwrap_err();
            let expected = format!("`chat_template_kwargs` has `{name}`, which is not a variable of the template");
            assert!(error.text.starts_with(&expected), "{error}");
        }
        assert!(read(r#"{"documents": []}"#).unwrap_err().text.ends_with("give it beside the messages"));
    }
}
