//! Random bytes as rows of each format: each row becomes tokens or an error, never a panic (which would have the code
//! `internal`).

#![no_main]

use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, BinaryArray, RecordBatch};
use chatmill::batch::Mill;
use chatmill::data::RowLayout;
use chatmill::encode::{OnError, Options};
use chatmill::rows::{Format, RowReader};
use chatmill::template;
use chatmill::tokenizer::{EngineChoice, Tokenizer};
use libfuzzer_sys::fuzz_target;

static MILLS: LazyLock<Vec<Mill>> = LazyLock::new(|| {
    let definition = include_str!("../../tests/data/byte_tokenizer.json");
    let special = [("eos_token".to_owned(), "</s>".to_owned())];
    let tokenizer = Tokenizer::new("bytes", definition, &special, EngineChoice::Auto).expect("the test's tokenizer");
    let tokenizer = Arc::new(tokenizer);
    let read: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../tests/data/formats.json")).expect("the test's formats");
    let mill = |it: &serde_json::Value| {
        let format = Arc::new(Format::from_json(&it["format"].to_string()).expect("a format"));
        let template = || Arc::new(template::named("chatml", &[]).expect("a named template"));
        let template = format.needs_template().then(template);
        let rows = RowReader::new(Some(format));
        let options = Options { rows, on_error: OnError::Null, threads: Some(1), ..Options::default() };
        Mill::new(Arc::clone(&tokenizer), template, options).expect("valid options")
    };
    read.iter().map(mill).collect()
});

fuzz_target!(|data: &[u8]| {
    let rows: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    let column: ArrayRef = Arc::new(BinaryArray::from_iter_values(&rows));
    let batch = RecordBatch::try_from_iter([("json", column)]).expect("one column");
    for mill in MILLS.iter() {
        let out = mill.batch(&batch, 0, RowLayout::Json("json"), &mut || false).expect("errors are in the rows");
        for failure in &out.counts.failures {
            assert_ne!(failure.kind.code(), "internal", "{failure}");
        }
    }
});
