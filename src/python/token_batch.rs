//! `chatmill.TokenBatch`.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyIterator, PyList, PyString};

use super::arrow::{ArrowInput, Table};
use super::detach::detach;
use super::errors::PyRowFailure;
use super::statistics::PyRowStatistics;
use super::tokenizer::PyTokenizer;
use super::{hooks, saved_batch};
use crate::batch::{BatchCounts, BatchList, TokenBatches, with_label_mask, with_labels};
use crate::encode::Note;
use crate::tokenizer::Tokenizer;

/// The result of a `Mill`: an Arrow table in memory, which any Arrow library reads.
///
/// Columns: `input_ids` list<int32>, `labels` list<int32> (-100: masked), `weights` list<float> if labels are weighted,
/// `attention_mask` list<int8> with the option of this name or with `padding`, `position_ids` list<int32> with the
/// option of this name, `length` int32 (without padding), `row` int64 if a row may become several samples, the kept
/// columns, and a string column `error` with `on_error="null"`. Rows of a prompt with answers have `prompt_ids` and a
/// column such as `chosen_ids` for each answer, instead of `input_ids` and `labels`.
///
/// It is a mapping too: `batch["labels"]` is a column as a list, so `Dataset.map(mill, batched=True)` takes it. `len` is
/// the number of rows.
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
    /// The tokenizer of the mill, to show texts. None after pickling.
    tokenizer: Option<Arc<Tokenizer>>,
}

impl PyTokenBatch {
    pub(super) fn new(batches: TokenBatches, tokenizer: Arc<Tokenizer>) -> Self {
        PyTokenBatch { table: Table(batches.batches), counts: batches.counts, tokenizer: Some(tokenizer) }
    }
}

/// Makes a pickled batch again.
#[pyfunction]
pub(super) fn restore_batch(py: Python<'_>, table: &Bound<'_, PyAny>, counts: &str) -> PyResult<PyTokenBatch> {
    let input = ArrowInput::take(table)?;
    detach(py, |_| {
        let mut batches = BatchList::default();
        for batch in input.batches()? {
            batches.push(with_labels(&batch?));
        }
        Ok(PyTokenBatch { table: Table(batches), counts: saved_batch::from_json(counts)?, tokenizer: None })
    })
}

/// A batch whose labels are one bit for each token, where they are nothing but the ids of trained tokens. It is smaller to
/// pickle, and `restore_batch` makes the labels again.
#[pyfunction]
pub(super) fn masked_batch(py: Python<'_>, batch: &Bound<'_, PyTokenBatch>) -> PyResult<PyTokenBatch> {
    let batch = batch.get();
    detach(py, |_| {
        let table = Table(batch.table.0.map(with_label_mask));
        Ok(PyTokenBatch { table, counts: batch.counts.clone(), tokenizer: batch.tokenizer.clone() })
    })
}

/// A function, and its arguments: a table and the counts as JSON.
type Reduced<'py> = (Bound<'py, PyAny>, (Bound<'py, PyAny>, String));

#[pymethods]
impl PyTokenBatch {
    fn __len__(&self) -> usize {
        self.table.num_rows()
    }

    /// The values of a column: one for each row, as a list.
    fn __getitem__<'py>(slf: &Bound<'py, Self>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        hooks::column_of(slf.as_any(), name)
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
        name.extract::<String>().is_ok_and(|name| self.column_names().contains(&name))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.column_names())?.try_iter()
    }

    /// Names of the columns, as `column_names`.
    fn keys(&self) -> Vec<String> {
        self.column_names()
    }

    /// The columns, each as a list.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let names = slf.get().column_names().into_iter();
        names.map(|name| hooks::column_of(slf.as_any(), PyString::new(slf.py(), &name).as_any())).collect()
    }

    /// Pairs of name and column.
    fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
        Ok(slf.get().column_names().into_iter().zip(PyTokenBatch::values(slf)?).collect())
    }

    /// The values of a column, or `default` if there is no such column.
    #[pyo3(signature = (name, default=None))]
    fn get<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if slf.get().__contains__(name) { hooks::column_of(slf.as_any(), name).map(Some) } else { Ok(default) }
    }

    /// The tokenizer that made the ids. None for a batch that was pickled.
    #[getter]
    fn tokenizer(&self) -> Option<PyTokenizer> {
        self.tokenizer.clone().map(PyTokenizer)
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

    /// Number of the assistant turns of which a trained token is left after the cut to `max_length`.
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

    /// The statistics of the rows, if the mill was called with `statistics=True`.
    #[getter]
    fn statistics(&self) -> Option<PyRowStatistics> {
        self.counts.statistics.clone().map(PyRowStatistics::from)
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

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let py = slf.py();
        let restore = py.import("chatmill._chatmill")?.getattr("restore_batch")?;
        let counts = &slf.get().counts;
        let counts = detach(py, |_| saved_batch::to_json(counts))?;
        Ok((restore, (hooks::table_of(slf.as_any())?, counts)))
    }

    /// The first rows with their trained part tinted, and the counts, for notebooks.
    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        hooks::batch_to_html(slf.as_any())
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
