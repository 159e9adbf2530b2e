//! Single rows of a [`Mill`]: a conversation, or some rows of a batch, with text, offsets and regions.
//!
//! They are encoded on a worker, because fastokens fills a cache on each thread that it sees first (`workers.rs`).

use arrow_array::RecordBatch;

use super::Mill;
use super::pipeline::{on_worker, without_panic};
use super::workers::Busy;
use crate::data::{Fields, RowLayout};
use crate::encode::{EncodedRow, Inspection, Scratch};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::{Conversation, Row, RowReader};

impl Mill {
    /// Encodes one row, given by its fields. The samples equal those of a batch and have text, offsets and regions too.
    ///
    /// # Errors
    ///
    /// Fails if a batch would reject the row, with the same error.
    pub fn encode_fields(&self, fields: Fields<'_>) -> Result<EncodedRow> {
        without_panic(|| self.encode_row(self.reader().read(fields)?))
    }

    /// Encodes one conversation, for a mill without a format.
    ///
    /// # Errors
    ///
    /// As for [`encode_fields`](Self::encode_fields).
    pub fn encode(&self, conversation: Conversation<'_>) -> Result<EncodedRow> {
        without_panic(|| self.encode_row(RowReader::chat(conversation)?))
    }

    /// Encodes row number `row` of `input`.
    ///
    /// # Errors
    ///
    /// As for [`encode_fields`](Self::encode_fields), with the row in the error. Also fails if there is no such row.
    pub fn encode_row_of(
        &self,
        input: &mut dyn Iterator<Item = Result<RecordBatch>>,
        row: usize,
        layout: RowLayout<'_>,
    ) -> Result<EncodedRow> {
        let mut first_row = 0;
        for batch in input {
            let batch = batch?;
            if row < first_row + batch.num_rows() {
                let rows = self.reader().table(&batch, layout)?;
                let encoded = rows.fields(row - first_row).and_then(|fields| self.encode_fields(fields));
                return encoded.map_err(|error| error.at_row(row));
            }
            first_row += batch.num_rows();
        }
        Err(no_such_row(row, first_row))
    }

    /// Encodes some rows of a batch. If the workers are at work, it waits until one of them is free.
    ///
    /// # Errors
    ///
    /// Fails if there is no such row. The result of a row is as for [`encode_fields`](Self::encode_fields), with the row in
    /// the error.
    pub fn encode_rows_of(
        &self,
        batch: &RecordBatch,
        rows: &[usize],
        layout: RowLayout<'_>,
    ) -> Result<Vec<Result<EncodedRow>>> {
        if let Some(row) = rows.iter().find(|row| **row >= batch.num_rows()) {
            return Err(no_such_row(*row, batch.num_rows()));
        }
        let table = self.reader().table(batch, layout)?;
        let encode = |row: usize| {
            let encoded = table.fields(row).and_then(|fields| self.encode_here(self.reader().read(fields)?));
            encoded.map_err(|error| error.at_row(row))
        };
        let all = || Ok(rows.iter().map(|row| without_panic(|| encode(*row))).collect());
        match self.workers.started() {
            Some(pool) => on_worker(&pool, all),
            None => all(),
        }
    }

    fn encode_row(&self, row: Row<'_>) -> Result<EncodedRow> {
        self.encoder.tokenizer().expect_few();
        match self.workers.idle() {
            Some(pool) => {
                // Rows of other threads do not wait for this one.
                let _busy = Busy::new();
                on_worker(&pool, || self.encode_here(row))
            }
            None => self.encode_here(row),
        }
    }

    fn encode_here(&self, row: Row<'_>) -> Result<EncodedRow> {
        let weighted = self.encoder.options().labels.is_weighted();
        let mut inspection = Inspection { weighted, ..Inspection::default() };
        let notes = self.encoder.row(row, &mut Scratch::default(), &mut inspection)?;
        Ok(EncodedRow { samples: inspection.samples, notes: notes.iter().collect(), label: inspection.label })
    }
}

fn no_such_row(row: usize, rows: usize) -> Error {
    Error::new(ErrorKind::Option, format!("there is no row {row}; the batch has {rows} rows, counted from 0"))
}
