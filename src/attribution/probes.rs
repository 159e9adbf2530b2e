//! The small conversations from which the profile of a template is learned.

use std::borrow::Cow;

use crate::data::{Fields, Node};
use crate::rows::{REASONING_FIELDS, Role};

/// The contents of the probes: words that no template contains.
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

/// Two questions with their answers.
pub(super) fn dialogue() -> [Fields<'static>; 4] {
    [user(0), assistant(1), user(2), assistant(3)]
}

/// A question with an answer that has reasoning, under all names that templates read.
pub(super) fn reasoned() -> [Fields<'static>; 2] {
    let mut answer = assistant(1);
    answer.extend(REASONING_FIELDS.map(|name| (Cow::Borrowed(name), Node::Str(Cow::Owned(WORDS[3].to_owned())))));
    [user(0), answer]
}

/// Conversations that end with a message of `role`, the simplest first. Some templates require a system prompt, some
/// print the first messages by index, and some accept the arguments of calls as JSON text only.
pub(super) fn ending_with(role: Role) -> Vec<Vec<Fields<'static>>> {
    let system = || message("system", WORDS[4]);
    match role {
        Role::System => vec![vec![system()]],
        Role::User => vec![vec![user(0)], vec![system(), user(0)], vec![user(0), assistant(1), user(2)]],
        Role::Assistant => vec![vec![user(0), assistant(1)], vec![system(), user(0), assistant(1)]],
        Role::Tool => {
            let text = |text: &'static str| Node::Str(Cow::Borrowed(text));
            let object = Node::Map(vec![(Cow::Borrowed("place"), text(WORDS[2]))]);
            let json = Node::Str(Cow::Owned(format!("{{\"place\": \"{}\"}}", WORDS[2])));
            let with = |arguments: &Node<'static>| {
                let [calling, result] = call_and_result(arguments.clone());
                vec![user(0), calling, result]
            };
            let after_system = |mut messages: Vec<Fields<'static>>| {
                messages.insert(0, system());
                messages
            };
            let alone = [with(&object), with(&json)];
            alone.clone().into_iter().chain(alone.map(after_system)).collect()
        }
    }
}

/// A message that calls a tool, and the tool result.
fn call_and_result(arguments: Node<'static>) -> [Fields<'static>; 2] {
    let text = |text: &'static str| Node::Str(Cow::Borrowed(text));
    let function = Node::Map(vec![(Cow::Borrowed("name"), text("find")), (Cow::Borrowed("arguments"), arguments)]);
    // Some templates require ids of nine characters.
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
    [calling, result]
}

/// The tools of a probe: none, an empty list or one tool, like the row. It is always the same tool, so that the profile
/// does not depend on which row comes first.
pub(super) fn probe_tools(of_row: Option<&Node<'_>>) -> Option<Node<'static>> {
    let definition = br#"[{"type": "function", "function": {"name": "find", "description": "Finds a place.",
        "parameters": {"type": "object", "properties": {"place": {"type": "string", "description": "A place."}},
        "required": ["place"]}}}]"#;
    match of_row? {
        Node::List(tools) if tools.is_empty() => Some(Node::List(Vec::new())),
        _ => Node::parse_json(definition).ok(),
    }
}

/// The documents of a probe for a row with documents: always the same one.
pub(super) fn probe_documents() -> Node<'static> {
    let field = |name: &'static str| (Cow::Borrowed(name), Node::Str(Cow::Borrowed("A place.")));
    Node::List(vec![Node::Map(["title", "text", "content", "contents", "snippet"].map(field).to_vec())])
}
