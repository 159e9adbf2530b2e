//! `Made`: messages that are put together from the fields of a row.

use std::borrow::Cow;

use super::bare;
use crate::conversation::{Conversation, Fields, Node, field, parse_if_text};
use crate::error::{Error, Kind, Result};
use crate::template::{ChatTemplate, Request};

/// The messages of a row that has none.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) parts: Vec<Part>,
    /// The field of tools.
    pub(super) tools: Option<String>,
}

/// Messages that follow each other.
#[derive(Debug)]
pub(super) struct Part {
    /// The list for whose items they are there, each once; their texts call it `item`.
    pub(super) each: Option<String>,
    pub(super) messages: Vec<Message>,
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) role: String,
    pub(super) content: ChatTemplate,
    /// Whether there is no such message where its content is blank.
    pub(super) optional: bool,
}

impl Made {
    /// The messages that the fields stand for.
    pub(super) fn messages<'a>(&self, fields: &Conversation<'a>) -> Result<Vec<Node<'a>>> {
        let mut made = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let Some(list) = &part.each else {
                part.add_to(&mut made, fields)?;
                continue;
            };
            let what = format!("the field {list} must be a list");
            let items = match field(&fields.variables, list).cloned().map(|it| parse_if_text(&what, it)).transpose()? {
                None | Some(Node::Null) => continue,
                Some(Node::List(items)) => items,
                Some(other) => {
                    let text = format!("{what}, found {}", other.type_name());
                    return Err(Error::new(Kind::WrongType, text));
                }
            };
            for item in &items {
                let mut variables: Fields<'a> = vec![(Cow::Borrowed("item"), item.clone())];
                variables.extend(fields.variables.iter().cloned());
                part.add_to(&mut made, &bare(variables))?;
            }
        }
        Ok(made)
    }
}

impl Part {
    fn add_to<'a>(&self, made: &mut Vec<Node<'a>>, fields: &Conversation<'a>) -> Result<()> {
        for message in &self.messages {
            made.extend(message.of(fields)?);
        }
        Ok(())
    }
}

impl Message {
    fn of<'a>(&self, fields: &Conversation<'a>) -> Result<Option<Node<'a>>> {
        let content = text_of(&self.content, fields)?;
        if self.optional && content.trim().is_empty() {
            return Ok(None);
        }
        Ok(Some(Node::Map(vec![
            (Cow::Borrowed("role"), Node::Str(Cow::Owned(self.role.clone()))),
            (Cow::Borrowed("content"), Node::Str(Cow::Owned(content))),
        ])))
    }
}

/// What a text prints of the fields.
pub(super) fn text_of(text: &ChatTemplate, fields: &Conversation<'_>) -> Result<String> {
    text.text(Request::of(fields, &Vec::new()))
}
