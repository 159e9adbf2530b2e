//! Benchmark of rendering for families of chat templates: µs per row, from a conversation in memory to its text.
//!
//! `CHATMILL_ROWS` is the path of a JSONL file with real rows; without it, rows are generated. Each family leaves out
//! the rows that it rejects; the number of its rows is printed.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;
use std::time::Instant;

use chatmill::data::Node;
use chatmill::rows::{Conversation, TemplateVariables};
use chatmill::template::{self, ChatTemplate, Request};
use criterion::{Criterion, criterion_group, criterion_main};

const FAMILIES: [&str; 10] =
    ["chatml", "llama3", "llama3.1", "qwen2.5", "qwen3", "gemma", "mistral", "deepseek", "gpt-oss", "phi-4"];

fn rows() -> Vec<String> {
    if let Some(path) = std::env::var_os("CHATMILL_ROWS") {
        return std::fs::read_to_string(path).unwrap().lines().take(2_000).map(str::to_owned).collect();
    }
    let turn = |role: &str, words: usize| {
        format!(r#"{{"role": "{role}", "content": "{}"}}"#, "some words 你好 ".repeat(words))
    };
    let row = |n: usize| {
        let turns: Vec<String> =
            (0..=n % 6).flat_map(|at| [turn("user", 3 + at), turn("assistant", 20 + at)]).collect();
        format!(r#"{{"messages": [{}]}}"#, turns.join(", "))
    };
    (0..2_000).map(row).collect()
}

fn families(criterion: &mut Criterion) {
    let rows = rows();
    let conversations: Vec<Conversation<'_>> = rows
        .iter()
        .map(|row| {
            let Node::Map(fields) = Node::parse_json(row.as_bytes()).unwrap() else { panic!("no row") };
            Conversation::from_fields(fields).unwrap()
        })
        .collect();
    let none = TemplateVariables::default();
    let mut group = criterion.benchmark_group("render");
    for name in FAMILIES {
        let template: ChatTemplate = template::named(name, &[]).unwrap();
        let taken: Vec<&Conversation<'_>> =
            conversations.iter().filter(|row| template.text(Request::of(row, &none)).is_ok()).collect();
        if taken.is_empty() {
            eprintln!("{name} rejects all {} rows", rows.len());
            continue;
        }
        eprintln!("{name}: {} of {} rows", taken.len(), rows.len());
        // All rows are run and the time is divided by their number, so one iteration is one average row.
        group.bench_function(name, |bench| {
            bench.iter_custom(|rounds| {
                let start = Instant::now();
                for _ in 0..rounds {
                    for row in &taken {
                        black_box(template.text(Request::of(row, &none)).unwrap());
                    }
                }
                start.elapsed() / taken.len() as u32
            });
        });
    }
    group.finish();
}

criterion_group!(benches, families);
criterion_main!(benches);
