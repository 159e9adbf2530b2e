//! Rows with a prompt and answers as Arrow columns: `prompt_ids`, and the ids of each answer.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Int32Builder, ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};

use super::OnError;
use super::options::Options;
use super::output::{TokenBatch, batch_of, error_column};
use super::run::Run;
use super::tally::Tally;
use crate::conversation::Layout;
use crate::error::{Error, Kind, Result};
use crate::format::Answers;
use crate::label::MASKED;

/// One column of token lists.
type Lists = ListBuilder<Int32Builder>;

/// The columns of rows with answers: one row for each row of `input`.
pub(super) fn token_batch(
    options: &Options,
    answers: &Answers,
    input: &RecordBatch,
    layout: Layout<'_>,
    runs: Vec<Run>,
) -> Result<TokenBatch> {
    let mut prompts = Lists::new(Int32Builder::new());
    let mut columns: Vec<Lists> = answers.names().iter().map(|_| Lists::new(Int32Builder::new())).collect();
    let (mut lengths, mut good) = (Int32Builder::new(), BooleanBuilder::new());
    let mut kept: Vec<StringBuilder> = options.keep_columns.iter().map(|_| StringBuilder::new()).collect();
    let (mut failures, mut tally, mut rows) = (Vec::new(), Tally::default(), Vec::new());
    let (mut num_tokens, mut num_trained_tokens) = (0, 0);
    for run in runs {
        let (mut at, mut sample, mut labels) = (0, 0, run.good.iter());
        while sample < run.lengths.len() {
            for (builder, value) in kept.iter_mut().zip(&run.kept[sample]) {
                builder.append_option(value.as_deref());
            }
            rows.push(run.rows[sample]);
            if run.lengths[sample].is_none() {
                prompts.append_null();
                columns.iter_mut().for_each(Lists::append_null);
                lengths.append_null();
                good.append_null();
                sample += 1;
                continue;
            }
            good.append_option(labels.next().copied().flatten());
            let mut length = 0;
            for (number, column) in columns.iter_mut().enumerate() {
                let end = at + run.lengths[sample + number].unwrap_or(0) as usize;
                let prompt = run.labels[at..end].iter().take_while(|&&label| label == MASKED).count();
                if number == 0 {
                    prompts.values().append_slice(&run.ids[at..at + prompt]);
                    prompts.append(true);
                    length += prompt;
                }
                column.values().append_slice(&run.ids[at + prompt..end]);
                column.append(true);
                length += end - at - prompt;
                num_trained_tokens += end - at - prompt;
                at = end;
            }
            num_tokens += length;
            lengths.append_value(length as i32);
            sample += columns.len();
        }
        tally.add(&run.tally);
        failures.extend(run.failures);
    }
    let mut named: Vec<(String, ArrayRef)> = Vec::new();
    if !answers.are_whole() {
        named.push(("prompt_ids".into(), Arc::new(prompts.finish())));
    }
    for (name, mut column) in answers.names().iter().zip(columns) {
        named.push((format!("{name}_ids"), Arc::new(column.finish())));
    }
    if let Some(label) = answers.label() {
        named.push((label.to_owned(), Arc::new(good.finish())));
    }
    named.push(("length".into(), Arc::new(lengths.finish())));
    for (name, mut builder) in options.keep_columns.iter().zip(kept) {
        if named.iter().any(|(taken, _)| taken == name) {
            let text = format!("keep_columns: the output has a column {name} of its own; rename the input's");
            return Err(Error::new(Kind::Option, text));
        }
        let array: ArrayRef = match (layout, input.column_by_name(name)) {
            (Layout::Json(_), _) => Arc::new(builder.finish()),
            (Layout::Columns, Some(array)) => Arc::clone(array),
            (Layout::Columns, None) => {
                return Err(Error::new(Kind::Option, format!("keep_columns: the batch has no column {name}")));
            }
        };
        named.push((name.clone(), array));
    }
    if options.on_error == OnError::Null {
        named.push(("error".into(), error_column(&failures, &rows)));
    }
    Ok(TokenBatch {
        batch: batch_of(named)?,
        failures,
        num_rows_in: input.num_rows(),
        num_tokens,
        num_trained_tokens,
        num_untrained_rows: 0,
        tally,
    })
}
