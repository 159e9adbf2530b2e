//! `BatchCounts`: the counts of a result, and the rows that failed.

use super::chunk::Chunk;
use crate::encode::NoteCounts;
use crate::error::Error;
use crate::statistics::RowStatistics;

/// The counts of one output batch, or of all output batches of an input.
#[derive(Debug, Clone, Default)]
pub struct BatchCounts {
    /// The rows that failed, in their order.
    pub failures: Vec<Error>,
    /// Rows of the input.
    pub num_rows_in: usize,
    /// Tokens in all rows, without padding.
    pub num_tokens: usize,
    /// Tokens whose label is not -100.
    pub num_trained_tokens: usize,
    /// Samples without a trained token.
    pub num_untrained_rows: usize,
    /// Rows by note.
    pub notes: NoteCounts,
    /// The statistics of the rows, if they were wanted.
    pub statistics: Option<RowStatistics>,
}

impl BatchCounts {
    /// Counts for a batch of `num_rows_in` rows, without any chunk.
    pub(super) fn new(num_rows_in: usize) -> Self {
        BatchCounts { num_rows_in, ..BatchCounts::default() }
    }

    /// Adds the failures, notes and samples of a chunk of the same batch, but not its tokens.
    pub(super) fn add_chunk(&mut self, chunk: &mut Chunk) {
        self.failures.append(&mut chunk.failures);
        self.num_untrained_rows += chunk.untrained;
        self.notes.add(&chunk.notes);
        if let Some(statistics) = chunk.statistics.take() {
            self.statistics.get_or_insert_default().add(&statistics, 0);
        }
    }

    /// Adds the counts of a batch. Rows in its errors become rows of the whole input.
    pub(super) fn add_batch(&mut self, batch: BatchCounts) {
        let first_row = self.num_rows_in;
        self.failures.extend(batch.failures.into_iter().map(|error| shifted(error, first_row)));
        self.num_rows_in += batch.num_rows_in;
        self.num_tokens += batch.num_tokens;
        self.num_trained_tokens += batch.num_trained_tokens;
        self.num_untrained_rows += batch.num_untrained_rows;
        self.notes.add(&batch.notes);
        if let Some(statistics) = &batch.statistics {
            self.statistics.get_or_insert_default().add(statistics, first_row);
        }
    }
}

/// An error of a batch, with its row counted over the whole input.
pub(super) fn shifted(error: Error, first_row: usize) -> Error {
    Error { row: error.row.map(|row| row + first_row), ..error }
}
