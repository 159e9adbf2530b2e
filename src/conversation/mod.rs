//! A row as a [`Conversation`]: views over Arrow columns and over JSON rows, the rules for nulls, the mapping of fields.

mod column;
mod node;
mod rows;
mod sharegpt;

pub use column::Column;
pub(crate) use node::take_field;
pub use node::{Fields, Node, field};
pub use rows::{Layout, RowFields, Rows};
pub(crate) use sharegpt::tool_calls as tool_calls_of;

use std::borrow::Cow;

use crate::error::{Error, Kind, Result};

/// The columns that [`Rows`] reads, in the order they are looked for where they exclude each other.
pub const MESSAGE_COLUMNS: [&str; 2] = ["messages", "conversations"];

/// One conversation and what its template is given beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation<'a> {
    /// The messages, as transformers hands them to a template: no top-level nulls, reasoning under all its names.
    pub messages: Vec<Fields<'a>>,
    /// The tools, or None.
    pub tools: Option<Node<'a>>,
    /// The documents, or None.
    pub documents: Option<Node<'a>>,
    /// Further template variables.
    pub variables: Fields<'a>,
    /// Whether messages were ShareGPT turns; errors then speak of their fields.
    pub is_sharegpt: bool,
    /// Whether equal strings may be one and the same in memory, as Python's often are: then an address does not tell
    /// which value a string is.
    pub shares_strings: bool,
}

impl<'a> Conversation<'a> {
    /// A conversation of `messages`: a list of objects, or a string that holds such a list as JSON.
    ///
    /// ShareGPT turns (`from`, `value`) are given roles and contents.
    pub fn new(messages: Node<'a>) -> Result<Conversation<'a>> {
        let items = match parse_if_text("messages must be a list of objects", messages)? {
            Node::List(items) => items,
            other => {
                return Err(wrong_type("messages", "a list of objects with role and content", &other));
            }
        };
        if items.is_empty() {
            return Err(Error::new(Kind::EmptyConversation, "the conversation has no messages; leave such rows out"));
        }
        let mut messages = Vec::with_capacity(items.len());
        let is_sharegpt = matches!(items.first(), Some(Node::Map(fields)) if sharegpt::is_turn(fields));
        for (index, item) in items.into_iter().enumerate() {
            messages.push(message(item).map_err(|error| error.at_message(index))?);
        }
        let (tools, documents, variables) = (None, None, Vec::new());
        Ok(Conversation { messages, tools, documents, variables, is_sharegpt, shares_strings: false })
    }

    /// Sets the tools: a list of objects, each of which may be JSON text, or a string that holds such a list as JSON.
    pub fn with_tools(mut self, tools: Option<Node<'a>>) -> Result<Self> {
        let tools = list_or_none("tools", tools)?;
        self.tools = match tools {
            Some(Node::List(items)) => Some(Node::List(items.into_iter().map(tool).collect::<Result<_>>()?)),
            other => other,
        };
        Ok(self)
    }

    /// Sets the documents: a list, or a string that holds one as JSON.
    pub fn with_documents(mut self, documents: Option<Node<'a>>) -> Result<Self> {
        self.documents = list_or_none("documents", documents)?;
        Ok(self)
    }

    /// Sets further template variables: an object, or a string that holds one as JSON.
    pub fn with_variables(mut self, variables: Option<Node<'a>>) -> Result<Self> {
        match variables.map(|it| parse_if_text("chat_template_kwargs must be an object", it)).transpose()? {
            None | Some(Node::Null) => {}
            Some(Node::Map(fields)) => self.variables = fields,
            Some(other) => return Err(wrong_type("chat_template_kwargs", "an object", &other)),
        }
        Ok(self)
    }

    /// The same conversation with strings of its own, none of which shares memory with another.
    pub fn to_owned(&self) -> Conversation<'static> {
        let node = |node: &Node<'_>| node.clone().into_owned();
        let fields = |fields: &Fields<'_>| -> Fields<'static> {
            fields.iter().map(|(name, value)| (Cow::Owned(name.clone().into_owned()), node(value))).collect()
        };
        Conversation {
            messages: self.messages.iter().map(fields).collect(),
            tools: self.tools.as_ref().map(node),
            documents: self.documents.as_ref().map(node),
            variables: fields(&self.variables),
            is_sharegpt: self.is_sharegpt,
            shares_strings: false,
        }
    }

    /// A conversation from the fields of a row; fields that it does not know stay in `row`.
    pub fn from_row(row: &mut Fields<'a>) -> Result<Conversation<'a>> {
        let messages = MESSAGE_COLUMNS.iter().find_map(|name| match take_field(row, name) {
            None | Some(Node::Null) => None,
            Some(value) => Some(value),
        });
        let Some(messages) = messages else {
            let known: Vec<&str> = row.iter().map(|(name, _)| name.as_ref()).collect();
            return Err(Error::new(
                Kind::MissingMessages,
                format!("no messages: expected a field named messages or conversations, found {}", name_list(&known)),
            ));
        };
        let (tools, documents) = (take_field(row, "tools"), take_field(row, "documents"));
        let variables = take_field(row, "chat_template_kwargs");
        Conversation::new(messages)?.with_tools(tools)?.with_documents(documents)?.with_variables(variables)
    }

    /// The role of message `index`, or the empty string.
    pub fn role(&self, index: usize) -> &str {
        self.messages.get(index).and_then(|fields| field(fields, "role")).and_then(Node::as_str).unwrap_or("")
    }
}

/// One message as a template sees it.
fn message(item: Node<'_>) -> Result<Fields<'_>> {
    let mut fields = match item {
        Node::Map(fields) => fields,
        other => {
            return Err(wrong_type("a message", "an object with role and content", &other));
        }
    };
    fields.retain(|(_, value)| *value != Node::Null);
    if sharegpt::is_turn(&fields) {
        fields = sharegpt::message(fields)?;
    }
    match field(&fields, "role") {
        Some(Node::Str(_)) => {}
        Some(other) => return Err(wrong_type("role", "a string", other)),
        None => {
            let known: Vec<&str> = fields.iter().map(|(name, _)| name.as_ref()).collect();
            let text =
                format!("the message has no role, only {}; give it one such as user or assistant", name_list(&known));
            return Err(Error::new(Kind::WrongType, text));
        }
    }
    alias_reasoning(&mut fields);
    Ok(fields)
}

/// Puts the reasoning of a message under the names that templates read, as transformers 5 does: the first of
/// `reasoning_content`, `thinking`, `reasoning` becomes `reasoning_content`, and `thinking` where there is none.
/// `thinking` comes first among the fields then, which shows where a template prints a whole message.
fn alias_reasoning(fields: &mut Fields<'_>) {
    let reasoning = ["reasoning_content", "thinking", "reasoning"].iter().find_map(|name| field(fields, name)).cloned();
    let Some(reasoning) = reasoning else { return };
    let thinking = take_field(fields, "thinking").unwrap_or_else(|| reasoning.clone());
    fields.insert(0, (Cow::Borrowed("thinking"), thinking));
    if field(fields, "reasoning_content").is_none() {
        fields.push((Cow::Borrowed("reasoning_content"), reasoning));
    }
}

fn tool(item: Node<'_>) -> Result<Node<'_>> {
    match item {
        text @ Node::Str(_) => match parse_if_text("a tool must be a JSON schema", text)? {
            schema @ Node::Map(_) => Ok(schema),
            other => Err(wrong_type("a tool", "a JSON schema", &other)),
        },
        other => Ok(other),
    }
}

/// The value that a string holds as JSON; another value as it is. Where it is no JSON, `what` must be it: the beginning of
/// the error's sentence, such as `tools must be a list`.
pub(crate) fn parse_if_text<'a>(what: &str, node: Node<'a>) -> Result<Node<'a>> {
    let parsed = match node {
        Node::Str(Cow::Borrowed(text)) => Node::parse_json(text.as_bytes()),
        // A string out of a JSON row had escapes, so it is not borrowed and cannot be borrowed from.
        Node::Str(Cow::Owned(text)) => Node::parse_json(text.as_bytes()).map(Node::into_owned),
        other => Ok(other),
    };
    parsed.map_err(|error| Error::new(error.kind, format!("{what}, and is a text that is {}", error.text)))
}

fn list_or_none<'a>(name: &str, node: Option<Node<'a>>) -> Result<Option<Node<'a>>> {
    match node {
        None | Some(Node::Null) => Ok(None),
        Some(Node::Str(text)) if text.trim().is_empty() => Ok(None),
        Some(node) => match parse_if_text(&format!("{name} must be a list"), node)? {
            Node::Null => Ok(None),
            list @ Node::List(_) => Ok(Some(list)),
            other => Err(wrong_type(name, "a list", &other)),
        },
    }
}

fn wrong_type(what: &str, expected: &str, found: &Node<'_>) -> Error {
    Error::new(Kind::WrongType, format!("{what} must be {expected}, found {}", found.type_name()))
}

fn name_list(names: &[&str]) -> String {
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(text: &str) -> Result<Conversation<'_>> {
        Conversation::new(Node::parse_json(text.as_bytes())?)
    }

    #[test]
    fn top_level_nulls_go_and_nested_ones_stay() {
        let parsed = conversation(r#"[{"role": "user", "content": null, "x": {"y": null}}]"#).unwrap();
        let names: Vec<_> = parsed.messages[0].iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["role", "x"]);
        assert_eq!(parsed.messages[0][1].1, Node::Map(vec![("y".into(), Node::Null)]));
    }

    #[test]
    fn reasoning_is_found_under_every_name() {
        let parsed = conversation(r#"[{"role": "assistant", "reasoning": "r", "content": "c"}]"#).unwrap();
        for name in ["reasoning", "reasoning_content", "thinking"] {
            assert_eq!(field(&parsed.messages[0], name).and_then(Node::as_str), Some("r"), "{name}");
        }
    }

    #[test]
    fn a_string_of_json_is_read() {
        let parsed = conversation(r#""[{\"role\": \"user\", \"content\": \"a\\nb\"}]""#).unwrap();
        assert_eq!(field(&parsed.messages[0], "content").and_then(Node::as_str), Some("a\nb"));
    }

    #[test]
    fn faults_name_the_message() {
        for (text, kind, message) in [
            ("[]", Kind::EmptyConversation, None),
            ("3", Kind::WrongType, None),
            (r#"[{"role": "user"}, 4]"#, Kind::WrongType, Some(1)),
            (r#"[{"content": "x"}]"#, Kind::WrongType, Some(0)),
            (r#"[{"role": 1}]"#, Kind::WrongType, Some(0)),
            (r#"[{"from": "martian", "value": "x"}]"#, Kind::UnknownRole, Some(0)),
        ] {
            let error = conversation(text).unwrap_err();
            assert_eq!((error.kind, error.message), (kind, message), "{text}: {error}");
        }
    }
}
