//! Rows with answers as Arrow columns: `prompt_ids` and the ids of each answer. Each input row becomes one output row.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int32Array, ListArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field};

use super::TokenBatch;
use super::chunk::{Chunk, Lists};
use super::columns::{Columns, Kept, Source, batch_of, error_column};
use super::counts::BatchCounts;
use crate::encode::{OnError, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::rows::AnswersSpec;

/// The columns of rows with answers.
pub(super) fn answer_batch(
    options: &Options,
    answers: &AnswersSpec,
    source: Source<'_>,
    chunks: Vec<Chunk>,
) -> Result<TokenBatch> {
    let lengths: Vec<Option<i32>> = chunks.iter().flat_map(|chunk| chunk.lengths.iter().copied()).collect();
    let rows: Vec<u32> = chunks.iter().flat_map(|chunk| chunk.rows.iter().copied()).collect();
    let valid: Vec<bool> = lengths.iter().map(Option::is_some).collect();
    let mut prompts = Lists::default();
    let mut lists: Vec<Lists> = answers.names().iter().map(|_| Lists::default()).collect();
    let mut labels = Vec::new();
    let mut counts = BatchCounts::new(source.batch.num_rows());
    let mut kept = Kept::new(options);
    for mut chunk in chunks {
        counts.add_chunk(&mut chunk);
        prompts.append(chunk.answers.prompts);
        lists.iter_mut().zip(chunk.answers.columns).for_each(|(list, chunk)| list.append(chunk));
        labels.extend(chunk.answers.labels);
        kept.append(chunk.kept);
    }
    counts.num_trained_tokens = lists.iter().map(|list| list.ids.len()).sum();
    counts.num_tokens = prompts.ids.len() + counts.num_trained_tokens;
    let mut columns: Columns = Vec::new();
    if !answers.are_whole() {
        columns.push(("prompt_ids".into(), prompts.into_column(&valid)?));
    }
    for (name, list) in answers.names().iter().zip(lists) {
        columns.push((format!("{name}_ids"), list.into_column(&valid)?));
    }
    if let Some(label) = answers.label() {
        let mut labels = labels.into_iter();
        let column: BooleanArray =
            valid.iter().map(|&valid| if valid { labels.next().flatten() } else { None }).collect();
        columns.push((label.to_owned(), Arc::new(column)));
    }
    columns.push(("length".into(), Arc::new(Int32Array::from(lengths))));
    kept.push_columns(source, None, &mut columns)?;
    if options.on_error == OnError::Null {
        columns.push(("error".into(), error_column(&counts.failures, &rows)));
    }
    Ok(TokenBatch { batch: batch_of(columns)?, counts })
}

impl Lists {
    fn append(&mut self, other: Lists) {
        self.ids.extend(other.ids);
        self.lengths.extend(other.lengths);
    }

    /// A column with one list for each valid row, and null for the others.
    fn into_column(self, valid: &[bool]) -> Result<ArrayRef> {
        if i32::try_from(self.ids.len()).is_err() {
            let text = format!("the batch has {} tokens, more than 2^31; pass fewer rows at once", self.ids.len());
            return Err(Error::new(ErrorKind::Batch, text));
        }
        let mut lengths = self.lengths.into_iter();
        let lengths = valid.iter().map(|&valid| if valid { lengths.next().unwrap_or(0) } else { 0 });
        let offsets = OffsetBuffer::from_lengths(lengths);
        let item = Arc::new(Field::new("item", DataType::Int32, true));
        let nulls = valid.iter().any(|valid| !valid).then(|| NullBuffer::from(valid.to_vec()));
        Ok(Arc::new(ListArray::new(item, offsets, Arc::new(Int32Array::from(self.ids)), nulls)))
    }
}
