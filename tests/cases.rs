//! Tests of the cases in `tests/cases`, which the Python tests read too: texts as transformers renders them, and labels
//! written by hand.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chatmill::batch::Mill;
use chatmill::data::{Fields, Node, field};
use chatmill::encode::{EncodedRow, Encoding, LabelChoice, Options};
use chatmill::error::{Error, Result};
use chatmill::label::MASKED;
use chatmill::rows::{Conversation, TemplateVariables};
use chatmill::template::{ChatTemplate, Request};
use chatmill::tokenizer::{EngineChoice, EngineName, Tokenizer};

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn byte_tokenizer() -> Arc<Tokenizer> {
    let definition = fs::read_to_string(tests_folder().join("data/byte_tokenizer.json")).unwrap();
    let tokenizer = Tokenizer::new("bytes", &definition, &[], EngineChoice::Auto).unwrap();
    assert_eq!(tokenizer.engine().name, EngineName::Fast, "{}", tokenizer.engine().reason);
    Arc::new(tokenizer)
}

struct Case<'a>(Fields<'a>);

impl<'a> Case<'a> {
    fn text(&self, name: &str) -> Option<&str> {
        field(&self.0, name).and_then(Node::as_str)
    }

    fn node(&self, name: &str) -> Option<Node<'a>> {
        field(&self.0, name).cloned()
    }

    fn template(&self) -> Result<ChatTemplate> {
        let tokens: Vec<(String, String)> = match self.node("special_tokens") {
            Some(Node::Map(fields)) => fields
                .into_iter()
                .map(|(name, token)| (name.into_owned(), token.as_str().unwrap().to_owned()))
                .collect(),
            _ => Vec::new(),
        };
        ChatTemplate::new("case", self.text("template").unwrap(), &tokens)
    }

    fn conversation(&self) -> Result<Conversation<'a>> {
        let variables = TemplateVariables::read(self.node("variables"))?;
        let conversation = Conversation::new(self.node("messages").unwrap())?.with_tools(self.node("tools"))?;
        Ok(conversation.with_variables(variables))
    }

    fn render(&self) -> Result<String> {
        let (template, conversation) = (self.template()?, self.conversation()?);
        let add_generation_prompt = self.node("add_generation_prompt") == Some(Node::Bool(true));
        let none = TemplateVariables::default();
        let request = Request { add_generation_prompt, ..Request::of(&conversation, &none) };
        template.text(request)
    }

    fn encode(&self, tokenizer: &Arc<Tokenizer>) -> Result<EncodedRow> {
        let labels = match self.node("labels") {
            Some(labels) => LabelChoice::from_json(&labels.to_json())?,
            None => LabelChoice::default(),
        };
        let mill = Mill::new(
            Arc::clone(tokenizer),
            Some(Arc::new(self.template()?)),
            Options { labels, ..Options::default() },
        )?;
        mill.encode(self.conversation()?)
    }
}

fn each_case(check: impl Fn(&str, &Case<'_>)) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(tests_folder().join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    // A folder that lost its cases must not pass.
    assert_eq!(paths.len(), 63);
    for path in paths {
        let text = fs::read(&path).unwrap();
        let Ok(Node::Map(fields)) = Node::parse_json(&text) else { panic!("{} is no case", path.display()) };
        check(path.file_stem().unwrap().to_str().unwrap(), &Case(fields));
    }
}

/// The trained spans of the text, neighbors joined.
fn trained(encoding: &Encoding) -> Vec<String> {
    let mut spans: Vec<Vec<u8>> = Vec::new();
    let mut start = 0;
    let mut open = false;
    for (&end, &label) in encoding.ends.iter().zip(&encoding.labels) {
        if label != MASKED {
            if !open {
                spans.push(Vec::new());
            }
            spans.last_mut().unwrap().extend_from_slice(&encoding.text().as_bytes()[start..end as usize]);
        }
        open = label != MASKED;
        start = end as usize;
    }
    spans.into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
}

fn number(node: &Node<'_>) -> f64 {
    match node {
        Node::Int(number) => *number as f64,
        Node::Float(number) => *number,
        other => panic!("{other:?} is no number"),
    }
}

fn check_error(name: &str, error: &Error, expected: &Fields<'_>) {
    assert_eq!(Some(error.kind.code()), field(expected, "code").and_then(Node::as_str), "{name}: {error}");
    for (key, found) in [("message", error.message), ("template_line", error.template_line)] {
        if let Some(Node::Int(place)) = field(expected, key) {
            assert_eq!(found, Some(*place as usize), "{name}: {key} of {error}");
        }
    }
    if let Some(text) = field(expected, "text").and_then(Node::as_str) {
        assert_eq!(error.text, text, "{name}");
    }
}

#[test]
fn texts_are_those_of_transformers() {
    each_case(|name, case| {
        // `tests/cases/expect.py` writes a text wherever transformers renders one.
        if let Some(expected) = case.text("text") {
            let text = case.render().unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(text, expected, "{name}");
        }
    });
}

#[test]
fn labels_train_the_text_that_the_model_generates() {
    let tokenizer = byte_tokenizer();
    each_case(|name, case| match (case.node("trained"), case.node("error")) {
        (Some(Node::List(expected)), _) => {
            let row = case.encode(&tokenizer).unwrap_or_else(|error| panic!("{name}: {error}"));
            let [encoding] = row.samples.as_slice() else { panic!("{name} has {} samples", row.samples.len()) };
            let expected: Vec<&str> = expected.iter().map(|node| node.as_str().unwrap()).collect();
            assert_eq!(trained(encoding), expected, "{name}");
            if let Some(Node::List(notes)) = case.node("notes") {
                let expected: Vec<&str> = notes.iter().map(|note| note.as_str().unwrap()).collect();
                let found: Vec<&str> = row.notes.iter().map(|note| note.code()).collect();
                assert_eq!(found, expected, "{name}");
            }
            if let Some(Node::List(weights)) = case.node("weights") {
                let expected: Vec<f64> = weights.iter().map(number).collect();
                let mut found: Vec<f64> = encoding.weights.as_ref().unwrap().iter().copied().map(f64::from).collect();
                found.dedup();
                assert_eq!(found, expected, "{name}");
            }
        }
        (_, Some(Node::Map(expected))) => {
            let error = case.encode(&tokenizer).expect_err(name);
            check_error(name, &error, &expected);
        }
        _ => {}
    });
}

#[test]
fn regions_cover_every_text() {
    let tokenizer = byte_tokenizer();
    each_case(|name, case| {
        if case.node("trained").is_none() {
            return;
        }
        let row = case.encode(&tokenizer).unwrap_or_else(|error| panic!("{name}: {error}"));
        for encoding in &row.samples {
            let regions = encoding.regions().as_ref().unwrap_or_else(|error| panic!("{name}: {error}"));
            regions.check(encoding.text()).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    });
}
