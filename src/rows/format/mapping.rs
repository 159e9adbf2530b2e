//! `MessageMapping`: reads the messages of a row, which may use other names for fields and roles than chat templates.

use std::borrow::Cow;

use super::fields::missing_field;
use crate::data::{Fields, Node, field, names_of, parse_if_json, remove_nulls, take_field, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::names::{self, did_you_mean};
use crate::rows::content::{ContentCheck, EmptyAnswers};
use crate::rows::conversation::parse_calls;
use crate::rows::variables::VARIABLES;
use crate::rows::{Conversation, TemplateVariables, sharegpt};

/// The field that holds the messages of a row, and the names of fields and roles in these messages.
#[derive(Debug)]
pub(super) struct MessageMapping {
    /// Names of the field that holds the messages. The first one with a value counts.
    pub(super) fields: Vec<String>,
    /// A field with messages that follow those. Then only these are trained.
    pub(super) completion: Option<String>,
    /// Pairs (property that templates read, its name in the rows).
    pub(super) properties: Vec<(String, String)>,
    /// Pairs (role, names that stand for it in the rows).
    pub(super) roles: Vec<(String, Vec<String>)>,
    /// Whether a name missing from `roles` is kept as a role; otherwise it is an error.
    pub(super) keeps_unknown_roles: bool,
    /// Names whose content is a tool call as JSON.
    pub(super) calls: Vec<String>,
    /// A field with a system prompt, for conversations that do not begin with one.
    pub(super) system: Option<String>,
    /// Whether to drop a system message.
    pub(super) drops_system: bool,
    /// The field of tools.
    pub(super) tools: String,
    pub(super) empty_answers: EmptyAnswers,
}

impl MessageMapping {
    /// The columns that the mapping reads.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        let completion = self.completion.as_deref().into_iter();
        self.fields.iter().map(String::as_str).chain(completion).chain(self.context_columns())
    }

    /// The columns that it reads besides the messages.
    pub(super) fn context_columns(&self) -> impl Iterator<Item = &str> {
        self.system.as_deref().into_iter().chain([self.tools.as_str(), "documents", VARIABLES])
    }

    /// The name in the rows of a property that templates read, such as `content`.
    pub(super) fn property<'m>(&'m self, name: &'m str) -> &'m str {
        self.properties.iter().find(|(known, _)| known == name).map_or(name, |(_, theirs)| theirs)
    }

    /// The names of the field that holds the messages, for an error message.
    pub(super) fn describe(&self) -> String {
        names::joined(&self.fields, " or ")
    }

    /// The conversation of a row.
    pub(super) fn conversation<'a>(&self, mut row: Fields<'a>) -> Result<Conversation<'a>> {
        let held = |name: &&String| field(&row, name).is_some_and(|value| *value != Node::Null);
        let Some(name) = self.fields.iter().find(held) else {
            let column = self.fields.first().map_or("messages", String::as_str);
            return Err(missing_field(&self.describe(), column, &row));
        };
        let mut items = take_messages(&mut row, name)?;
        let Some(completion) = &self.completion else { return self.of_messages(items, &row) };
        items.iter_mut().for_each(leave_untrained);
        if field(&row, completion).is_none() {
            return Err(missing_field(&format!("`{completion}`"), completion, &row));
        }
        items.extend(take_messages(&mut row, completion)?);
        self.of_messages(items, &row)
    }

    /// The conversation of `items`, with the tools, documents and template variables of `row`.
    pub(super) fn of_messages<'a>(&self, items: Vec<Node<'a>>, row: &Fields<'a>) -> Result<Conversation<'a>> {
        let read = |(index, item)| self.message(item).map_err(|error| error.at_message(index));
        let read: Vec<Fields<'a>> = items.into_iter().enumerate().map(read).collect::<Result<_>>()?;
        ContentCheck { field: self.property("content"), empty_answers: self.empty_answers }.check(read.iter())?;
        let mut messages: Vec<Node<'a>> = read.into_iter().map(Node::Map).collect();
        let begins_with_system = |messages: &[Node<'_>]| match messages.first() {
            Some(Node::Map(first)) => field(first, "role").and_then(Node::as_str) == Some("system"),
            _ => false,
        };
        if let Some(system) = self.system_message(row)?.filter(|_| !begins_with_system(&messages)) {
            messages.insert(0, system);
        }
        let drops_system = self.drops_system && begins_with_system(&messages);
        if drops_system {
            messages.remove(0);
        }
        let mut conversation = self.with_context(Conversation::new(Node::List(messages))?, row)?;
        if !drops_system {
            conversation.note_system(self.system.as_ref().and_then(|name| field(row, name)));
        }
        Ok(conversation)
    }

    /// A conversation with the tools, documents and template variables of `row`.
    pub(super) fn with_context<'a>(
        &self,
        conversation: Conversation<'a>,
        row: &Fields<'a>,
    ) -> Result<Conversation<'a>> {
        let of_row = |name: &str| field(row, name).cloned();
        let conversation = conversation.with_tools(of_row(&self.tools))?.with_documents(of_row("documents"))?;
        Ok(conversation.with_variables(TemplateVariables::of_row(row)?))
    }

    fn system_message<'a>(&self, row: &Fields<'a>) -> Result<Option<Node<'a>>> {
        let Some(name) = &self.system else { return Ok(None) };
        let text = match field(row, name) {
            None | Some(Node::Null) => return Ok(None),
            Some(Node::Str(text)) if text.is_empty() => return Ok(None),
            Some(Node::Str(text)) => text.clone(),
            Some(other) => return Err(unexpected(&format!("the field `{name}`"), "a string", other)),
        };
        Ok(Some(message_node("system", text)))
    }

    /// A message with its properties and its role under the names that templates read.
    fn message<'a>(&self, item: Node<'a>) -> Result<Fields<'a>> {
        let mut given = match item {
            Node::Map(fields) => fields,
            other => return Err(unexpected("a message", "an object", &other)),
        };
        remove_nulls(&mut given);
        let mut message: Fields<'a> = Vec::with_capacity(given.len());
        for (name, theirs) in &self.properties {
            if let Some(value) = take_field(&mut given, theirs) {
                message.push((Cow::Owned(name.clone()), value));
            } else if name == "role" {
                let text = format!(
                    "the message has no `{theirs}`, only {}; add it, or map `role` in the format's `properties`",
                    names_of(&given)
                );
                return Err(Error::new(ErrorKind::MissingField, text));
            }
        }
        // A mapped property replaces a field that already has its name.
        given.retain(|(name, _)| field(&message, name).is_none());
        message.append(&mut given);
        parse_calls(&mut message)?;
        let role = match field(&message, "role") {
            Some(Node::Str(name)) => name.clone(),
            other => {
                let found = other.map_or("nothing", Node::type_name);
                let text = format!("the `{}` of a message must be a string, found {found}", self.property("role"));
                return Err(Error::wrong_type(text));
            }
        };
        if self.calls.iter().any(|name| *name == role)
            && let Some(Node::Str(text)) = take_field(&mut message, "content")
        {
            message.push((Cow::Borrowed("tool_calls"), sharegpt::tool_calls(&text)?));
        }
        let role = self.role(role)?;
        if let Some((_, value)) = message.iter_mut().find(|(name, _)| name == "role") {
            *value = Node::Str(role);
        }
        Ok(message)
    }

    fn role<'a>(&self, name: Cow<'a, str>) -> Result<Cow<'a, str>> {
        match self.roles.iter().find(|(_, names)| names.iter().any(|known| *known == name)) {
            Some((role, _)) => Ok(Cow::Owned(role.clone())),
            None if self.keeps_unknown_roles => Ok(name),
            None => {
                let known: Vec<&str> =
                    self.roles.iter().flat_map(|(_, names)| names.iter().map(String::as_str)).collect();
                let text = format!(
                    "unknown role {name:?}; use one of {}, or add {name:?} to the format's `roles`{}",
                    known.join(", "),
                    did_you_mean(&name, known.iter().copied())
                );
                Err(Error::new(ErrorKind::UnknownRole, text))
            }
        }
    }
}

fn take_messages<'a>(row: &mut Fields<'a>, name: &str) -> Result<Vec<Node<'a>>> {
    let what = format!("the field `{name}`");
    let value = take_field(row, name).unwrap_or(Node::Null);
    match parse_if_json(&format!("{what} must be a list of messages"), value)? {
        Node::List(items) => Ok(items),
        other => Err(unexpected(&what, "a list of messages", &other)),
    }
}

/// Gives a message the flag that it is not trained.
fn leave_untrained(message: &mut Node<'_>) {
    if let Node::Map(fields) = message {
        fields.retain(|(name, _)| name != "train");
        fields.push((Cow::Borrowed("train"), Node::Bool(false)));
    }
}

/// A message of a role and a text.
pub(super) fn message_node<'a>(role: &'static str, content: impl Into<Cow<'a, str>>) -> Node<'a> {
    Node::Map(vec![
        (Cow::Borrowed("role"), Node::Str(Cow::Borrowed(role))),
        (Cow::Borrowed("content"), Node::Str(content.into())),
    ])
}
