//! The results as Arrow columns.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, Int8Array, Int32Array, ListArray, RecordBatch, new_null_array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema};

use super::{OnError, Options};
use crate::conversation::{Fields, Layout, Node, field};
use crate::error::{Error, Kind, Result};
use crate::label::MASKED;

/// The results of a few rows in sequence.
#[derive(Debug, Default)]
pub(super) struct Run {
    ids: Vec<i32>,
    labels: Vec<i32>,
    /// Tokens of each row; None for a row that failed.
    lengths: Vec<Option<i32>>,
    kept: Vec<Vec<Option<String>>>,
    truncated: usize,
    untrained: usize,
    pub(super) failures: Vec<Error>,
}

impl Run {
    pub(super) fn push(&mut self, ids: &[u32], labels: &[i32], max_length: Option<usize>, kept: Vec<Option<String>>) {
        let length = ids.len().min(max_length.unwrap_or(usize::MAX));
        self.truncated += usize::from(length < ids.len());
        self.untrained += usize::from(labels[..length].iter().all(|&label| label == MASKED));
        self.ids.extend(ids[..length].iter().map(|&id| id as i32));
        self.labels.extend_from_slice(&labels[..length]);
        self.lengths.push(Some(length as i32));
        self.kept.push(kept);
    }

    pub(super) fn push_failure(&mut self, error: Error, kept: usize) {
        self.lengths.push(None);
        self.kept.push(vec![None; kept]);
        self.failures.push(error);
    }
}

/// A kept field of a JSON row: strings as they are, anything else as JSON text, so that the column has one type
/// whatever the rows hold.
pub(super) fn kept_text(rest: &Fields<'_>, name: &str) -> Option<String> {
    match field(rest, name)? {
        Node::Null => None,
        Node::Str(text) => Some(text.clone().into_owned()),
        other => Some(other.to_json()),
    }
}

/// What a batch became.
#[derive(Debug, Clone)]
pub struct TokenBatch {
    /// `input_ids`, `labels`, perhaps `attention_mask`, `length`, the kept columns, perhaps `error`.
    pub batch: RecordBatch,
    /// The rows that failed, in their order.
    pub failures: Vec<Error>,
    /// Tokens in all rows.
    pub num_tokens: usize,
    /// Tokens whose label is not -100.
    pub num_trained_tokens: usize,
    /// Rows cut to `max_length`.
    pub num_truncated: usize,
    /// Rows without a single trained token, failed ones not counted.
    pub num_untrained_rows: usize,
}

impl TokenBatch {
    pub(super) fn new(options: &Options, input: &RecordBatch, layout: Layout<'_>, runs: Vec<Run>) -> Result<Self> {
        let rows = input.num_rows();
        let num_tokens: usize = runs.iter().map(|run| run.ids.len()).sum();
        if i32::try_from(num_tokens).is_err() {
            let text = format!("the batch has {num_tokens} tokens, more than 2^31; pass fewer rows at a time");
            return Err(Error::new(Kind::Batch, text));
        }
        let lengths: Vec<Option<i32>> = runs.iter().flat_map(|run| run.lengths.iter().copied()).collect();
        let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|length| length.unwrap_or(0) as usize));
        let nulls =
            lengths.iter().any(Option::is_none).then(|| lengths.iter().map(Option::is_some).collect::<NullBuffer>());
        let list = |values: ArrayRef| -> ArrayRef {
            let item = Arc::new(Field::new("item", values.data_type().clone(), true));
            Arc::new(ListArray::new(item, offsets.clone(), values, nulls.clone()))
        };
        let (mut ids, mut labels) = (Vec::with_capacity(num_tokens), Vec::with_capacity(num_tokens));
        let (mut failures, mut num_truncated, mut num_untrained_rows) = (Vec::new(), 0, 0);
        let mut kept: Vec<StringBuilder> = options.keep_columns.iter().map(|_| StringBuilder::new()).collect();
        for run in runs {
            ids.extend_from_slice(&run.ids);
            labels.extend_from_slice(&run.labels);
            num_truncated += run.truncated;
            num_untrained_rows += run.untrained;
            failures.extend(run.failures);
            for values in run.kept {
                for (builder, value) in kept.iter_mut().zip(values) {
                    builder.append_option(value);
                }
            }
        }
        let num_trained_tokens = labels.iter().filter(|label| **label != MASKED).count();
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("input_ids".into(), list(Arc::new(Int32Array::from(ids)))),
            ("labels".into(), list(Arc::new(Int32Array::from(labels)))),
        ];
        if options.attention_mask {
            columns.push(("attention_mask".into(), list(Arc::new(Int8Array::from(vec![1; num_tokens])))));
        }
        columns.push(("length".into(), Arc::new(Int32Array::from(lengths))));
        for (name, mut builder) in options.keep_columns.iter().zip(kept) {
            if columns.iter().any(|(taken, _)| taken == name) {
                let text = format!("keep_columns: the output has a column {name} of its own; rename the input's");
                return Err(Error::new(Kind::Option, text));
            }
            let array: ArrayRef = match layout {
                Layout::Json(_) => Arc::new(builder.finish()),
                Layout::Columns => match input.column_by_name(name) {
                    Some(array) => Arc::clone(array),
                    None => {
                        return Err(Error::new(Kind::Option, format!("keep_columns: the batch has no column {name}")));
                    }
                },
            };
            columns.push((name.clone(), array));
        }
        if options.on_error == OnError::Null {
            columns.push(("error".into(), error_column(&failures, rows)));
        }
        let fields: Vec<Field> =
            columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| Error::new(Kind::Internal, format!("the columns do not fit together: {error}")))?;
        Ok(TokenBatch { batch, failures, num_tokens, num_trained_tokens, num_truncated, num_untrained_rows })
    }
}

fn error_column(failures: &[Error], rows: usize) -> ArrayRef {
    if failures.is_empty() {
        return new_null_array(&DataType::Utf8, rows);
    }
    let mut builder = StringBuilder::new();
    let mut failures = failures.iter().peekable();
    for row in 0..rows {
        let failure = failures.next_if(|failure| failure.row == Some(row));
        // The row is the one that the text stands in.
        let text =
            failure.map(|failure| format!("{}: {}", failure.kind.code(), Error { row: None, ..failure.clone() }));
        builder.append_option(text);
    }
    Arc::new(builder.finish())
}
