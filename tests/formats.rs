//! Whatever a row of a format holds, it comes out as tokens or as an error: no panic, no row lost, no other row harmed.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::{Arc, LazyLock};

use arrow_array::{Array, ArrayRef, BinaryArray, RecordBatch};
use chatmill::conversation::Layout;
use chatmill::format::Format;
use chatmill::mill::{Mill, OnError, Options};
use chatmill::template;
use chatmill::tokenizer::{EngineChoice, Tokenizer};
use proptest::prelude::*;

/// A format, and a row that it reads.
const FORMATS: [(&str, &str); 8] = [
    (
        r#"{"name": "alpaca", "fields": [{"name": "instruction"}, {"name": "input", "optional": true}, {"name": "output"}],
            "text": "{{ bos_token }}{{ instruction }}\n{{ input }}{% generation %}{{ output }}{{ eos_token }}{% endgeneration %}"}"#,
        r#"{"instruction": "I", "output": "O"}"#,
    ),
    (
        r#"{"name": "segments", "fields": [{"name": "segments", "type": [{"label": "bool", "text": "text"}]}],
            "text": "{% for it in segments %}{% generation %}{% if it.label %}{{ it.text }}{% endif %}{% endgeneration %}{% if not it.label %}{{ it.text }}{% endif %}{% endfor %}"}"#,
        r#"{"segments": [{"label": true, "text": "t"}]}"#,
    ),
    (
        r#"{"name": "turns", "messages": {"fields": ["conversations"], "properties": [["role", "from"], ["content", "value"]],
            "roles": [["user", ["human"]], ["assistant", ["gpt", "function_call"]]], "keep_unknown_roles": false,
            "calls": ["function_call"], "system": "system"}}"#,
        r#"{"conversations": [{"from": "human", "value": "H"}, {"from": "gpt", "value": "G"}]}"#,
    ),
    (
        r#"{"name": "text of turns", "messages": {"fields": ["messages"]},
            "text": "{% for m in messages %}{% generation %}{% endgeneration %}{{ m.role }}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"}"#,
        r#"{"messages": [{"role": "user", "content": "H", "weight": 0}, {"role": "assistant", "content": "G"}]}"#,
    ),
    (
        r#"{"name": "made", "fields": [{"name": "prompt", "type": "any"}, {"name": "output"}],
            "messages": [{"role": "user", "content": "{{ prompt }}", "optional": true}, {"role": "assistant", "content": "{{ output }}"}]}"#,
        r#"{"prompt": "P", "output": "O"}"#,
    ),
    (
        r#"{"name": "steps", "fields": [{"name": "prompt"}, {"name": "completions", "type": ["text"]}, {"name": "labels", "type": ["any"]}],
            "text": "{{ prompt }}{% for it in completions %}{{ it }}{% generation %}|{% endgeneration %}{% endfor %}", "steps": {"labels": "labels"}}"#,
        r#"{"prompt": "P", "completions": ["a"], "labels": [1]}"#,
    ),
    (
        r#"{"name": "tokens", "fields": [{"name": "input_ids", "type": ["number"]}, {"name": "labels", "type": ["number"], "optional": true},
            {"name": "attention_mask", "type": ["number"], "optional": true}], "text": "", "tokens": true}"#,
        r#"{"input_ids": [1, 2], "labels": [-100, 2]}"#,
    ),
    (
        r#"{"name": "answers", "answers": {"prompt": "prompt", "names": [["chosen", "chosen"], ["rejected", "rejected"]]}}"#,
        r#"{"prompt": "P", "chosen": "a", "rejected": "b"}"#,
    ),
];

static MILLS: LazyLock<Vec<(Mill, &str)>> = LazyLock::new(|| {
    let definition = include_str!("data/byte_tokenizer.json");
    let special = [("eos_token".to_owned(), "</s>".to_owned())];
    let tokenizer = Arc::new(Tokenizer::new("bytes", definition, &special, EngineChoice::Auto).unwrap());
    let mill = |(json, row): (&str, &'static str)| {
        let format = Arc::new(Format::from_json(json).unwrap());
        let own = format.template(&tokenizer).unwrap();
        let template = Arc::new(own.unwrap_or_else(|| template::named("chatml", &[]).unwrap()));
        let options = Options { format: Some(format), on_error: OnError::Null, threads: Some(2), ..Options::default() };
        (Mill::new(Arc::clone(&tokenizer), template, options).unwrap(), row)
    };
    FORMATS.into_iter().map(mill).collect()
});

const KEYS: [&str; 20] = [
    "instruction",
    "input",
    "output",
    "segments",
    "label",
    "text",
    "conversations",
    "messages",
    "from",
    "value",
    "role",
    "content",
    "system",
    "prompt",
    "completions",
    "labels",
    "input_ids",
    "attention_mask",
    "chosen",
    "rejected",
];

/// JSON of any shape, often that of one of the formats.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        (-200i64..300).prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| format!("{value:?}")),
        prop::sample::select(vec!["human", "gpt", "user", "assistant", "function_call", "", " ", "</s>", "é", "[{}]"])
            .prop_map(|text| format!("{text:?}")),
        "\\PC{0,4}".prop_map(|text| format!("{text:?}")),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((prop::sample::select(KEYS.to_vec()), inner), 0..6).prop_map(|fields| {
                let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

/// The row of a format with some of its fields changed, or anything.
fn row() -> impl Strategy<Value = String> {
    let rows: Vec<&str> = FORMATS.iter().map(|(_, row)| *row).collect();
    let changed = (prop::sample::select(rows), prop::sample::select(KEYS.to_vec()), value())
        .prop_map(|(row, key, value)| format!("{},\"{key}\":{value}}}", &row[..row.len() - 1]));
    prop_oneof![changed, value()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn every_row_is_accounted_for(rows in prop::collection::vec(row(), 0..30)) {
        for (mill, good) in MILLS.iter() {
            let rows: Vec<&[u8]> = rows.iter().map(String::as_bytes).chain([good.as_bytes()]).collect();
            let column: ArrayRef = Arc::new(BinaryArray::from_iter_values(&rows));
            let batch = RecordBatch::try_from_iter([("json", column)]).unwrap();
            let out = mill.batch(&batch, 0, Layout::Json("json"), &mut || false).unwrap();
            prop_assert_eq!(out.batch.num_rows(), rows.len());
            let lengths = out.batch.column_by_name("length").unwrap();
            prop_assert!(!lengths.is_null(rows.len() - 1), "{good}: {:?}", out.failures.last());
            prop_assert_eq!(lengths.null_count(), out.failures.len());
            for failure in &out.failures {
                prop_assert!(lengths.is_null(failure.row.unwrap()));
                prop_assert_ne!(failure.kind.code(), "internal", "{}", failure);
            }
        }
    }
}
