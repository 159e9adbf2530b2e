//! What each stage of a row costs, one thread, on conversations made for the purpose: `cargo bench --bench stages`.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, RecordBatch};
use chatmill::conversation::{Conversation, Layout, Node};
use chatmill::label;
use chatmill::mill::{Mill, Options};
use chatmill::template::{self, ChatTemplate, Request};
use chatmill::tokenizer::{EngineChoice, Tokenizer, Tokens};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ROWS: usize = 64;

/// Rows of ten messages and some 2.5 kB of text, as JSON.
fn rows() -> Vec<String> {
    let sentence = "The quick brown fox, after 42 attempts, jumps over the lazy dog again; nobody knows why. ";
    (0..ROWS)
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
    let Node::Map(mut fields) = Node::parse_json(row.as_bytes()).unwrap() else { panic!("no row") };
    Conversation::from_row(&mut fields).unwrap()
}

fn request<'r, 'c>(
    conversation: &'r Conversation<'c>,
    variables: &'r Vec<(std::borrow::Cow<'r, str>, Node<'r>)>,
) -> Request<'r, 'c> {
    Request { conversation, variables, add_generation_prompt: false }
}

fn tokenizer() -> Arc<Tokenizer> {
    let definition = include_str!("../tests/data/byte_tokenizer.json");
    Arc::new(Tokenizer::new("bytes", definition, &[], EngineChoice::Auto).unwrap())
}

fn stages(criterion: &mut Criterion) {
    let rows = rows();
    let tagged = template::named("chatml", &[]).unwrap();
    let untagged = "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{%- endfor %}\
                    {%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}";
    let untagged = ChatTemplate::new("untagged", untagged, &[]).unwrap();
    let conversations: Vec<Conversation<'_>> = rows.iter().map(|row| conversation(row)).collect();
    let none = Vec::new();
    let texts: Vec<String> =
        conversations.iter().map(|conversation| tagged.render(request(conversation, &none)).unwrap().0).collect();
    let tokenizer = tokenizer();

    let mut group = criterion.benchmark_group("stages");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("json", |bench| {
        bench.iter(|| rows.iter().for_each(|row| drop(black_box(conversation(row)))));
    });
    group.bench_function("render", |bench| {
        bench.iter(|| {
            for conversation in &conversations {
                black_box(tagged.render(request(conversation, &none)).unwrap());
            }
        });
    });
    group.bench_function("regions", |bench| {
        bench.iter(|| {
            for conversation in &conversations {
                let _ = black_box(untagged.regions(request(conversation, &none)).unwrap());
            }
        });
    });
    group.bench_function("tokens", |bench| {
        let mut tokens = Tokens::default();
        bench.iter(|| {
            for text in &texts {
                tokens.clear();
                tokenizer.tokens(text, &[], &mut tokens).unwrap();
            }
        });
    });
    group.bench_function("labels", |bench| {
        let mut tokens = Tokens::default();
        tokenizer.tokens(&texts[0], &[], &mut tokens).unwrap();
        let (_, spans) = tagged.render(request(&conversations[0], &none)).unwrap();
        let mut labels = Vec::new();
        bench.iter(|| {
            for _ in 0..ROWS {
                labels.clear();
                label::append(&tokens.ids, &tokens.ends, &spans, &mut labels);
            }
        });
    });
    group.bench_function("whole", |bench| {
        let column: ArrayRef = Arc::new(BinaryArray::from_iter_values(rows.iter().map(String::as_bytes)));
        let batch = RecordBatch::try_from_iter([("json", column)]).unwrap();
        let template = Arc::new(template::named("chatml", &[]).unwrap());
        let options = Options { threads: Some(1), ..Options::default() };
        let mill = Mill::new(Arc::clone(&tokenizer), template, options).unwrap();
        bench.iter(|| black_box(mill.batch(&batch, Layout::Json("json"), &mut || false).unwrap()));
    });
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
