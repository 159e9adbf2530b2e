//! `Mill`: turns rows into token ids with labels.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::Counting;
use super::answer_columns::answer_batch;
use super::columns::{Source, sequence_batch};
use super::counts::{BatchCounts, shifted};
use super::keep::{Keep, kept_faults};
use super::table::BatchList;
use super::workers::Workers;
use crate::data::RowLayout;
use crate::encode::{Encoder, Options};
use crate::error::Result;
use crate::rows::RowReader;
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;

/// The most rows of one output batch. This keeps its tokens far below 2^31, the limit of the offsets of a list column.
const BATCH_ROWS: usize = 65_536;

/// The whole path from rows to tokens: a tokenizer, a chat template, and options.
///
/// Cheap to clone; safe to share between threads.
#[derive(Debug, Clone)]
pub struct Mill {
    pub(super) encoder: Encoder,
    pub(super) workers: Arc<Workers>,
}

/// The result of one input batch.
#[derive(Debug, Clone)]
pub struct TokenBatch {
    /// `input_ids`, `labels`, optionally `weights`, `attention_mask` and `position_ids`, `length`, optionally `row`, the
    /// kept columns, optionally `error`. Rows with answers have `prompt_ids` and one column of ids for each answer instead.
    pub batch: RecordBatch,
    /// Its counts and failures.
    pub counts: BatchCounts,
}

/// The results of all batches of an input.
#[derive(Debug, Clone, Default)]
pub struct TokenBatches {
    /// The output batches.
    pub batches: BatchList,
    /// The counts and failures of all batches. Rows in errors are counted over all batches.
    pub counts: BatchCounts,
}

impl Mill {
    /// A mill of these parts. `template` is None for a format that needs no chat template.
    ///
    /// # Errors
    ///
    /// Fails if options cannot be combined, or if the rows do not support one.
    pub fn new(tokenizer: Arc<Tokenizer>, template: Option<Arc<ChatTemplate>>, options: Options) -> Result<Mill> {
        Ok(Mill { encoder: Encoder::new(tokenizer, template, options)?, workers: Arc::default() })
    }

    /// The encoder of single rows, with tokenizer, template and options.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    pub(super) fn reader(&self) -> &RowReader {
        &self.encoder.options().rows
    }

    /// Tokens and labels for every row of `input`, in order.
    ///
    /// Batches are read one at a time. A large batch is processed in parts of 65,536 rows. `counting` tells whether the
    /// counts have [statistics](crate::statistics). `interrupted` is called about twenty times a second; if it returns
    /// true, the work stops.
    ///
    /// # Errors
    ///
    /// Fails if the input cannot be read, if a row fails and `on_error` is `Raise`, or if the work is interrupted.
    pub fn batches(
        &self,
        input: &mut dyn Iterator<Item = Result<RecordBatch>>,
        layout: RowLayout<'_>,
        counting: Counting,
        interrupted: &mut (dyn FnMut() -> bool + Send),
    ) -> Result<TokenBatches> {
        let mut output = TokenBatches::default();
        for batch in input {
            let batch = batch?;
            let mut from = 0;
            // An empty input gives an empty batch with the right columns.
            while from < batch.num_rows() || (from == 0 && output.batches.schema().is_none()) {
                let part = batch.slice(from, BATCH_ROWS.min(batch.num_rows() - from));
                let first_row = output.counts.num_rows_in;
                let tokens = self.counted_batch(&part, first_row, layout, counting, interrupted);
                let tokens = tokens.map_err(|error| shifted(error, first_row))?;
                output.batches.push(tokens.batch);
                output.counts.add_batch(tokens.counts);
                from += BATCH_ROWS;
            }
        }
        Ok(output)
    }

    /// Tokens and labels for every row of one batch, in order. The first row is number `first_row` in a column `row`.
    ///
    /// # Errors
    ///
    /// As for [`batches`](Self::batches); rows in errors are counted in this batch.
    pub fn batch(
        &self,
        batch: &RecordBatch,
        first_row: usize,
        layout: RowLayout<'_>,
        interrupted: &mut (dyn FnMut() -> bool + Send),
    ) -> Result<TokenBatch> {
        self.counted_batch(batch, first_row, layout, Counting::Nothing, interrupted)
    }

    /// As [`batch`](Self::batch), with statistics if they are wanted.
    fn counted_batch(
        &self,
        batch: &RecordBatch,
        first_row: usize,
        layout: RowLayout<'_>,
        counting: Counting,
        interrupted: &mut (dyn FnMut() -> bool + Send),
    ) -> Result<TokenBatch> {
        let options = self.encoder.options();
        let rows = self.reader().table(batch, layout)?;
        let keep = match layout {
            RowLayout::Json(_) => Keep { texts: &options.keep_columns, ..Keep::default() },
            RowLayout::Columns => Keep { faults: kept_faults(batch, &options.keep_columns), ..Keep::default() },
        };
        if batch.num_rows() > 1 {
            self.encoder.tokenizer().expect_many(interrupted);
        }
        let chunks = self.chunks(&rows, &keep, counting, interrupted)?;
        let source = Source { batch, layout, first_row };
        match self.reader().format().and_then(|format| format.answers()) {
            Some(answers) => answer_batch(options, answers, source, chunks),
            None => sequence_batch(options, self.encoder.pad_id(), self.encoder.changes_rows(), source, chunks),
        }
    }
}
