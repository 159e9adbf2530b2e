//! Random bytes as rows: each row becomes tokens or an error, never a panic (which would have the code `internal`).

#![no_main]

use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, BinaryArray, RecordBatch};
use chatmill::batch::Mill;
use chatmill::data::RowLayout;
use chatmill::encode::{OnError, Options};
use chatmill::template;
use chatmill::tokenizer::{EngineChoice, Tokenizer};
use libfuzzer_sys::fuzz_target;

static MILLS: LazyLock<Vec<Mill>> = LazyLock::new(|| {
    let definition = include_str!("../../tests/data/byte_tokenizer.json");
    let tokenizer = Tokenizer::new("bytes", definition, &[], EngineChoice::Auto).expect("the test's tokenizer");
    let tokenizer = Arc::new(tokenizer);
    let mill = |name| {
        let template = Arc::new(template::named(name, &[]).expect("a named template"));
        let options = Options { on_error: OnError::Null, threads: Some(1), ..Options::default() };
        Mill::new(Arc::clone(&tokenizer), Some(template), options).expect("valid options")
    };
    ["chatml", "qwen2.5", "mistral"].into_iter().map(mill).collect()
});

fuzz_target!(|data: &[u8]| {
    let rows: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let column: ArrayRef = Arc::new(BinaryArray::from_iter_values(&rows));
    let batch = RecordBatch::try_from_iter([("json", column)]).expect("one column");
    for mill in MILLS.iter() {
        let out = mill.batch(&batch, 0, RowLayout::Json("json"), &mut || false).expect("errors are in the rows");
        assert_eq!(out.batch.num_rows(), rows.len());
        for failure in &out.counts.failures {
            assert_ne!(failure.kind.code(), "internal", "{failure}");
        }
    }
});
