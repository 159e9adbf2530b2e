//! Benchmark of the stages of a row, in one thread: `cargo bench --bench stages`.
//!
//! By default, the conversations are generated and the tokenizer has one token per byte, so that no files are needed.
//! `CHATMILL_ROWS` is the path of a JSONL file whose first thousand rows are used instead, `CHATMILL_TOKENIZER` that of
//! a `tokenizer.json`. Times are per row.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{Array, ArrayRef, BinaryArray, ListArray, RecordBatch, StringArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field;
use chatmill::attribution::Attributor;
use chatmill::batch::Mill;
use chatmill::data::{Node, RowLayout, field};
use chatmill::encode::Options;
use chatmill::label::{self, Boundary, Labels, Span};
use chatmill::rows::{Conversation, RowReader, TemplateVariables};
use chatmill::template::{self, ChatTemplate, Request};
use chatmill::tokenizer::{EngineChoice, Tokenizer, Tokens};
use criterion::{Criterion, criterion_group, criterion_main};

/// The number of rows to generate if no file is given.
const GENERATED_ROWS: usize = 64;
/// The number of rows to read from a file.
const FILE_ROWS: usize = 1000;

fn rows() -> Vec<String> {
    match std::env::var_os("CHATMILL_ROWS") {
        Some(path) => std::fs::read_to_string(path).unwrap().lines().take(FILE_ROWS).map(str::to_owned).collect(),
        None => generated_rows(),
    }
}

/// Rows of ten messages and about 2.5 kB of text, as JSON.
fn generated_rows() -> Vec<String> {
    let sentence = "The quick brown fox, after 42 attempts, jumps over the lazy dog again; nobody knows why. ";
    (0..GENERATED_ROWS)
        .map(|row| {
            let mut text = String::from(r#"{"messages": ["#);
            for message in 0..10 {
                let role = if message % 2 == 0 { "user" } else { "assistant" };
                let content = format!("{row}.{message} {}", sentence.repeat(1 + (row + message) % 5));
                let comma = if message > 0 { ", " } else { "" };
                write!(text, r#"{comma}{{"role": "{role}", "content": "{content}"}}"#).unwrap();
            }
            text + "]}"
        })
        .collect()
}

fn conversation(row: &str) -> Conversation<'_> {
    let Node::Map(fields) = Node::parse_json(row.as_bytes()).unwrap() else { panic!("no row") };
    Conversation::from_fields(fields).unwrap()
}

fn request<'r, 'c>(conversation: &'r Conversation<'c>, variables: &'r TemplateVariables<'r>) -> Request<'r, 'c> {
    Request::of(conversation, variables)
}

/// A row with five variables that no other row has.
fn own_variables((row, mut conversation): (usize, Conversation<'_>)) -> Conversation<'_> {
    let names = ["id", "source", "language", "quality", "split"];
    let variables = names.map(|name| (name.into(), Node::Str(format!("{name} {row}").into())));
    conversation.variables = TemplateVariables::new(variables.to_vec()).expect("no reserved names");
    conversation
}

fn tokenizer() -> Arc<Tokenizer> {
    let definition = match std::env::var_os("CHATMILL_TOKENIZER") {
        Some(path) => std::fs::read_to_string(path).unwrap(),
        None => include_str!("../tests/data/byte_tokenizer.json").to_owned(),
    };
    Arc::new(Tokenizer::new("bench", &definition, &[], EngineChoice::Auto).unwrap())
}

/// The messages of all rows as one Arrow column, list of struct.
fn arrow_batch(conversations: &[Conversation<'_>]) -> RecordBatch {
    let text = |name: &'static str| {
        let values = conversations.iter().flat_map(|conversation| &conversation.messages);
        values.map(|message| field(message, name).and_then(Node::as_str)).collect::<StringArray>()
    };
    let columns: Vec<(&str, ArrayRef)> = vec![("role", Arc::new(text("role"))), ("content", Arc::new(text("content")))];
    let messages = StructArray::from(RecordBatch::try_from_iter(columns).unwrap());
    let item = Arc::new(Field::new("item", messages.data_type().clone(), true));
    let lengths = conversations.iter().map(|conversation| conversation.messages.len());
    let list = ListArray::new(item, OffsetBuffer::from_lengths(lengths), Arc::new(messages), None);
    RecordBatch::try_from_iter([("messages", Arc::new(list) as ArrayRef)]).unwrap()
}

fn stages(criterion: &mut Criterion) {
    let rows = rows();
    let tagged = template::named("chatml", &[]).unwrap();
    let untagged = "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{%- endfor %}\
                    {%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}";
    let untagged = Arc::new(ChatTemplate::new("untagged", untagged, &[]).unwrap());
    let attributor = Attributor::new(Arc::clone(&untagged));
    let conversations: Vec<Conversation<'_>> = rows.iter().map(|row| conversation(row)).collect();
    let none = TemplateVariables::default();
    let texts: Vec<String> =
        conversations.iter().map(|conversation| tagged.render(request(conversation, &none)).unwrap().text).collect();
    let tokenizer = tokenizer();

    let batch = arrow_batch(&conversations);
    let count = rows.len() as u32;
    let bytes: usize = texts.iter().map(String::len).sum();
    eprintln!("{count} rows of {} bytes of text; {:?}", bytes / rows.len(), tokenizer.engine());

    let mut group = criterion.benchmark_group("stages");
    // All rows are run and the time is divided by their number, so one iteration is one average row.
    let mut stage = |name: &str, mut all_rows: Box<dyn FnMut() + '_>| {
        group.bench_function(name, |bench| {
            bench.iter_custom(|rounds| {
                let start = Instant::now();
                for _ in 0..rounds {
                    all_rows();
                }
                start.elapsed() / count
            });
        });
    };
    let reader = RowReader::default();
    let columns = reader.table(&batch, RowLayout::Columns).unwrap();
    let read = |row: usize| drop(black_box(reader.read(columns.fields(row).unwrap()).unwrap()));
    stage("arrow", Box::new(|| (0..columns.len()).for_each(read)));
    stage("json", Box::new(|| rows.iter().for_each(|row| drop(black_box(conversation(row))))));
    let render = |template: &ChatTemplate| {
        for conversation in &conversations {
            black_box(template.render(request(conversation, &none)).unwrap());
        }
    };
    stage("render", Box::new(|| render(&tagged)));
    stage(
        "regions",
        Box::new(|| {
            for conversation in &conversations {
                drop(black_box(attributor.regions(request(conversation, &none)).unwrap()));
            }
        }),
    );
    // Each row has different variables, which the template does not read.
    let with_variables: Vec<Conversation<'_>> = conversations.iter().cloned().enumerate().map(own_variables).collect();
    stage(
        "regions, rows with variables",
        Box::new(|| {
            for conversation in &with_variables {
                drop(black_box(attributor.regions(request(conversation, &none)).unwrap()));
            }
        }),
    );
    let mut ids = Vec::new();
    stage(
        "ids",
        Box::new(|| {
            for text in &texts {
                ids.clear();
                tokenizer.ids(text, &mut ids).unwrap();
            }
        }),
    );
    let mut tokens = Tokens::default();
    stage(
        "ids and all ends",
        Box::new(|| {
            for text in &texts {
                tokens.clear();
                tokenizer.tokens(text, &[], &mut tokens).unwrap();
            }
        }),
    );
    let labeled: Vec<_> = conversations
        .iter()
        .map(|conversation| {
            let rendered = tagged.render(request(conversation, &none)).unwrap();
            let (text, spans) = (rendered.text, rendered.generation.unwrap());
            (text, spans.into_iter().map(|range| Span { range, weight: 1.0 }).collect::<Vec<_>>())
        })
        .collect();
    let mut token_spans = Vec::new();
    stage(
        "ids and ends near edges",
        Box::new(|| {
            for (text, spans) in &labeled {
                tokens.clear();
                token_spans.clear();
                tokenizer.aligned(text, &label::edges(spans), &mut tokens, &mut token_spans).unwrap();
            }
        }),
    );
    let labeled: Vec<_> = labeled
        .into_iter()
        .map(|(text, spans)| {
            let (mut tokens, mut token_spans) = (Tokens::default(), Vec::new());
            tokenizer.aligned(&text, &label::edges(&spans), &mut tokens, &mut token_spans).unwrap();
            (tokens.ids, token_spans, spans)
        })
        .collect();
    let mut labels = Vec::new();
    stage(
        "labels",
        Box::new(|| {
            for (ids, token_spans, spans) in &labeled {
                labels.clear();
                label::assign(ids, token_spans, spans, Boundary::Overlap, &mut labels, None);
            }
        }),
    );
    let options = Options { threads: Some(1), ..Options::default() };
    let mill =
        Mill::new(Arc::clone(&tokenizer), Some(Arc::new(template::named("chatml", &[]).unwrap())), options).unwrap();
    stage(
        "whole, arrow",
        Box::new(|| drop(black_box(mill.batch(&batch, 0, RowLayout::Columns, &mut || false).unwrap()))),
    );
    let json: ArrayRef = Arc::new(BinaryArray::from_iter_values(rows.iter().map(String::as_bytes)));
    let json = RecordBatch::try_from_iter([("json", json)]).unwrap();
    stage(
        "whole, json",
        Box::new(|| drop(black_box(mill.batch(&json, 0, RowLayout::Json("json"), &mut || false).unwrap()))),
    );
    let mill_of = |labels: Labels| {
        let options = Options { labels: labels.into(), threads: Some(1), ..Options::default() };
        Mill::new(Arc::clone(&tokenizer), Some(Arc::clone(&untagged)), options).unwrap()
    };
    let (without, with) = (mill_of(Labels::nothing()), mill_of(Labels::default()));
    for (name, mill) in [("whole, json, no labels", &without), ("whole, json, by regions", &with)] {
        stage(
            name,
            Box::new(|| drop(black_box(mill.batch(&json, 0, RowLayout::Json("json"), &mut || false).unwrap()))),
        );
    }
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
