//! `chatmill.RowStatistics` and `chatmill.SampleStatistics`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use serde::Serialize;

use super::arrow::ArrowInput;
use super::detach::detach;
use crate::choice::Choice;
use crate::encode::PaddingSide;
use crate::error::{Error, ErrorKind, Result};
use crate::statistics::{RowStatistics, SampleStatistics};

/// What a mill counts of rows: messages, roles, regions, turns, stop tokens, and lengths before rows are cut.
///
/// Rows that failed are not counted, except that the length of a row that is too long is.
///
/// Example:
///     >>> mill = chatmill.Mill(chatmill.Tokenizer(TOKENIZER_JSON), chatmill.ChatTemplate.named("chatml"))
///     >>> rows = [{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}]
///     >>> mill(rows, statistics=True).statistics.first_rows
///     {'tagged': 0}
#[pyclass(frozen, module = "chatmill._chatmill", name = "RowStatistics")]
#[derive(Debug, Default)]
pub(super) struct PyRowStatistics(Mutex<RowStatistics>);

impl From<RowStatistics> for PyRowStatistics {
    fn from(statistics: RowStatistics) -> Self {
        PyRowStatistics(Mutex::new(statistics))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))
}

#[pymethods]
impl PyRowStatistics {
    #[new]
    fn new() -> Self {
        PyRowStatistics::default()
    }

    /// Add the statistics of later rows.
    ///
    /// Args:
    ///     other: Their statistics.
    ///     first_row: The number of the first of them among all rows.
    #[pyo3(signature = (other, first_row=0))]
    fn add(&self, py: Python<'_>, other: &Bound<'_, PyRowStatistics>, first_row: usize) -> PyResult<()> {
        let other = other.get();
        detach(py, |_| {
            // A copy, so that two locks are never held at once.
            let later = locked(&other.0).clone();
            locked(&self.0).add(&later, first_row);
            Ok(())
        })
    }

    /// Add what regions tell of some of the rows: their tokens by role, kind and turn, and stop tokens.
    ///
    /// Args:
    ///     other: The statistics of these rows alone.
    ///     rows: The number of each of them among all rows.
    fn add_regions(&self, py: Python<'_>, other: &Bound<'_, PyRowStatistics>, rows: Vec<u64>) -> PyResult<()> {
        let other = other.get();
        detach(py, |_| {
            let some = locked(&other.0).clone();
            locked(&self.0).add_regions(&some, &rows);
            Ok(())
        })
    }

    /// Rows whose regions are known.
    #[getter]
    fn region_rows(&self) -> u64 {
        locked(&self.0).region_rows()
    }

    /// Bytes of the texts of the rows that became samples, before any cut.
    #[getter]
    fn bytes(&self) -> u64 {
        locked(&self.0).texts().0
    }

    /// Tokens of these texts.
    #[getter]
    fn text_tokens(&self) -> u64 {
        locked(&self.0).texts().1
    }

    /// The first row with each mark or note, by its code.
    #[getter]
    fn first_rows(&self) -> BTreeMap<String, u64> {
        locked(&self.0).first_rows().map(|(code, row)| (code.to_owned(), row)).collect()
    }

    /// The rows with the `longest` sample, the `least_trained` share above 0, and the `most_turns`: name to value and
    /// row.
    #[getter]
    fn extremes(&self) -> BTreeMap<&'static str, (f64, u64)> {
        locked(&self.0).extremes().map(|(name, extreme)| (name, (extreme.value(), extreme.row))).collect()
    }

    /// All counts, as a JSON object.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        detach(py, |_| json(&*locked(&self.0)))
    }

    fn __repr__(&self) -> String {
        let (bytes, tokens) = locked(&self.0).texts();
        format!("RowStatistics({tokens} tokens of {bytes} bytes)")
    }
}

/// Counts of samples, from their columns: lengths, trained shares, first and last trained tokens, duplicates.
///
/// Args:
///     bos_id: The id of the begin-of-text token, or None.
///     padding_side: The side of padding, if samples are padded.
///
/// Example:
///     >>> import json
///     >>> mill = chatmill.Mill(chatmill.Tokenizer(TOKENIZER_JSON), chatmill.ChatTemplate.named("chatml"))
///     >>> statistics = chatmill.SampleStatistics()
///     >>> statistics.add(mill([{"messages": [{"role": "user", "content": "Hi"}]}] * 2))
///     >>> json.loads(statistics.to_json())["duplicates"]
///     1
#[pyclass(frozen, module = "chatmill._chatmill", name = "SampleStatistics")]
#[derive(Debug)]
pub(super) struct PySampleStatistics(Mutex<SampleStatistics>);

#[pymethods]
impl PySampleStatistics {
    #[new]
    #[pyo3(signature = (bos_id=None, padding_side="right"))]
    fn new(py: Python<'_>, bos_id: Option<i32>, padding_side: &str) -> PyResult<Self> {
        detach(py, |_| {
            let pads_left = PaddingSide::parse(padding_side)? == PaddingSide::Left;
            Ok(PySampleStatistics(Mutex::new(SampleStatistics::new(bos_id, pads_left))))
        })
    }

    /// Count samples.
    ///
    /// Args:
    ///     samples: Anything with the Arrow interface: `input_ids` and `labels` (list<int32>), and `length` (int32) if
    ///         they are padded. With `answers`: `prompt_ids` and the columns of the answers.
    ///     answers: The names of the columns of answers.
    ///
    /// Raises:
    ///     DataError: A column is missing, or has another type.
    #[pyo3(signature = (samples, answers=Vec::new()), text_signature = "($self, samples, answers=())")]
    fn add(&self, py: Python<'_>, samples: &Bound<'_, PyAny>, answers: Vec<String>) -> PyResult<()> {
        let input = ArrowInput::take(samples)?;
        detach(py, |_| {
            for batch in input.batches()? {
                // Reading a batch may call Python, which may ask for the counts.
                let batch = batch?;
                locked(&self.0).add(&batch, &answers)?;
            }
            Ok(())
        })
    }

    /// The counts, as a JSON object.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        detach(py, |_| json(&locked(&self.0).totals()))
    }

    fn __repr__(&self) -> String {
        let totals = locked(&self.0).totals();
        format!("SampleStatistics({} samples, {} tokens)", totals.samples, totals.tokens)
    }
}
