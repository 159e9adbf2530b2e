//! The results as Arrow columns.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{
    Array, ArrayRef, Float32Array, Int8Array, Int32Array, Int64Array, ListArray, RecordBatch, UInt32Array,
    new_null_array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::take::take;

use super::run::Run;
use super::tally::Tally;
use super::{OnError, Options, Padding};
use crate::conversation::{Fields, Layout, Node, field};
use crate::error::{Error, Kind, Result};
use crate::label::MASKED;

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
    /// `input_ids`, `labels`, perhaps `weights` and `attention_mask`, `length`, perhaps `row`, the kept columns, perhaps
    /// `error`.
    pub batch: RecordBatch,
    /// The rows that failed, in their order.
    pub failures: Vec<Error>,
    /// Rows of the input.
    pub num_rows_in: usize,
    /// Tokens in all rows, without those that only fill up.
    pub num_tokens: usize,
    /// Tokens whose label is not -100.
    pub num_trained_tokens: usize,
    /// Samples without a single trained token.
    pub num_untrained_rows: usize,
    /// What was noted of the rows.
    pub tally: Tally,
}

impl TokenBatch {
    /// `first_row` is the number of the first row of `input`.
    pub(super) fn new(
        options: &Options,
        pad: Option<u32>,
        (input, first_row): (&RecordBatch, usize),
        layout: Layout<'_>,
        runs: Vec<Run>,
    ) -> Result<Self> {
        let lengths: Vec<Option<i32>> = runs.iter().flat_map(|run| run.lengths.iter().copied()).collect();
        let rows: Vec<u32> = runs.iter().flat_map(|run| run.rows.iter().copied()).collect();
        let num_tokens: usize = runs.iter().map(|run| run.ids.len()).sum();
        let widths = Widths::new(options, &lengths);
        let places = widths.total().filter(|places| i32::try_from(*places).is_ok()).ok_or_else(|| {
            let text =
                format!("the batch has {num_tokens} tokens, too many for 2^31 places; pass fewer rows at a time");
            Error::new(Kind::Batch, text)
        })?;
        let offsets = OffsetBuffer::from_lengths(widths.iter());
        let nulls =
            lengths.iter().any(Option::is_none).then(|| lengths.iter().map(Option::is_some).collect::<NullBuffer>());
        let list = |values: ArrayRef| -> ArrayRef {
            let item = Arc::new(Field::new("item", values.data_type().clone(), true));
            Arc::new(ListArray::new(item, offsets.clone(), values, nulls.clone()))
        };
        let (mut ids, mut labels) = (Vec::with_capacity(places), Vec::with_capacity(places));
        let mut weights = Vec::with_capacity(if options.labels.weighted { places } else { 0 });
        let (mut failures, mut num_untrained_rows, mut tally) = (Vec::new(), 0, Tally::default());
        let mut kept: Vec<StringBuilder> = options.keep_columns.iter().map(|_| StringBuilder::new()).collect();
        for run in runs {
            ids.extend_from_slice(&run.ids);
            labels.extend_from_slice(&run.labels);
            weights.extend_from_slice(&run.weights);
            num_untrained_rows += run.untrained;
            tally.add(&run.tally);
            failures.extend(run.failures);
            for values in run.kept {
                for (builder, value) in kept.iter_mut().zip(values) {
                    builder.append_option(value);
                }
            }
        }
        let num_trained_tokens = labels.iter().filter(|label| **label != MASKED).count();
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("input_ids".into(), list(Arc::new(Int32Array::from(widths.filled(ids, pad.unwrap_or(0) as i32))))),
            ("labels".into(), list(Arc::new(Int32Array::from(widths.filled(labels, MASKED))))),
        ];
        if options.labels.weighted {
            columns.push(("weights".into(), list(Arc::new(Float32Array::from(widths.filled(weights, 0.0))))));
        }
        if options.attention_mask || options.padding != Padding::None {
            let ones = vec![1; num_tokens];
            columns.push(("attention_mask".into(), list(Arc::new(Int8Array::from(widths.filled(ones, 0))))));
        }
        columns.push(("length".into(), Arc::new(Int32Array::from(lengths))));
        if options.changes_rows() {
            let numbers = rows.iter().map(|&row| first_row as i64 + i64::from(row));
            columns.push(("row".into(), Arc::new(Int64Array::from_iter_values(numbers))));
        }
        for (name, mut builder) in options.keep_columns.iter().zip(kept) {
            if columns.iter().any(|(taken, _)| taken == name) {
                let text = format!("keep_columns: the output has a column {name} of its own; rename the input's");
                return Err(Error::new(Kind::Option, text));
            }
            let array: ArrayRef = match layout {
                Layout::Json(_) => Arc::new(builder.finish()),
                Layout::Columns => match input.column_by_name(name) {
                    Some(array) if options.changes_rows() => {
                        let rows = UInt32Array::from(rows.clone());
                        take(array, &rows, None).map_err(|error| Error::new(Kind::Batch, error.to_string()))?
                    }
                    Some(array) => Arc::clone(array),
                    None => {
                        return Err(Error::new(Kind::Option, format!("keep_columns: the batch has no column {name}")));
                    }
                },
            };
            columns.push((name.clone(), array));
        }
        if options.on_error == OnError::Null {
            columns.push(("error".into(), error_column(&failures, &rows)));
        }
        let batch = batch_of(columns)?;
        let num_rows_in = input.num_rows();
        Ok(TokenBatch { batch, failures, num_rows_in, num_tokens, num_trained_tokens, num_untrained_rows, tally })
    }
}

/// Columns as a batch.
pub(super) fn batch_of(columns: Vec<(String, ArrayRef)>) -> Result<RecordBatch> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| Error::new(Kind::Internal, format!("the columns do not fit together: {error}")))
}

/// The places of each sample: its tokens, and what fills it up.
struct Widths<'l> {
    lengths: &'l [Option<i32>],
    /// What samples are filled up to.
    least: usize,
}

impl<'l> Widths<'l> {
    fn new(options: &Options, lengths: &'l [Option<i32>]) -> Self {
        let least = match options.padding {
            Padding::None => 0,
            Padding::Longest => lengths.iter().flatten().copied().max().unwrap_or(0) as usize,
            Padding::MaxLength => options.max_length.unwrap_or(0),
        };
        Widths { lengths, least }
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        // A row that failed has no places.
        self.lengths.iter().map(|length| length.map_or(0, |length| self.least.max(length as usize)))
    }

    fn total(&self) -> Option<usize> {
        self.iter().try_fold(0usize, usize::checked_add)
    }

    /// The values of all samples, filled up.
    fn filled<T: Copy>(&self, values: Vec<T>, pad: T) -> Vec<T> {
        if self.least == 0 {
            return values;
        }
        let mut filled = Vec::with_capacity(self.total().unwrap_or(0));
        let mut rest = values.as_slice();
        for (length, width) in self.lengths.iter().zip(self.iter()) {
            let (own, others) = rest.split_at(length.unwrap_or(0) as usize);
            filled.extend_from_slice(own);
            filled.resize(filled.len() + width - own.len(), pad);
            rest = others;
        }
        filled
    }
}

/// For each sample why its row failed; `rows` are the rows of the samples.
pub(super) fn error_column(failures: &[Error], rows: &[u32]) -> ArrayRef {
    if failures.is_empty() {
        return new_null_array(&DataType::Utf8, rows.len());
    }
    let mut builder = StringBuilder::new();
    let mut failures = failures.iter().peekable();
    for &row in rows {
        let failure = failures.next_if(|failure| failure.row == Some(row as usize));
        // The row is the one that the text stands in.
        let text =
            failure.map(|failure| format!("{}: {}", failure.kind.code(), Error { row: None, ..failure.clone() }));
        builder.append_option(text);
    }
    Arc::new(builder.finish())
}
