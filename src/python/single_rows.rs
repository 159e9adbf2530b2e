//! `encode_rows`: some rows of a batch, for looking at.

use pyo3::prelude::*;

use super::arrow::ArrowInput;
use super::detach::detach;
use super::encoding::PyEncoding;
use super::mill::PyMill;
use crate::data::RowLayout;
use crate::error::{Error, ErrorKind, Result};

/// Encodes some rows of a batch, as `Mill.encode_row` does. If the threads of the mill are at work, it waits for one.
///
/// Args:
///     mill: The mill.
///     batch: Rows as one record batch.
///     rows: Their numbers, from 0.
///     json_column: As for calling the mill.
///
/// Returns:
///     The encoding of each row; None if it has no tokens.
///
/// Raises:
///     DataError: There is no such row, or the batch cannot be read.
#[pyfunction]
#[pyo3(signature = (mill, batch, rows, *, json_column=None))]
pub(super) fn encode_rows(
    py: Python<'_>,
    mill: &Bound<'_, PyMill>,
    batch: &Bound<'_, PyAny>,
    rows: Vec<usize>,
    json_column: Option<&str>,
) -> PyResult<Vec<Option<PyEncoding>>> {
    let (input, json_column) = ArrowInput::rows(batch, json_column)?;
    let layout = json_column.as_deref().map_or(RowLayout::Columns, RowLayout::Json);
    let mill = mill.get().core();
    detach(py, |_| {
        let batches = input.batches()?.collect::<Result<Vec<_>>>()?;
        let [batch] = batches.as_slice() else {
            let text = format!("the rows are {} record batches; pass one", batches.len());
            return Err(Error::new(ErrorKind::Batch, text));
        };
        let encoded = mill.encode_rows_of(batch, &rows, layout)?;
        Ok(encoded.into_iter().map(Result::ok).map(|row| row.map(PyEncoding::new)).collect())
    })
}
