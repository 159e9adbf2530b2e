//! `chatmill.TokenBatch`.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::arrow::Table;
use super::errors::PyRowFailure;
use crate::batch::{BatchCounts, TokenBatches};
use crate::encode::Note;

/// The result of a `Mill`: an Arrow table in memory, which any Arrow library reads.
///
/// Columns: `input_ids` list<int32>, `labels` list<int32> (-100: masked), `weights` list<float> if labels are weighted,
/// `attention_mask` list<int8> with the option of this name or with `padding`, `position_ids` list<int32> with the
/// option of this name, `length` int32 (without padding), `row` int64 if a row may become several samples, the kept
/// columns, and a string column `error` with `on_error="null"`. Rows of a prompt with answers have `prompt_ids` and a
/// column such as `chosen_ids` for each answer, instead of `input_ids` and `labels`.
///
/// Example:
///     >>> import pyarrow as pa
///     >>> rows = pa.table({"messages": [[{"role": "user", "content": "Hi"}]]})
///     >>> tokenizer = chatmill.Tokenizer(TOKENIZER_JSON)
///     >>> tokens = chatmill.Mill(tokenizer, chatmill.ChatTemplate.named("chatml"))(rows)
///     >>> pa.table(tokens).column_names
///     ['input_ids', 'labels', 'length']
#[pyclass(frozen, module = "chatmill._chatmill", name = "TokenBatch")]
#[derive(Debug)]
pub(super) struct PyTokenBatch {
    table: Table,
    counts: BatchCounts,
}

impl From<TokenBatches> for PyTokenBatch {
    fn from(batches: TokenBatches) -> Self {
        PyTokenBatch { table: Table(batches.batches), counts: batches.counts }
    }
}

#[pymethods]
impl PyTokenBatch {
    fn __len__(&self) -> usize {
        self.table.num_rows()
    }

    /// Names of the columns, in their order.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.table.column_names()
    }

    /// Number of tokens in all rows, without padding.
    #[getter]
    fn num_tokens(&self) -> usize {
        self.counts.num_tokens
    }

    /// Number of tokens whose label is not -100.
    #[getter]
    fn num_trained_tokens(&self) -> usize {
        self.counts.num_trained_tokens
    }

    /// Number of rows cut to `max_length`.
    #[getter]
    fn num_truncated(&self) -> usize {
        self.counts.notes.rows(Note::Truncated)
    }

    /// Number of tokens of the rows in the output that `max_length` cut off; without those of `segment_length`.
    #[getter]
    fn num_cut_tokens(&self) -> usize {
        self.counts.notes.amounts().cut_tokens
    }

    /// Number of assistant turns in the rows in the output. 0 if the labels are those of another tool, and for rows
    /// without messages.
    #[getter]
    fn num_assistant_turns(&self) -> usize {
        self.counts.notes.amounts().assistant_turns
    }

    /// Number of the assistant turns that are trained, before rows are cut to `max_length`.
    #[getter]
    fn num_trained_turns(&self) -> usize {
        self.counts.notes.amounts().trained_turns
    }

    /// Number of rows of the input.
    #[getter]
    fn num_rows_in(&self) -> usize {
        self.counts.num_rows_in
    }

    /// Numbers of rows by note, such as how their labels were verified; notes without rows are left out.
    #[getter]
    fn counts(&self) -> BTreeMap<&'static str, usize> {
        let rows = Note::ALL.into_iter().map(|note| (note.code(), self.counts.notes.rows(note)));
        rows.filter(|(_, rows)| *rows > 0).collect()
    }

    /// Number of rows that have tokens, but no trained token.
    #[getter]
    fn num_untrained_rows(&self) -> usize {
        self.counts.num_untrained_rows
    }

    /// The rows that failed, in their order.
    #[getter]
    fn failures(&self) -> Vec<PyRowFailure> {
        self.counts.failures.iter().map(PyRowFailure::from).collect()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        self.table.schema_capsule(py)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The interface allows a producer to ignore the requested schema.
        let _ = requested_schema;
        self.table.array_capsules(py)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        self.table.stream_capsule(py)
    }

    fn __repr__(&self) -> String {
        format!(
            "TokenBatch({} rows, {} tokens, {} trained, {} failed, columns {})",
            self.__len__(),
            self.counts.num_tokens,
            self.counts.num_trained_tokens,
            self.counts.failures.len(),
            self.column_names().join(", ")
        )
    }
}
