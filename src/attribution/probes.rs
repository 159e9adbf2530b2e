//! The small conversations that a template's facts are learnt from.

use std::borrow::Cow;

use super::facts::Speaker;
use crate::conversation::{Fields, Node};

/// Contents of probes: words that no template prints of itself.
pub(super) const WORDS: [&str; 5] = ["Quorvex", "Zimbalto", "Wexpundit", "Jarnivole", "Kestrumph"];

fn message(role: &'static str, content: &str) -> Fields<'static> {
    vec![
        (Cow::Borrowed("role"), Node::Str(Cow::Borrowed(role))),
        (Cow::Borrowed("content"), Node::Str(Cow::Owned(content.to_owned()))),
    ]
}

fn user(word: usize) -> Fields<'static> {
    message("user", WORDS[word])
}

fn assistant(word: usize) -> Fields<'static> {
    message("assistant", WORDS[word])
}

pub(super) fn dialogue() -> [Fields<'static>; 4] {
    [user(0), assistant(1), user(2), assistant(3)]
}

/// How the arguments of a probe's call are given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arguments {
    Object,
    Text,
}

pub(super) fn ending_with(speaker: Speaker, form: Arguments) -> Vec<Fields<'static>> {
    match speaker {
        Speaker::System => vec![message("system", WORDS[4])],
        Speaker::User => vec![user(0)],
        Speaker::Assistant => vec![user(0), assistant(1)],
        Speaker::Tool => {
            let text = |text: &'static str| Node::Str(Cow::Borrowed(text));
            // Some templates insist on ids of nine characters.
            let arguments = match form {
                Arguments::Object => Node::Map(vec![(Cow::Borrowed("place"), text(WORDS[2]))]),
                Arguments::Text => Node::Str(Cow::Owned(format!("{{\"place\": \"{}\"}}", WORDS[2]))),
            };
            let function =
                Node::Map(vec![(Cow::Borrowed("name"), text("find")), (Cow::Borrowed("arguments"), arguments)]);
            let call = Node::Map(vec![
                (Cow::Borrowed("id"), text("call00001")),
                (Cow::Borrowed("type"), text("function")),
                (Cow::Borrowed("function"), function),
            ]);
            let mut calling = message("assistant", "");
            calling.push((Cow::Borrowed("tool_calls"), Node::List(vec![call])));
            let mut result = message("tool", WORDS[3]);
            result.push((Cow::Borrowed("name"), text("find")));
            result.push((Cow::Borrowed("tool_call_id"), text("call00001")));
            vec![user(0), calling, result]
        }
    }
}

/// Tools for a probe: none, an empty list or one tool, as the row has them. Always the same tool, so that the facts do
/// not depend on which row asks first.
pub(super) fn probe_tools(of_row: Option<&Node<'_>>) -> Option<Node<'static>> {
    let definition = br#"[{"type": "function", "function": {"name": "find", "description": "Finds a place.",
        "parameters": {"type": "object", "properties": {"place": {"type": "string", "description": "A place."}},
        "required": ["place"]}}}]"#;
    match of_row? {
        Node::List(tools) if tools.is_empty() => Some(Node::List(Vec::new())),
        _ => Node::parse_json(definition).ok(),
    }
}

/// Documents for a probe of a row that has some: always the same one.
pub(super) fn probe_documents() -> Node<'static> {
    let field = |name: &'static str| (Cow::Borrowed(name), Node::Str(Cow::Borrowed("A place.")));
    Node::List(vec![Node::Map(["title", "text", "content", "contents", "snippet"].map(field).to_vec())])
}
