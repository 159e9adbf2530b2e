//! `BatchList`: record batches of one schema, which together form one table.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

/// Record batches of one schema.
#[derive(Debug, Clone, Default)]
pub struct BatchList(Vec<RecordBatch>);

impl BatchList {
    /// Appends a batch. A batch without rows is kept only while it is the only one, for its columns.
    pub fn push(&mut self, batch: RecordBatch) {
        if self.0.first().is_some_and(|first| first.num_rows() == 0) {
            self.0.clear();
        }
        if batch.num_rows() > 0 || self.0.is_empty() {
            self.0.push(batch);
        }
    }

    /// The batches.
    pub fn as_slice(&self) -> &[RecordBatch] {
        &self.0
    }

    /// The list with other batches, made of each of these.
    #[must_use]
    pub fn map(&self, batch: impl Fn(&RecordBatch) -> RecordBatch) -> BatchList {
        BatchList(self.0.iter().map(batch).collect())
    }

    /// Number of rows in all batches.
    pub fn num_rows(&self) -> usize {
        self.0.iter().map(RecordBatch::num_rows).sum()
    }

    /// The schema; None if no batch was pushed.
    pub fn schema(&self) -> Option<SchemaRef> {
        self.0.first().map(RecordBatch::schema)
    }
}
