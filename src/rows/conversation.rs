//! `Conversation`: chat messages with their tools, documents and template variables, in the form that chat templates
//! read.

use std::borrow::Cow;

use super::{TemplateVariables, sharegpt};
use crate::data::{Fields, Node, field, names_of, parse_if_json, remove_nulls, take_field, unexpected};
use crate::error::{Error, ErrorKind, Result};
use crate::names::did_you_mean;

/// The fields that may hold the messages of a row without a format, in the order in which they are tried.
pub const MESSAGE_FIELDS: [&str; 2] = ["messages", "conversations"];

/// The other fields that a row without a format may have.
pub(super) const CONTEXT_FIELDS: [&str; 3] = ["tools", "documents", "chat_template_kwargs"];
/// Fields that often hold a system prompt. Plain messages do not have it; a row with one is noted.
pub(super) const SYSTEM_FIELDS: [&str; 2] = ["system", "system_prompt"];

/// The fields that may hold the reasoning of a message, in the order in which they are tried. A message of a
/// [`Conversation`] may have the same reasoning in several of them.
pub(crate) const REASONING_FIELDS: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// One conversation and the rest of its chat template's input.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation<'a> {
    /// The messages as transformers passes them to a template: null fields at the top level are removed, and the
    /// reasoning is copied to each of its names.
    pub messages: Vec<Fields<'a>>,
    /// The tools, or None.
    pub tools: Option<Node<'a>>,
    /// The documents, or None.
    pub documents: Option<Node<'a>>,
    /// Further template variables of this row.
    pub variables: TemplateVariables<'a>,
    /// Whether the messages were ShareGPT turns. Error messages then use the field names of such turns.
    pub is_sharegpt: bool,
    /// Whether the row has a system prompt beside the messages, which is not among them.
    pub has_unread_system: bool,
    /// Whether equal strings may share memory, as strings from Python often do. The address of a string then does not
    /// identify its value.
    pub shares_strings: bool,
}

impl<'a> Conversation<'a> {
    /// A conversation of `messages`: a list of objects, or a string that holds such a list as JSON.
    ///
    /// ShareGPT turns (`from`, `value`) become messages with `role` and `content`.
    ///
    /// # Errors
    ///
    /// Fails if `messages` is not a list of objects with roles, or is empty.
    pub fn new(messages: Node<'a>) -> Result<Conversation<'a>> {
        const EXPECTED: &str = "a list of {role, content} objects";
        let items = match messages {
            // A plain string is a mistake more often than broken JSON.
            Node::Str(text) if !text.trim_start().starts_with(['[', '{', '"']) => {
                return Err(unexpected("`messages`", EXPECTED, &Node::Str(text)));
            }
            messages => match parse_if_json(&format!("`messages` must be {EXPECTED}"), messages)? {
                Node::List(items) => items,
                other => return Err(unexpected("`messages`", EXPECTED, &other)),
            },
        };
        if items.is_empty() {
            return Err(Error::new(ErrorKind::EmptyConversation, "the conversation has no messages; remove the row"));
        }
        let mut messages = Vec::with_capacity(items.len());
        let is_sharegpt = matches!(items.first(), Some(Node::Map(fields)) if sharegpt::is_turn(fields));
        for (index, item) in items.into_iter().enumerate() {
            messages.push(message(item).map_err(|error| error.at_message(index))?);
        }
        Ok(Conversation { messages, is_sharegpt, ..Conversation::empty() })
    }

    /// A conversation without messages: the input of a format's own text when its rows have none.
    pub fn empty() -> Conversation<'a> {
        Conversation {
            messages: Vec::new(),
            tools: None,
            documents: None,
            variables: TemplateVariables::default(),
            is_sharegpt: false,
            has_unread_system: false,
            shares_strings: false,
        }
    }

    /// Sets the tools: a list of objects, each of which may be JSON text, or a string that holds such a list as JSON.
    pub fn with_tools(mut self, tools: Option<Node<'a>>) -> Result<Self> {
        self.tools = match list_or_none("tools", tools)? {
            Some(Node::List(items)) => Some(Node::List(items.into_iter().map(tool).collect::<Result<_>>()?)),
            other => other,
        };
        Ok(self)
    }

    /// Sets the documents: a list of objects, or a string that holds one as JSON.
    pub fn with_documents(mut self, documents: Option<Node<'a>>) -> Result<Self> {
        self.documents = list_or_none("documents", documents)?;
        let is_object = |document: &&Node<'_>| matches!(document, Node::Map(_));
        match self.documents.as_ref().and_then(|documents| match documents {
            Node::List(documents) => documents.iter().find(|document| !is_object(document)),
            _ => None,
        }) {
            None => Ok(self),
            Some(other) => Err(unexpected("a document", "an object with `title` and `text`", other)),
        }
    }

    /// Sets further template variables.
    #[must_use]
    pub fn with_variables(mut self, variables: TemplateVariables<'a>) -> Self {
        self.variables = variables;
        self
    }

    /// A copy of the conversation with other messages.
    #[must_use]
    pub fn with_messages(&self, messages: Vec<Fields<'a>>) -> Conversation<'a> {
        Conversation {
            messages,
            tools: self.tools.clone(),
            documents: self.documents.clone(),
            variables: self.variables.clone(),
            is_sharegpt: self.is_sharegpt,
            has_unread_system: self.has_unread_system,
            shares_strings: self.shares_strings,
        }
    }

    /// A copy of the conversation up to its message `count`, not included.
    #[must_use]
    pub fn prefix(&self, count: usize) -> Conversation<'a> {
        self.with_messages(self.messages[..count].to_vec())
    }

    /// A copy of the conversation that owns its strings. No two strings share memory.
    pub fn to_owned(&self) -> Conversation<'static> {
        let node = |node: &Node<'_>| node.clone().into_owned();
        let fields = |fields: &Fields<'_>| -> Fields<'static> {
            fields.iter().map(|(name, value)| (Cow::Owned(name.clone().into_owned()), node(value))).collect()
        };
        Conversation {
            messages: self.messages.iter().map(fields).collect(),
            tools: self.tools.as_ref().map(node),
            documents: self.documents.as_ref().map(node),
            variables: self.variables.to_owned(),
            is_sharegpt: self.is_sharegpt,
            has_unread_system: self.has_unread_system,
            shares_strings: false,
        }
    }

    /// The conversation of a row without a format: messages or ShareGPT turns, with tools, documents and
    /// `chat_template_kwargs`. Other fields are ignored.
    pub fn from_fields(mut row: Fields<'a>) -> Result<Conversation<'a>> {
        let held = |name: &&&str| field(&row, name).is_some_and(|value| *value != Node::Null);
        let Some(name) = MESSAGE_FIELDS.iter().find(held) else { return Err(no_messages(&row)) };
        let mut take = |name: &str| take_field(&mut row, name);
        let (messages, tools, documents) = (take(name), take("tools"), take("documents"));
        let variables = take("chat_template_kwargs");
        let conversation =
            Conversation::new(messages.unwrap_or(Node::Null))?.with_tools(tools)?.with_documents(documents)?;
        let mut conversation = conversation.with_variables(TemplateVariables::read(variables)?);
        conversation.note_system(SYSTEM_FIELDS.iter().find_map(|name| field(&row, name)));
        Ok(conversation)
    }

    /// Notes a system prompt beside the messages, unless the first message has the same text.
    pub(super) fn note_system(&mut self, system: Option<&Node<'_>>) {
        let Some(system) = system.and_then(Node::as_str).map(str::trim).filter(|text| !text.is_empty()) else { return };
        let first = self.messages.first().and_then(|message| field(message, "content")).and_then(Node::as_str);
        self.has_unread_system = self.role(0) != "system" || first.map(str::trim) != Some(system);
    }

    /// The role of message `index`, or the empty string.
    pub fn role(&self, index: usize) -> &str {
        self.messages.get(index).and_then(|fields| field(fields, "role")).and_then(Node::as_str).unwrap_or("")
    }

    /// The role of each message.
    pub fn roles(&self) -> Vec<String> {
        (0..self.messages.len()).map(|index| self.role(index).to_owned()).collect()
    }
}

fn no_messages(row: &Fields<'_>) -> Error {
    if let Some(name) = MESSAGE_FIELDS.iter().find(|name| field(row, name).is_some()) {
        return Error::new(ErrorKind::MissingMessages, format!("`{name}` is null; remove the row"));
    }
    let hint = row.iter().map(|(name, _)| did_you_mean(name, MESSAGE_FIELDS)).find(|hint| !hint.is_empty());
    let text = format!(
        "the row has no `messages` or `conversations`; its fields are {}{}",
        names_of(row),
        hint.as_deref().unwrap_or("; rename the field, or name the format of the rows")
    );
    Error::new(ErrorKind::MissingMessages, text)
}

/// One message in the form that chat templates read.
fn message(item: Node<'_>) -> Result<Fields<'_>> {
    let mut fields = match item {
        Node::Map(fields) => fields,
        other => return Err(unexpected("a message", "an object with `role` and `content`", &other)),
    };
    remove_nulls(&mut fields);
    if sharegpt::is_turn(&fields) {
        fields = sharegpt::message(fields)?;
    }
    match field(&fields, "role") {
        Some(Node::Str(_)) => {}
        Some(other) => return Err(unexpected("`role`", "a string", other)),
        None => {
            let known = names_of(&fields);
            let text = format!("the message has no `role`, only {known}; add a role such as `user` or `assistant`");
            return Err(Error::new(ErrorKind::MissingField, text));
        }
    }
    alias_reasoning(&mut fields);
    Ok(fields)
}

/// Stores the reasoning of a message under the names that templates read, as transformers 5 does: the first of
/// [`REASONING_FIELDS`] becomes `reasoning_content`, and `thinking` if that is missing. `thinking` then is the first field, which matters where a template prints a whole message.
fn alias_reasoning(fields: &mut Fields<'_>) {
    let reasoning = REASONING_FIELDS.iter().find_map(|name| field(fields, name)).cloned();
    let Some(reasoning) = reasoning else { return };
    let thinking = take_field(fields, "thinking").unwrap_or_else(|| reasoning.clone());
    fields.insert(0, (Cow::Borrowed("thinking"), thinking));
    if field(fields, "reasoning_content").is_none() {
        fields.push((Cow::Borrowed("reasoning_content"), reasoning));
    }
}

/// Parses the calls of a message that are JSON text, as data sets in Parquet often have them. A blank text means none.
pub(super) fn parse_calls(message: &mut Fields<'_>) -> Result<()> {
    let Some(place) = message.iter().position(|(name, value)| name == "tool_calls" && matches!(value, Node::Str(_)))
    else {
        return Ok(());
    };
    let name = message[place].0.clone();
    let (_, text) = message.remove(place);
    if let Some(calls) = list_or_none("tool_calls", Some(text))? {
        message.insert(place, (name, calls));
    }
    Ok(())
}

fn tool(item: Node<'_>) -> Result<Node<'_>> {
    match item {
        text @ Node::Str(_) => match parse_if_json("a tool must be a JSON schema", text)? {
            schema @ Node::Map(_) => Ok(schema),
            other => Err(unexpected("a tool", "a JSON schema", &other)),
        },
        schema @ Node::Map(_) => Ok(schema),
        other => Err(unexpected("a tool", "a JSON schema", &other)),
    }
}

fn list_or_none<'a>(name: &str, node: Option<Node<'a>>) -> Result<Option<Node<'a>>> {
    match node {
        None | Some(Node::Null) => Ok(None),
        Some(Node::Str(text)) if text.trim().is_empty() => Ok(None),
        Some(node) => match parse_if_json(&format!("`{name}` must be a list"), node)? {
            Node::Null => Ok(None),
            list @ Node::List(_) => Ok(Some(list)),
            other => Err(unexpected(&format!("`{name}`"), "a list", &other)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parse_json;

    fn conversation(text: &str) -> Result<Conversation<'_>> {
        Conversation::new(parse_json(text.as_bytes())?)
    }

    fn row(text: &str) -> Fields<'_> {
        match parse_json(text.as_bytes()).unwrap() {
            Node::Map(fields) => fields,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn top_level_nulls_are_removed_and_nested_nulls_stay() {
        let parsed = conversation(r#"[{"role": "user", "content": null, "x": {"y": null}}]"#).unwrap();
        let names: Vec<_> = parsed.messages[0].iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["role", "x"]);
        assert_eq!(parsed.messages[0][1].1, Node::Map(vec![("y".into(), Node::Null)]));
    }

    #[test]
    fn reasoning_is_found_under_every_name() {
        let parsed = conversation(r#"[{"role": "assistant", "reasoning": "r", "content": "c"}]"#).unwrap();
        for name in REASONING_FIELDS {
            assert_eq!(field(&parsed.messages[0], name).and_then(Node::as_str), Some("r"), "{name}");
        }
    }

    #[test]
    fn a_string_of_json_is_parsed() {
        let parsed = conversation(r#""[{\"role\": \"user\", \"content\": \"a\\nb\"}]""#).unwrap();
        assert_eq!(field(&parsed.messages[0], "content").and_then(Node::as_str), Some("a\nb"));
    }

    #[test]
    fn errors_name_the_message() {
        for (text, kind, message) in [
            ("[]", ErrorKind::EmptyConversation, None),
            ("3", ErrorKind::WrongType, None),
            (r#""hello""#, ErrorKind::WrongType, None),
            (r#""[{""#, ErrorKind::InvalidJson, None),
            (r#"[{"role": "user"}, 4]"#, ErrorKind::WrongType, Some(1)),
            (r#"[{"content": "x"}]"#, ErrorKind::MissingField, Some(0)),
            (r#"[{"role": 1}]"#, ErrorKind::WrongType, Some(0)),
            (r#"[{"from": "martian", "value": "x"}]"#, ErrorKind::UnknownRole, Some(0)),
        ] {
            let error = conversation(text).unwrap_err();
            assert_eq!((error.kind, error.message), (kind, message), "{text}: {error}");
        }
    }

    #[test]
    fn a_row_is_read_by_its_fields() {
        let parsed = Conversation::from_fields(row(
            r#"{"id": 7, "messages": [{"role": "user", "content": "x"}], "tools": "[]", "chat_template_kwargs": {"a": 1}}"#,
        ))
        .unwrap();
        assert_eq!(parsed.tools, Some(Node::List(vec![])));
        assert_eq!(parsed.variables.get("a"), Some(&Node::Int(1)));
        let error = Conversation::from_fields(row(r#"{"mesages": []}"#)).unwrap_err();
        assert_eq!(
            error.text,
            "the row has no `messages` or `conversations`; its fields are `mesages`; did you mean `messages`?"
        );
        let error = Conversation::from_fields(row(r#"{"messages": null}"#)).unwrap_err();
        assert_eq!(
            (error.kind, error.text.as_str()),
            (ErrorKind::MissingMessages, "`messages` is null; remove the row")
        );
    }
}
