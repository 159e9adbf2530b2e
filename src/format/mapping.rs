//! `Mapping`: a field of messages, whatever it and its parts are called.

use std::borrow::Cow;

use super::fields::{missing, names_of};
use super::said::{EmptyAnswers, Said};
use crate::conversation::{Conversation, Fields, Node, field, parse_if_text, take_field, tool_calls_of};
use crate::error::{Error, Kind, Result};

/// Where the messages of a row are, and what their parts are called.
#[derive(Debug)]
pub(super) struct Mapping {
    /// Names of the field that holds the messages; the first that the row has counts.
    pub(super) fields: Vec<String>,
    /// For each property of a message as templates know it, what the rows call it.
    pub(super) properties: Vec<(String, String)>,
    /// For each role, the names of speakers that have it.
    pub(super) roles: Vec<(String, Vec<String>)>,
    /// Whether a speaker that no role names is one himself, or a fault.
    pub(super) keeps_unknown_roles: bool,
    /// Speakers whose text is a function call as JSON.
    pub(super) calls: Vec<String>,
    /// A field whose text is the system message, where the conversation does not begin with one.
    pub(super) system: Option<String>,
    /// Whether a system message is left out.
    pub(super) drops_system: bool,
    /// The field of tools.
    pub(super) tools: String,
    pub(super) empty_answers: EmptyAnswers,
}

impl Mapping {
    /// The columns that it reads.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        let others = [self.tools.as_str(), "documents", "chat_template_kwargs"];
        self.fields.iter().map(String::as_str).chain(self.system.as_deref()).chain(others)
    }

    /// What rows call a property of a message.
    pub(super) fn property<'m>(&'m self, name: &'m str) -> &'m str {
        self.properties.iter().find(|(known, _)| known == name).map_or(name, |(_, theirs)| theirs)
    }

    /// The names of the field that holds the messages.
    pub(super) fn named(&self) -> String {
        self.fields.join(" or ")
    }

    pub(super) fn conversation<'a>(&self, row: &Fields<'a>) -> Result<Conversation<'a>> {
        let found = self.fields.iter().find_map(|name| match field(row, name) {
            None | Some(Node::Null) => None,
            Some(value) => Some((name, value.clone())),
        });
        let Some((name, value)) = found else { return Err(missing(&self.named(), row)) };
        let items = match parse_if_text(&format!("the field {name} must be a list of messages"), value)? {
            Node::List(items) => items,
            other => {
                let text = format!("the field {name} must be a list of messages, found {}", other.type_name());
                return Err(Error::new(Kind::WrongType, text));
            }
        };
        self.of_messages(items, row)
    }

    /// The conversation of messages, with what else the row has for it.
    pub(super) fn of_messages<'a>(&self, items: Vec<Node<'a>>, row: &Fields<'a>) -> Result<Conversation<'a>> {
        let read = |(index, item)| self.message(item).map_err(|error| error.at_message(index));
        let read: Vec<Fields<'a>> = items.into_iter().enumerate().map(read).collect::<Result<_>>()?;
        Said { content: self.property("content"), empty_answers: self.empty_answers }.check(read.iter())?;
        let mut messages: Vec<Node<'a>> = read.into_iter().map(Node::Map).collect();
        let begins_with_system = |messages: &[Node<'_>]| match messages.first() {
            Some(Node::Map(first)) => field(first, "role").and_then(Node::as_str) == Some("system"),
            _ => false,
        };
        if let Some(system) = self.system_message(row)?.filter(|_| !begins_with_system(&messages)) {
            messages.insert(0, system);
        }
        if self.drops_system && begins_with_system(&messages) {
            messages.remove(0);
        }
        self.with_the_rest(Conversation::new(Node::List(messages))?, row)
    }

    /// A conversation with the tools of a row and what else it has for the template.
    pub(super) fn with_the_rest<'a>(
        &self,
        conversation: Conversation<'a>,
        row: &Fields<'a>,
    ) -> Result<Conversation<'a>> {
        let of_row = |name: &str| field(row, name).cloned();
        conversation
            .with_tools(of_row(&self.tools))?
            .with_documents(of_row("documents"))?
            .with_variables(of_row("chat_template_kwargs"))
    }

    fn system_message<'a>(&self, row: &Fields<'a>) -> Result<Option<Node<'a>>> {
        let Some(name) = &self.system else { return Ok(None) };
        let text = match field(row, name) {
            None | Some(Node::Null) => return Ok(None),
            Some(Node::Str(text)) if text.is_empty() => return Ok(None),
            Some(Node::Str(text)) => text.clone(),
            Some(other) => {
                let text = format!("the field {name} must be a text, found {}", other.type_name());
                return Err(Error::new(Kind::WrongType, text));
            }
        };
        Ok(Some(Node::Map(vec![
            (Cow::Borrowed("role"), Node::Str(Cow::Borrowed("system"))),
            (Cow::Borrowed("content"), Node::Str(text)),
        ])))
    }

    /// A message with its properties and its role under the names that templates know.
    fn message<'a>(&self, item: Node<'a>) -> Result<Fields<'a>> {
        let mut given = match item {
            Node::Map(fields) => fields,
            other => {
                let text = format!("a message must be an object, found {}", other.type_name());
                return Err(Error::new(Kind::WrongType, text));
            }
        };
        given.retain(|(_, value)| *value != Node::Null);
        let mut message: Fields<'a> = Vec::with_capacity(given.len());
        for (name, theirs) in &self.properties {
            if let Some(value) = take_field(&mut given, theirs) {
                message.push((Cow::Owned(name.clone()), value));
            } else if name == "role" {
                let text = format!("the message has no {theirs}, only {}", names_of(&given));
                return Err(Error::new(Kind::MissingField, text));
            }
        }
        // What has its name already was mapped from somewhere else.
        given.retain(|(name, _)| field(&message, name).is_none());
        message.append(&mut given);
        let role = match field(&message, "role") {
            Some(Node::Str(speaker)) => speaker.clone(),
            other => {
                let found = other.map_or("nothing", Node::type_name);
                return Err(Error::new(
                    Kind::WrongType,
                    format!("the role of a message must be a text, found {found}"),
                ));
            }
        };
        if self.calls.iter().any(|speaker| *speaker == role) {
            call(&mut message)?;
        }
        let role = self.role(role)?;
        if let Some((_, value)) = message.iter_mut().find(|(name, _)| name == "role") {
            *value = Node::Str(role);
        }
        Ok(message)
    }

    fn role<'a>(&self, speaker: Cow<'a, str>) -> Result<Cow<'a, str>> {
        let known = self.roles.iter().find(|(_, speakers)| speakers.iter().any(|name| *name == speaker));
        match known {
            Some((role, _)) => Ok(Cow::Owned(role.clone())),
            None if self.keeps_unknown_roles => Ok(speaker),
            None => {
                let known: Vec<&str> =
                    self.roles.iter().flat_map(|(_, names)| names.iter().map(String::as_str)).collect();
                let text = format!(
                    "unknown role {speaker:?}; known are {}; name its role in the format's roles",
                    known.join(", ")
                );
                Err(Error::new(Kind::UnknownRole, text))
            }
        }
    }
}

/// Turns the content of a message, a call as JSON, into its `tool_calls`.
fn call(message: &mut Fields<'_>) -> Result<()> {
    if let Some(Node::Str(text)) = take_field(message, "content") {
        message.push((Cow::Borrowed("tool_calls"), tool_calls_of(&text)?));
    }
    Ok(())
}
