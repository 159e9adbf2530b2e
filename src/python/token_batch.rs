//! `chatmill.TokenBatch`.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::arrow::Table;
use super::errors::PyRowFailure;
use crate::error::Error;
use crate::mill::{Note, Tally, TokenBatch};

/// What a `Mill` returns: an Arrow table in memory, which any Arrow library opens.
///
/// Columns: `input_ids` list<int32>, `labels` list<int32> (-100 masked), with weighted labels `weights` list<float>, with
/// `attention_mask` or `padding` list<int8>, `length` int32 (without padding), where a row may become several samples
/// `row` int64, the kept columns, and with `on_error="null"` a string column `error`.
///
/// Example:
///     >>> import pyarrow as pa
///     >>> rows = pa.table({"messages": [[{"role": "user", "content": "Hi"}]]})
///     >>> tokenizer = chatmill.Tokenizer(TOKENIZER_JSON)
///     >>> tokens = chatmill.Mill(tokenizer, chatmill.ChatTemplate.named("chatml"))(rows)
///     >>> pa.table(tokens).column_names
///     ['input_ids', 'labels', 'length']
#[pyclass(frozen, module = "chatmill._chatmill", name = "TokenBatch")]
#[derive(Debug, Default)]
pub(super) struct PyTokenBatch {
    table: Table,
    failures: Vec<Error>,
    num_tokens: usize,
    num_trained_tokens: usize,
    num_rows_in: usize,
    tally: Tally,
    num_untrained_rows: usize,
}

impl PyTokenBatch {
    /// Whether nothing was pushed yet, not even a batch without rows.
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Appends the rows of `tokens`; `shift` tells the place of a failure in the whole input.
    pub(super) fn push(&mut self, tokens: TokenBatch, shift: impl Fn(Error) -> Error) {
        self.table.push(tokens.batch);
        self.failures.extend(tokens.failures.into_iter().map(shift));
        self.num_tokens += tokens.num_tokens;
        self.num_trained_tokens += tokens.num_trained_tokens;
        self.num_rows_in += tokens.num_rows_in;
        self.tally.add(&tokens.tally);
        self.num_untrained_rows += tokens.num_untrained_rows;
    }
}

#[pymethods]
impl PyTokenBatch {
    fn __len__(&self) -> usize {
        self.table.num_rows()
    }

    /// Names of the columns, in their order.
    #[getter]
    fn column_names(&self) -> PyResult<Vec<String>> {
        Ok(self.table.schema()?.fields().iter().map(|field| field.name().clone()).collect())
    }

    /// Tokens in all rows.
    #[getter]
    fn num_tokens(&self) -> usize {
        self.num_tokens
    }

    /// Tokens whose label is not -100.
    #[getter]
    fn num_trained_tokens(&self) -> usize {
        self.num_trained_tokens
    }

    /// Rows cut to `max_length`.
    #[getter]
    fn num_truncated(&self) -> usize {
        self.tally.rows(Note::Truncated)
    }

    /// Rows of the input.
    #[getter]
    fn num_rows_in(&self) -> usize {
        self.num_rows_in
    }

    /// Rows by what was noted of them, such as how their labels are proved; words without rows are left out.
    #[getter]
    fn counts(&self) -> BTreeMap<&'static str, usize> {
        let rows = Note::ALL.into_iter().map(|note| (note.code(), self.tally.rows(note)));
        rows.filter(|(_, rows)| *rows > 0).collect()
    }

    /// Rows that have tokens, but none of them trained.
    #[getter]
    fn num_untrained_rows(&self) -> usize {
        self.num_untrained_rows
    }

    /// The rows that failed, in their order.
    #[getter]
    fn failures(&self) -> Vec<PyRowFailure> {
        self.failures.iter().map(PyRowFailure::from).collect()
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
        // The interface lets a producer pass over the request and give the types that it has.
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

    fn __repr__(&self) -> PyResult<String> {
        Ok(format!(
            "TokenBatch({} rows, {} tokens, {} trained, {} failed, columns {})",
            self.__len__(),
            self.num_tokens,
            self.num_trained_tokens,
            self.failures.len(),
            self.column_names()?.join(", ")
        ))
    }
}
