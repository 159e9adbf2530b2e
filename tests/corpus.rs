//! Tests of the corpus in `tests/corpus`, which the Python tests read too: texts, trained spans, token ids and labels.
//!
//! The files hold the results of transformers and tokenizers. `tests/corpus/make.py` writes and describes them.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use chatmill::attribution::Attributor;
use chatmill::batch::Mill;
use chatmill::data::{Fields, Node, field};
use chatmill::encode::Options;
use chatmill::label::MASKED;
use chatmill::rows::{Conversation, TemplateVariables};
use chatmill::template::{self, ChatTemplate, Request};
use chatmill::tokenizer::{EngineChoice, EngineName, Tokenizer};
use chrono::NaiveDateTime;

type Line = Fields<'static>;

/// Without a stop token, chatmill does not train white space at the end of a turn: docs/labels.md, Limits. This turn is
/// the blank before an empty answer.
const BLANK_TURN: (&str, &str, usize) = ("falcon", "empty", 4);

const TEXTS: usize = 511;
const REFUSALS: usize = 101;
/// Assistant turns in all texts.
const TURNS: usize = 1_003;
/// Assistant turns whose borders are ambiguous without the tags.
const AMBIGUOUS_TURNS: usize = 25;
/// Lines of `ids.jsonl`.
const ID_LINES: usize = 305;
/// Lines of `ids.jsonl` where the spans are the same with and without the tags.
const ID_LINES_WITHOUT_TAGS: usize = 291;

/// The files of the corpus.
struct Corpus {
    now: NaiveDateTime,
    /// The tools and documents for templates that require some.
    given: Line,
    conversations: Line,
    renders: Vec<Line>,
    ids: Vec<Line>,
}

static CORPUS: LazyLock<Corpus> = LazyLock::new(|| {
    let definitions = object(&fs::read(folder().join("conversations.json")).unwrap());
    Corpus {
        now: text(&definitions, "now").parse().unwrap(),
        given: map(&definitions, "given").clone(),
        conversations: map(&definitions, "conversations").clone(),
        renders: lines("renders.jsonl"),
        ids: lines("ids.jsonl"),
    }
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn folder() -> PathBuf {
    root().join("tests/corpus")
}

fn object(json: &[u8]) -> Line {
    match Node::parse_json(json).unwrap().into_owned() {
        Node::Map(fields) => fields,
        other => panic!("{other:?} is no object"),
    }
}

fn lines(name: &str) -> Vec<Line> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    text.lines().map(|line| object(line.as_bytes())).collect()
}

fn text<'f>(fields: &'f Line, name: &str) -> &'f str {
    field(fields, name).and_then(Node::as_str).unwrap()
}

fn map<'f>(fields: &'f Line, name: &str) -> &'f Line {
    match field(fields, name) {
        Some(Node::Map(fields)) => fields,
        other => panic!("{name} is {other:?}, no object"),
    }
}

fn list<'f>(fields: &'f Line, name: &str) -> &'f [Node<'static>] {
    match field(fields, name) {
        Some(Node::List(items)) => items,
        other => panic!("{name} is {other:?}, no list"),
    }
}

fn number(node: &Node<'_>) -> usize {
    match node {
        Node::Int(number) => usize::try_from(*number).unwrap(),
        other => panic!("{other:?} is no number"),
    }
}

fn range(node: &Node<'_>) -> Range<usize> {
    match node {
        Node::List(edges) => number(&edges[0])..number(&edges[1]),
        other => panic!("{other:?} is no range"),
    }
}

/// The spans of a line, and None for a turn whose borders are ambiguous.
fn spans(line: &Line, form: &str) -> Vec<Option<Range<usize>>> {
    list(line, form).iter().map(|node| (*node != Node::Null).then(|| range(node))).collect()
}

/// The ranges without empty ones, with neighbors joined.
fn joined(ranges: impl IntoIterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ if range.is_empty() => {}
            _ => out.push(range),
        }
    }
    out
}

/// The template and its conversation, by their names.
fn names(line: &Line) -> (&str, &str) {
    (text(line, "template"), text(line, "conversation"))
}

/// The line of `renders.jsonl` with the template and the conversation of `line`.
fn render_of(line: &Line) -> &'static Line {
    CORPUS.renders.iter().find(|it| names(it) == names(line)).unwrap()
}

fn conversation(line: &Line) -> Conversation<'static> {
    let (template, name) = names(line);
    let fields = map(&CORPUS.conversations, name);
    let settings = object(&fs::read(root().join("templates").join(format!("{template}.json"))).unwrap());
    let requires = |name: &str| match field(&settings, "requires") {
        Some(Node::List(items)) => items.iter().any(|item| item.as_str() == Some(name)),
        _ => false,
    };
    let context = |name: &str| {
        let given = if requires(name) { field(&CORPUS.given, name) } else { None };
        field(fields, name).or(given).cloned()
    };
    let variables = TemplateVariables::read(field(fields, "variables").cloned()).unwrap();
    let conversation = Conversation::new(field(fields, "messages").unwrap().clone()).unwrap();
    let conversation = conversation.with_tools(context("tools")).unwrap();
    conversation.with_documents(context("documents")).unwrap().with_variables(variables)
}

fn tagged(name: &str) -> ChatTemplate {
    let template = template::named(name, &[]).unwrap();
    assert!(template.has_generation(), "{name}");
    template
}

/// The template with `if true` blocks instead of its `{% generation %}` blocks, which trim white space in the same way.
fn untagged(name: &str) -> ChatTemplate {
    let tagged = tagged(name);
    let source = tagged.source().replace("{%- generation %}", "{%- if true %}");
    let source = source.replace("{%- endgeneration %}", "{%- endif %}");
    let template = ChatTemplate::new(name, &source, tagged.special_tokens()).unwrap();
    assert!(!template.has_generation(), "{name}");
    template
}

/// Calls `check` with each line that has a text, and with its conversation.
fn each_text(mut check: impl FnMut(&Line, &Conversation<'static>)) {
    let printed: Vec<&Line> = CORPUS.renders.iter().filter(|line| field(line, "text").is_some()).collect();
    assert_eq!(printed.len(), TEXTS);
    for line in printed {
        check(line, &conversation(line));
    }
}

fn request<'r>(
    conversation: &'r Conversation<'static>,
    variables: &'r TemplateVariables<'static>,
) -> Request<'r, 'static> {
    Request { now: Some(CORPUS.now), ..Request::of(conversation, variables) }
}

#[test]
fn every_template_and_conversation_has_a_line() {
    let pairs: BTreeSet<(&str, &str)> = CORPUS.renders.iter().map(names).collect();
    let expected: BTreeSet<(&str, &str)> = template::names()
        .flat_map(|template| CORPUS.conversations.iter().map(move |(name, _)| (template, &**name)))
        .collect();
    assert_eq!(pairs, expected);
    assert_eq!(pairs.len(), TEXTS + REFUSALS);
}

#[test]
fn texts_are_those_of_transformers() {
    let none = TemplateVariables::default();
    each_text(|line, conversation| {
        let Some(Node::List(prompted)) = field(line, "prompted") else { panic!("{:?}", names(line)) };
        let shared = &text(line, "text")[..number(&prompted[0])];
        let prompted = format!("{shared}{}", prompted[1].as_str().unwrap());
        for template in [tagged(text(line, "template")), untagged(text(line, "template"))] {
            for (add_generation_prompt, expected) in [(false, text(line, "text")), (true, prompted.as_str())] {
                let request = Request { add_generation_prompt, ..request(conversation, &none) };
                let found = template.text(request).unwrap_or_else(|error| panic!("{:?}: {error}", names(line)));
                assert_eq!(found, expected, "{:?}", names(line));
            }
        }
    });
}

#[test]
fn refusals_are_those_of_transformers() {
    let none = TemplateVariables::default();
    let refused: Vec<&Line> = CORPUS.renders.iter().filter(|line| field(line, "error").is_some()).collect();
    assert_eq!(refused.len(), REFUSALS);
    let mut raised = 0;
    for line in refused {
        let conversation = conversation(line);
        let [kind, words] = list(line, "error") else { panic!("{:?}", names(line)) };
        for template in [tagged(text(line, "template")), untagged(text(line, "template"))] {
            let error = template.text(request(&conversation, &none)).unwrap_err();
            // The text of `raise_exception` comes from the template. After the text of another exception, which comes
            // from Python, the expression of the template follows.
            let (code, found) = match kind.as_str() {
                Some("TemplateError") => ("template_raised", error.text.as_str()),
                _ => ("template_failed", error.text.split(" (in `").next().unwrap()),
            };
            assert_eq!((error.kind.code(), Some(found)), (code, words.as_str()), "{:?}", names(line));
            raised += usize::from(error.kind.code() == "template_raised");
        }
    }
    assert_eq!(raised, 2 * 88);
}

#[test]
fn tagged_spans_are_those_of_transformers() {
    let none = TemplateVariables::default();
    let mut turns = 0;
    each_text(|line, conversation| {
        let rendered = tagged(text(line, "template")).render(request(conversation, &none)).unwrap();
        let found = rendered.generation.unwrap();
        let expected: Vec<Range<usize>> = spans(line, "tagged").into_iter().map(Option::unwrap).collect();
        turns += expected.len();
        assert_eq!(joined(found), joined(expected), "{:?}", names(line));
    });
    assert_eq!(turns, TURNS);
}

#[test]
fn regions_without_tags_are_what_other_renders_show() {
    let none = TemplateVariables::default();
    let (mut turns, mut ambiguous, mut different) = (0, 0, Vec::new());
    let mut attributors: BTreeMap<String, Attributor> = BTreeMap::new();
    each_text(|line, conversation| {
        let (template, name) = names(line);
        let of_template = || Attributor::new(Arc::new(untagged(template)));
        let attributor = attributors.entry(template.to_owned()).or_insert_with(of_template);
        let (text, attributed) = attributor.regions(request(conversation, &none)).unwrap();
        let regions = attributed.unwrap_or_else(|error| panic!("{template}, {name}: {error}")).regions;
        regions.check(&text).unwrap();
        let assistant = (0..conversation.messages.len()).filter(|&index| conversation.role(index) == "assistant");
        let assistant: Vec<usize> = assistant.collect();
        let spans = spans(line, "untagged");
        assert_eq!(spans.len(), assistant.len(), "{template}, {name}");
        for (index, span) in assistant.into_iter().zip(spans) {
            let generated = regions.as_slice().iter().filter(|it| it.message == Some(index) && it.kind.is_generated());
            let found = joined(generated.map(|it| it.start..it.end));
            turns += 1;
            ambiguous += usize::from(span.is_none());
            if span.is_some_and(|span| found != joined([span])) {
                different.push((template.to_owned(), name.to_owned(), index));
            }
        }
    });
    let (template, name, index) = BLANK_TURN;
    assert_eq!(different, [(template.to_owned(), name.to_owned(), index)]);
    assert_eq!((turns, ambiguous), (TURNS, AMBIGUOUS_TURNS));
}

/// The labels of a line of `ids.jsonl`.
fn expected_labels(line: &Line, ids: &[u32]) -> Vec<i32> {
    let trained: Vec<Range<usize>> = list(line, "trained").iter().map(range).collect();
    let label = |(index, id): (usize, &u32)| match trained.iter().any(|range| range.contains(&index)) {
        true => i32::try_from(*id).unwrap(),
        false => MASKED,
    };
    ids.iter().enumerate().map(label).collect()
}

fn tokenizer(name: &str, choice: EngineChoice) -> Arc<Tokenizer> {
    let definition = fs::read_to_string(folder().join("tokenizers").join(format!("{name}.json"))).unwrap();
    Arc::new(Tokenizer::new(name, &definition, &[], choice).unwrap())
}

/// Compares all lines of a tokenizer. Returns how many it compared with tags and without.
fn check_ids(name: &str, choice: EngineChoice) -> (usize, usize) {
    let tokenizer = tokenizer(name, choice);
    let (mut with_tags, mut without_tags) = (0, 0);
    for line in CORPUS.ids.iter().filter(|line| text(line, "tokenizer") == name) {
        let expected: Vec<u32> = list(line, "ids").iter().map(|id| u32::try_from(number(id)).unwrap()).collect();
        let render = render_of(line);
        let mut ids = Vec::new();
        tokenizer.ids(text(render, "text"), &mut ids).unwrap();
        assert_eq!(ids, expected, "{name}: {:?}", names(line));
        let check = |template: ChatTemplate| {
            let options = Options { now: Some(CORPUS.now), ..Options::default() };
            let mill = Mill::new(Arc::clone(&tokenizer), Some(Arc::new(template)), options).unwrap();
            let row = mill.encode(conversation(line)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let [encoding] = row.samples.as_slice() else { panic!("{} samples", row.samples.len()) };
            assert_eq!(encoding.text(), text(render, "text"));
            assert_eq!(encoding.ids, expected, "{name}: {:?}", names(line));
            assert_eq!(encoding.labels, expected_labels(line, &expected), "{name}: {:?}", names(line));
        };
        check(tagged(text(line, "template")));
        with_tags += 1;
        let is_blank_turn = names(line) == (BLANK_TURN.0, BLANK_TURN.1);
        if spans(render, "untagged") == spans(render, "tagged") && !is_blank_turn {
            check(untagged(text(line, "template")));
            without_tags += 1;
        }
    }
    (with_tags, without_tags)
}

#[test]
fn ids_and_labels_are_those_of_tokenizers() {
    let mut tokenizers: Vec<String> = fs::read_dir(folder().join("tokenizers"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    tokenizers.sort();
    assert_eq!(tokenizers, ["byte_bpe", "byte_bpe_split", "metaspace_bpe", "unigram", "wordlevel", "wordpiece"]);
    for choice in [EngineChoice::Auto, EngineChoice::Reference] {
        let counts: Vec<(usize, usize)> = tokenizers.iter().map(|name| check_ids(name, choice)).collect();
        assert_eq!(counts.iter().map(|(with_tags, _)| with_tags).sum::<usize>(), ID_LINES);
        assert_eq!(counts.iter().map(|(_, without_tags)| without_tags).sum::<usize>(), ID_LINES_WITHOUT_TAGS);
    }
}

#[test]
fn byte_level_tokenizers_have_a_fast_engine() {
    for name in ["byte_bpe", "byte_bpe_split"] {
        let tokenizer = tokenizer(name, EngineChoice::Auto);
        assert_eq!(tokenizer.engine().name, EngineName::Fast, "{}", tokenizer.engine().reason);
    }
}
