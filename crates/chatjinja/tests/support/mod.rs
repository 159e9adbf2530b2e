//! Variables from JSON, with the messages as records.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test uses a part of it, and may fail")]

use chatjinja::{Fields, Global, Globals, Input, Node, RenderError, Template, field};

/// Variables of a render: `messages` are the records, all others are data.
pub struct Variables<'a> {
    pub messages: Vec<Fields<'a>>,
    pub others: Fields<'a>,
}

impl<'a> Variables<'a> {
    /// The variables in a JSON object. Its `messages` must be objects.
    pub fn parse(json: &'a str) -> Variables<'a> {
        let Node::Map(mut others) = Node::parse_json(json.as_bytes()).unwrap() else { panic!("not an object: {json}") };
        let messages = others.iter().position(|(name, _)| name == "messages").map(|at| others.remove(at).1);
        let messages = match messages {
            Some(Node::List(items)) => items
                .into_iter()
                .map(|item| match item {
                    Node::Map(fields) => fields,
                    other => panic!("not a message: {other:?}"),
                })
                .collect(),
            _ => Vec::new(),
        };
        Variables { messages, others }
    }

    pub fn input(&self) -> Input<'_> {
        Input { records: &self.messages, ..Input::new(self) }
    }
}

impl Globals for Variables<'_> {
    fn get(&self, name: &str) -> Option<Global<'_>> {
        if name == "messages" { Some(Global::Records) } else { field(&self.others, name).map(Global::Node) }
    }
}

pub fn template(source: &str) -> Template {
    Template::new("test", source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// The text of a template with variables from JSON.
pub fn try_render(source: &str, json: &str) -> Result<String, RenderError> {
    let variables = Variables::parse(json);
    template(source).render(variables.input()).map(|rendered| rendered.text)
}

pub fn render(source: &str, json: &str) -> String {
    try_render(source, json).unwrap_or_else(|error| panic!("{source}: {error}"))
}
