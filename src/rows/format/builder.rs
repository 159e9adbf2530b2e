//! `MessageBuilder`: builds the messages of a row from its fields.

use std::borrow::Cow;

use super::fields::FieldValues;
use super::text::FormatText;
use crate::data::{Node, parse_if_json, unexpected};
use crate::error::Result;
use crate::rows::variables::VARIABLES;

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
    /// Whether each item makes only one message: the first item the first one, and so on, in turn.
    pub(super) in_turn: bool,
}

#[derive(Debug)]
pub(super) struct MessageText {
    pub(super) role: String,
    pub(super) content: FormatText,
    /// Whether to leave the message out if its content is blank.
    pub(super) optional: bool,
}

impl MessageBuilder {
    /// The columns that it reads besides the fields. `documents` is not among them: datasets of questions often have a
    /// column of that name which is no list of documents for a chat template.
    pub(super) fn context_columns(&self) -> impl Iterator<Item = &str> {
        self.tools.as_deref().into_iter().chain([VARIABLES])
    }

    /// Builds the messages of a row from its fields.
    pub(super) fn messages<'a>(&self, fields: &FieldValues<'a>) -> Result<Vec<Node<'a>>> {
        let mut built = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let Some(list) = &group.each else {
                group.messages.iter().try_for_each(|message| message.append(&mut built, fields, None))?;
                continue;
            };
            let what = format!("the field `{list}`");
            let value = fields.get(list).cloned();
            match value.map(|value| parse_if_json(&format!("{what} must be a list"), value)).transpose()? {
                None | Some(Node::Null) => {}
                Some(Node::List(items)) => {
                    for (index, item) in items.iter().enumerate() {
                        group.of_item(index).try_for_each(|message| message.append(&mut built, fields, Some(item)))?;
                    }
                }
                Some(other) => return Err(unexpected(&what, "a list", &other)),
            }
        }
        Ok(built)
    }
}

impl MessageGroup {
    /// The messages that the item at `index` of the list makes.
    fn of_item(&self, index: usize) -> impl Iterator<Item = &MessageText> {
        let chosen = self.in_turn.then(|| index % self.messages.len().max(1));
        let messages = self.messages.iter().enumerate();
        messages.filter(move |(at, _)| chosen.is_none_or(|chosen| chosen == *at)).map(|(_, message)| message)
    }
}

impl MessageText {
    fn append<'a>(&self, built: &mut Vec<Node<'a>>, fields: &FieldValues<'a>, item: Option<&Node<'a>>) -> Result<()> {
        let content = self.content.render(fields, item)?;
        if !self.optional || !content.trim().is_empty() {
            built.push(Node::Map(vec![
                (Cow::Borrowed("role"), Node::Str(Cow::Owned(self.role.clone()))),
                (Cow::Borrowed("content"), Node::Str(Cow::Owned(content))),
            ]));
        }
        Ok(())
    }
}
