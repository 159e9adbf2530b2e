//! Small templates with the texts and the refusals of transformers, which `snippets/expect.py` writes.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod support;

use std::fs;
use std::path::Path;

use chatjinja::{Input, Node, Template, field};
use support::Variables;

const VARIABLES: &str = r#"{"messages": [{"role": "user", "content": "<think>hi</think>"}]}"#;

#[test]
fn texts_and_refusals_are_those_of_transformers() {
    let variables = Variables::parse(VARIABLES);
    let input = || Input { now: "2026-07-04T13:05:09".parse().ok(), ..variables.input() };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snippets");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "json"));
    paths.sort();
    assert!(!paths.is_empty());
    let mut wrong = Vec::new();
    for path in paths {
        let text = fs::read(&path).unwrap();
        let Ok(Node::Map(group)) = Node::parse_json(&text) else { panic!("{}", path.display()) };
        let Some(Node::List(snippets)) = field(&group, "snippets") else { panic!("{}", path.display()) };
        for snippet in snippets {
            let Node::List(pair) = snippet else { panic!("{snippet:?}") };
            let source = pair[0].as_str().unwrap();
            let found = match Template::new("snippet", source) {
                Ok(template) => template.render(input()).map(|it| it.text).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if found.as_deref().ok() != pair[1].as_str() {
                wrong.push(format!("{source}\n   expected {:?}\n   found    {found:?}", pair[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
