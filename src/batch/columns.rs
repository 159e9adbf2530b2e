//! The samples of a batch as Arrow columns.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{
    Array, ArrayRef, Float32Array, Int8Array, Int32Array, Int64Array, ListArray, RecordBatch, UInt32Array,
    new_null_array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::take::take;

use super::TokenBatch;
use super::chunk::Chunk;
use super::counts::BatchCounts;
use crate::data::RowLayout;
use crate::encode::{OnError, Options, Padding, PaddingSide};
use crate::error::{Error, ErrorKind, Result};
use crate::label::MASKED;

/// The columns of a result, by name.
pub(super) type Columns = Vec<(String, ArrayRef)>;

/// A batch and its layout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'b> {
    pub(super) batch: &'b RecordBatch,
    pub(super) layout: RowLayout<'b>,
    /// The number of its first row in the whole input.
    pub(super) first_row: usize,
}

/// The columns of samples with token ids and labels.
pub(super) fn sequence_batch(
    options: &Options,
    pad: Option<u32>,
    changes_rows: bool,
    source: Source<'_>,
    chunks: Vec<Chunk>,
) -> Result<TokenBatch> {
    let lengths: Vec<Option<i32>> = chunks.iter().flat_map(|chunk| chunk.lengths.iter().copied()).collect();
    let rows: Vec<u32> = chunks.iter().flat_map(|chunk| chunk.rows.iter().copied()).collect();
    let num_tokens: usize = chunks.iter().map(|chunk| chunk.ids.len()).sum();
    let widths = Widths::new(options, &lengths);
    let places = widths.total().filter(|places| i32::try_from(*places).is_ok()).ok_or_else(|| {
        let text =
            format!("the batch has {num_tokens} tokens, and more than 2^31 with padding; pass fewer rows at once");
        Error::new(ErrorKind::Batch, text)
    })?;
    let offsets = OffsetBuffer::from_lengths(widths.iter());
    let nulls =
        lengths.iter().any(Option::is_none).then(|| lengths.iter().map(Option::is_some).collect::<NullBuffer>());
    let list = |values: ArrayRef| -> ArrayRef {
        let item = Arc::new(Field::new("item", values.data_type().clone(), true));
        Arc::new(ListArray::new(item, offsets.clone(), values, nulls.clone()))
    };
    let weighted = options.labels.is_weighted();
    let (mut ids, mut labels) = (Vec::with_capacity(places), Vec::with_capacity(places));
    let mut weights = Vec::with_capacity(if weighted { places } else { 0 });
    let mut counts = BatchCounts { num_tokens, ..BatchCounts::new(source.batch.num_rows()) };
    let mut kept = Kept::new(options);
    for mut chunk in chunks {
        counts.add_chunk(&mut chunk);
        counts.num_trained_tokens += chunk.trained_tokens;
        ids.extend_from_slice(&chunk.ids);
        labels.extend_from_slice(&chunk.labels);
        weights.extend_from_slice(&chunk.weights);
        kept.append(chunk.kept);
    }
    let mut columns: Columns = vec![
        ("input_ids".into(), list(Arc::new(Int32Array::from(widths.padded(ids, pad.unwrap_or(0) as i32))))),
        ("labels".into(), list(Arc::new(Int32Array::from(widths.padded(labels, MASKED))))),
    ];
    if weighted {
        columns.push(("weights".into(), list(Arc::new(Float32Array::from(widths.padded(weights, 0.0))))));
    }
    if options.attention_mask || options.padding.is_some() {
        let ones = vec![1; num_tokens];
        columns.push(("attention_mask".into(), list(Arc::new(Int8Array::from(widths.padded(ones, 0))))));
    }
    if options.position_ids {
        let positions = lengths.iter().flatten().flat_map(|&length| 0..length).collect();
        columns.push(("position_ids".into(), list(Arc::new(Int32Array::from(widths.padded(positions, 0))))));
    }
    columns.push(("length".into(), Arc::new(Int32Array::from(lengths))));
    if changes_rows {
        let numbers = rows.iter().map(|&row| source.first_row as i64 + i64::from(row));
        columns.push(("row".into(), Arc::new(Int64Array::from_iter_values(numbers))));
    }
    kept.push_columns(source, changes_rows.then_some(&rows), &mut columns)?;
    if options.on_error == OnError::Null {
        columns.push(("error".into(), error_column(&counts.failures, &rows)));
    }
    Ok(TokenBatch { batch: batch_of(columns)?, counts })
}

/// The kept columns of JSON rows.
pub(super) struct Kept<'o> {
    names: &'o [String],
    builders: Vec<StringBuilder>,
}

impl<'o> Kept<'o> {
    pub(super) fn new(options: &'o Options) -> Self {
        let names = options.keep_columns.as_slice();
        Kept { names, builders: names.iter().map(|_| StringBuilder::new()).collect() }
    }

    /// Appends the values of the samples of a chunk.
    pub(super) fn append(&mut self, samples: Vec<Vec<Option<String>>>) {
        for values in samples {
            for (builder, value) in self.builders.iter_mut().zip(values) {
                builder.append_option(value);
            }
        }
    }

    /// Adds the kept columns to `columns`: the texts of JSON rows, or the input's columns. `rows` are the rows of the
    /// samples, if these differ from the input's rows.
    pub(super) fn push_columns(self, source: Source<'_>, rows: Option<&Vec<u32>>, columns: &mut Columns) -> Result<()> {
        for (name, mut builder) in self.names.iter().zip(self.builders) {
            if columns.iter().any(|(taken, _)| taken == name) {
                let text =
                    format!("`keep_columns` has `{name}`, the name of an output column; rename the input column");
                return Err(Error::new(ErrorKind::Option, text));
            }
            let array: ArrayRef = match (source.layout, source.batch.column_by_name(name)) {
                (RowLayout::Json(_), _) => Arc::new(builder.finish()),
                (RowLayout::Columns, Some(array)) => match rows {
                    Some(rows) => take(array, &UInt32Array::from(rows.clone()), None)
                        .map_err(|error| Error::new(ErrorKind::Batch, error.to_string()))?,
                    None => Arc::clone(array),
                },
                (RowLayout::Columns, None) => {
                    let text = format!("`keep_columns` has `{name}`, but the batch has no such column; remove it");
                    return Err(Error::new(ErrorKind::Option, text));
                }
            };
            columns.push((name.clone(), array));
        }
        Ok(())
    }
}

/// A batch of these columns.
pub(super) fn batch_of(columns: Columns) -> Result<RecordBatch> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("the output columns do not match: {error}")))
}

/// The width of each sample: its tokens and its padding.
struct Widths<'l> {
    lengths: &'l [Option<i32>],
    /// The width that samples are padded to.
    least: usize,
    side: PaddingSide,
}

impl<'l> Widths<'l> {
    fn new(options: &Options, lengths: &'l [Option<i32>]) -> Self {
        let least = match options.padding {
            None => 0,
            Some(Padding::Longest) => lengths.iter().flatten().copied().max().unwrap_or(0) as usize,
            Some(Padding::MaxLength) => options.max_length.unwrap_or(0),
        };
        // As in transformers, the multiple may be beyond `max_length`. A width that overflows is refused with the batch.
        let least = least.checked_next_multiple_of(options.pad_to_multiple_of.unwrap_or(1)).unwrap_or(usize::MAX);
        Widths { lengths, least, side: options.padding_side }
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        // A row that failed is null, and has no width.
        self.lengths.iter().map(|length| length.map_or(0, |length| self.least.max(length as usize)))
    }

    fn total(&self) -> Option<usize> {
        self.iter().try_fold(0usize, usize::checked_add)
    }

    /// The values of all samples, padded.
    fn padded<T: Copy>(&self, values: Vec<T>, pad: T) -> Vec<T> {
        if self.least == 0 {
            return values;
        }
        let mut padded = Vec::with_capacity(self.total().unwrap_or(0));
        let mut rest = values.as_slice();
        for (length, width) in self.lengths.iter().zip(self.iter()) {
            let (own, others) = rest.split_at(length.unwrap_or(0) as usize);
            let fill = std::iter::repeat_n(pad, width - own.len());
            match self.side {
                PaddingSide::Right => {
                    padded.extend_from_slice(own);
                    padded.extend(fill);
                }
                PaddingSide::Left => {
                    padded.extend(fill);
                    padded.extend_from_slice(own);
                }
            }
            rest = others;
        }
        padded
    }
}

/// The column `error` with the reason why the row of each sample failed. `rows` are the rows of the samples.
pub(super) fn error_column(failures: &[Error], rows: &[u32]) -> ArrayRef {
    if failures.is_empty() {
        return new_null_array(&DataType::Utf8, rows.len());
    }
    let mut builder = StringBuilder::new();
    let mut failures = failures.iter().peekable();
    for &row in rows {
        let failure = failures.next_if(|failure| failure.row == Some(row as usize));
        // The text is in the row itself, so it does not repeat the number of the row.
        let text =
            failure.map(|failure| format!("{}: {}", failure.kind.code(), Error { row: None, ..failure.clone() }));
        builder.append_option(text);
    }
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{Notes, Sample, SampleSink};

    /// The lists of a column of numbers; None for a row that failed.
    fn lists(batch: &RecordBatch, name: &str) -> Vec<Option<Vec<i32>>> {
        let column = batch.column_by_name(name).unwrap().as_any().downcast_ref::<ListArray>().unwrap().clone();
        let values = |list: ArrayRef| list.as_any().downcast_ref::<Int32Array>().unwrap().values().to_vec();
        column.iter().map(|list| list.map(values)).collect()
    }

    /// A sample of three tokens, a row that failed, and a sample of one token.
    fn batch(options: &Options) -> RecordBatch {
        let mut chunk = Chunk::default();
        for (row, ids) in [(0, Some(&[7, 8, 9][..])), (1, None), (2, Some(&[7]))] {
            match ids {
                None => chunk.push_failure(Error::new(ErrorKind::TooLong, "x").at_row(row), 0),
                Some(ids) => {
                    let labels = &[1, 1, 1][..ids.len()];
                    chunk.push(Sample { ids, labels, weights: &[], details: None });
                    chunk.end_row(row, Notes::default(), Vec::new());
                }
            }
        }
        let input = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let source = Source { batch: &input, layout: RowLayout::Columns, first_row: 0 };
        sequence_batch(options, Some(0), false, source, vec![chunk]).unwrap().batch
    }

    #[test]
    fn positions_number_the_tokens_of_each_sample() {
        let options = Options { position_ids: true, ..Options::default() };
        assert_eq!(lists(&batch(&options), "position_ids"), [Some(vec![0, 1, 2]), None, Some(vec![0])]);
        let padded = Options { padding: Some(Padding::Longest), ..options };
        assert_eq!(lists(&batch(&padded), "position_ids"), [Some(vec![0, 1, 2]), None, Some(vec![0, 0, 0])]);
        assert!(batch(&Options::default()).column_by_name("position_ids").is_none());
    }

    #[test]
    fn padding_is_on_the_side_and_has_the_multiple_that_the_options_name() {
        let options = Options { padding: Some(Padding::Longest), position_ids: true, ..Options::default() };
        let left = Options { padding_side: PaddingSide::Left, ..options };
        assert_eq!(lists(&batch(&left), "input_ids"), [Some(vec![7, 8, 9]), None, Some(vec![0, 0, 7])]);
        assert_eq!(lists(&batch(&left), "labels"), [Some(vec![1, 1, 1]), None, Some(vec![MASKED, MASKED, 1])]);
        assert_eq!(lists(&batch(&left), "position_ids"), [Some(vec![0, 1, 2]), None, Some(vec![0, 0, 0])]);
        let mask = batch(&left).column_by_name("attention_mask").unwrap().clone();
        let mask = mask.as_any().downcast_ref::<ListArray>().unwrap().value(2);
        assert_eq!(mask.as_any().downcast_ref::<Int8Array>().unwrap().values(), &[0, 0, 1]);
        let rounded = Options { pad_to_multiple_of: Some(4), ..left };
        assert_eq!(lists(&batch(&rounded), "input_ids"), [Some(vec![0, 7, 8, 9]), None, Some(vec![0, 0, 0, 7])]);
        let fixed = Options {
            padding: Some(Padding::MaxLength),
            max_length: Some(5),
            padding_side: PaddingSide::Right,
            ..rounded
        };
        assert_eq!(
            lists(&batch(&fixed), "input_ids"),
            [Some(vec![7, 8, 9, 0, 0, 0, 0, 0]), None, Some(vec![7, 0, 0, 0, 0, 0, 0, 0])]
        );
    }
}
