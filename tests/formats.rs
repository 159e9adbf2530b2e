//! Random rows of formats: each becomes tokens or an error, without a panic, a lost row or an effect on other rows.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::{Arc, LazyLock};

use arrow_array::{Array, ArrayRef, BinaryArray, RecordBatch};
use chatmill::batch::Mill;
use chatmill::data::RowLayout;
use chatmill::encode::{OnError, Options};
use chatmill::rows::{Format, RowReader};
use chatmill::template;
use chatmill::tokenizer::{EngineChoice, Tokenizer};
use proptest::prelude::*;

/// Mills of formats, each with a row that it reads.
static MILLS: LazyLock<Vec<(Mill, String)>> = LazyLock::new(|| {
    let definition = include_str!("data/byte_tokenizer.json");
    let special = [("eos_token".to_owned(), "</s>".to_owned())];
    let tokenizer = Arc::new(Tokenizer::new("bytes", definition, &special, EngineChoice::Auto).unwrap());
    let read: Vec<serde_json::Value> = serde_json::from_str(include_str!("data/formats.json")).unwrap();
    let mill = |it: &serde_json::Value| {
        let format = Arc::new(Format::from_json(&it["format"].to_string()).unwrap());
        let template = format.needs_template().then(|| Arc::new(template::named("chatml", &[]).unwrap()));
        let rows = RowReader::new(Some(format));
        let options = Options { rows, on_error: OnError::Null, threads: Some(2), ..Options::default() };
        (Mill::new(Arc::clone(&tokenizer), template, options).unwrap(), it["row"].to_string())
    };
    read.iter().map(mill).collect()
});

const KEYS: [&str; 24] = [
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
    "history",
    "completion",
    "tools",
    "tool_calls",
];

/// JSON of any shape, often the shape of one of the formats.
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

/// The row of a format with one of its fields changed, or any JSON.
fn row() -> impl Strategy<Value = String> {
    let rows: Vec<&str> = MILLS.iter().map(|(_, row)| row.as_str()).collect();
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
            let out = mill.batch(&batch, 0, RowLayout::Json("json"), &mut || false).unwrap();
            prop_assert_eq!(out.batch.num_rows(), rows.len());
            let lengths = out.batch.column_by_name("length").unwrap();
            prop_assert!(!lengths.is_null(rows.len() - 1), "{good}: {:?}", out.counts.failures.last());
            prop_assert_eq!(lengths.null_count(), out.counts.failures.len());
            for failure in &out.counts.failures {
                prop_assert!(lengths.is_null(failure.row.unwrap()));
                prop_assert_ne!(failure.kind.code(), "internal", "{}", failure);
            }
        }
    }
}
