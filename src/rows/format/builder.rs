//! `MessageBuilder`: builds the messages of a row from its fields.

use std::borrow::Cow;

use super::fields::FieldValues;
use super::text::FormatText;
use crate::data::{Node, parse_if_json, unexpected};
use crate::error::Result;

/// How to build messages, for rows that have fields instead of messages.
#[derive(Debug)]
pub(super) struct MessageBuilder {
    pub(super) groups: Vec<MessageGroup>,
    /// The field of tools.
    pub(super) tools: Option<String>,
}

/// Consecutive messages.
#[derive(Debug)]
pub(super) struct MessageGroup {
    /// A field with a list: the messages repeat for each item. Their texts read it as the variable `item`.
    pub(super) each: Option<String>,
    pub(super) messages: Vec<MessageText>,
}

#[derive(Debug)]
pub(super) struct MessageText {
    pub(super) role: String,
    pub(super) content: FormatText,
    /// Whether to leave the message out if its content is blank.
    pub(super) optional: bool,
}

impl MessageBuilder {
    /// Builds the messages of a row from its fields.
    pub(super) fn messages<'a>(&self, fields: &FieldValues<'a>) -> Result<Vec<Node<'a>>> {
        let mut built = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let Some(list) = &group.each else {
                group.append(&mut built, fields, None)?;
                continue;
            };
            let what = format!("the field `{list}`");
            let value = fields.get(list).cloned();
            match value.map(|value| parse_if_json(&format!("{what} must be a list"), value)).transpose()? {
                None | Some(Node::Null) => {}
                Some(Node::List(items)) => {
                    items.iter().try_for_each(|item| group.append(&mut built, fields, Some(item)))?;
                }
                Some(other) => return Err(unexpected(&what, "a list", &other)),
            }
        }
        Ok(built)
    }
}

impl MessageGroup {
    fn append<'a>(&self, built: &mut Vec<Node<'a>>, fields: &FieldValues<'a>, item: Option<&Node<'a>>) -> Result<()> {
        for message in &self.messages {
            let content = message.content.render(fields, item)?;
            if message.optional && content.trim().is_empty() {
                continue;
            }
            built.push(Node::Map(vec![
                (Cow::Borrowed("role"), Node::Str(Cow::Owned(message.role.clone()))),
                (Cow::Borrowed("content"), Node::Str(Cow::Owned(content))),
            ]));
        }
        Ok(())
    }
}
