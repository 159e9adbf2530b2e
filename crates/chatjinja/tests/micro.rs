//! The corpus of small templates, one feature of Jinja2 each, with the texts that transformers' Jinja2 gives.
//!
//! `CHATMILL_CORPUS` is the folder of the corpus; by default it is `../shared` from the workspace root.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chatjinja::{Fields, Input, Node, Template, field};

/// The templates whose text differs from that of transformers, with their text here.
const DIFFER: [(&str, &str); 1] = [
    // Two templates have this id, and both have the text of the second one.
    ("is.callable", "False|False"),
];

fn corpus() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("CHATMILL_CORPUS").map_or_else(default, PathBuf::from)
}

/// The text without addresses: Python prints a different address each time.
fn masked(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str("0x…");
        masked.push_str(part.trim_start_matches(|it: char| it.is_ascii_digit() || matches!(it, 'a'..='f')));
    }
    masked
}

fn rendered(source: &str, variables: &Fields<'_>) -> Option<String> {
    let template = Template::new("micro", source).ok()?;
    template.render(Input::new(variables)).ok().map(|rendered| rendered.text)
}

#[test]
fn texts_are_those_of_transformers() {
    let path = corpus().join("corpus/micro.jsonl");
    let Ok(lines) = std::fs::read_to_string(&path) else {
        // Written directly, since the test harness hides what a passing test prints.
        let _ = writeln!(std::io::stderr(), "skipped: there is no {}; set CHATMILL_CORPUS", path.display());
        return;
    };
    let mut differ: BTreeMap<String, String> = BTreeMap::new();
    let mut equal = 0;
    for line in lines.lines() {
        let Node::Map(snippet) = Node::parse_json(line.as_bytes()).unwrap() else { panic!("not an object: {line}") };
        let text_of = |name: &str| field(&snippet, name).and_then(Node::as_str).unwrap();
        let Some(Node::Map(given)) = field(&snippet, "ctx") else { panic!("no variables: {line}") };
        let Some(Node::List(reference)) = field(&snippet, "ref") else { panic!("no reference: {line}") };
        let expected = match reference.as_slice() {
            [Node::Str(state), Node::Str(text)] if state == "ok" => Some(text.as_ref()),
            _ => None,
        };
        let mut variables = given.clone();
        if field(&variables, "messages").is_none() {
            let messages = Node::parse_json(br#"[{"role": "user", "content": "x"}]"#).unwrap();
            variables.push(("messages".into(), messages));
        }
        let found = rendered(text_of("template"), &variables);
        if found.as_deref().map(masked) == expected.map(masked) {
            equal += 1;
        } else {
            differ.insert(text_of("id").to_owned(), found.unwrap_or_else(|| "not rendered".to_owned()));
        }
    }
    let known = DIFFER.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
    assert_eq!(differ, known);
    assert_eq!(equal, 483);
}
