//! `LineCutter`, `CutLines` and `lines_digest`: the lines of text, for reading JSONL.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule};

use super::arrow::{ArrowInput, Table};
use super::detach::detach;
use crate::batch::BatchList;
use crate::data::{CutLines, LineCutter, digest_of_lines};
use crate::error::{Error, ErrorKind, Result};

/// Cuts text into lines, as `chatmill.inputs` reads JSONL. The text comes in chunks.
///
/// Args:
///     column: The name of the column for the lines.
///     max_line_bytes: The size of the longest line that is read, in bytes. A longer one is skipped and needs no memory.
///     is_first: Whether the text begins with the beginning of a file.
///
/// Example:
///     >>> from chatmill._chatmill import LineCutter
///     >>> cutter = LineCutter("json", 1000, is_first=True)
///     >>> [piece.total for piece in cutter.cut(b"one\n\ntwo\nthr")]
///     [3]
#[pyclass(frozen, module = "chatmill._chatmill", name = "LineCutter")]
#[derive(Debug)]
pub(super) struct PyLineCutter {
    column: String,
    cutter: Mutex<LineCutter>,
}

#[pymethods]
impl PyLineCutter {
    #[new]
    #[pyo3(signature = (column, max_line_bytes, *, is_first))]
    fn new(column: String, max_line_bytes: usize, is_first: bool) -> PyLineCutter {
        PyLineCutter { column, cutter: Mutex::new(LineCutter::new(max_line_bytes, is_first)) }
    }

    /// Take a chunk of text.
    ///
    /// Args:
    ///     chunk: The text.
    ///
    /// Returns:
    ///     The lines that end in it. A long line that was skipped is a piece of its own.
    fn cut(&self, py: Python<'_>, chunk: &Bound<'_, PyBytes>) -> PyResult<Vec<PyCutLines>> {
        let chunk = chunk.as_bytes();
        detach(py, |_| {
            let found = self.cutter.lock().unwrap_or_else(PoisonError::into_inner).cut(chunk);
            found.into_iter().map(|lines| PyCutLines::of(lines, &self.column)).collect()
        })
    }

    /// Return the last line, if it lacks its end; otherwise None.
    fn finish(&self, py: Python<'_>) -> PyResult<Option<PyCutLines>> {
        detach(py, |_| {
            let last = self.cutter.lock().unwrap_or_else(PoisonError::into_inner).finish();
            last.map(|lines| PyCutLines::of(lines, &self.column)).transpose()
        })
    }
}

/// Some lines of a text without the blank ones, as Arrow data with one column of binary values. A line that is too long
/// is null.
///
/// Example:
///     >>> import pyarrow as pa
///     >>> from chatmill._chatmill import LineCutter
///     >>> lines = LineCutter("json", 1000, is_first=True).cut(b"one\n\ntwo\n")[0]
///     >>> pa.record_batch(lines)["json"].to_pylist(), lines.total, lines.places
///     ([b'one', b'two'], 3, [0, 2])
#[pyclass(frozen, module = "chatmill._chatmill", name = "CutLines")]
#[derive(Debug)]
pub(super) struct PyCutLines(Table, About);

/// The BLAKE3 checksum of lines, in hexadecimal digits. Where they are in memory does not count.
///
/// Args:
///     kind: A text that tells lines of one kind from equal ones of another kind.
///     lines: Arrow data with one column of large binary values.
///
/// Raises:
///     DataError: The data are something else.
///
/// Example:
///     >>> import pyarrow as pa
///     >>> from chatmill._chatmill import lines_digest
///     >>> lines = pa.record_batch({"json": pa.array([b"{}", b"[]"], pa.large_binary())})
///     >>> lines_digest("json", lines) == lines_digest("json", lines[1:])
///     False
#[pyfunction]
pub(super) fn lines_digest(py: Python<'_>, kind: &str, lines: &Bound<'_, PyAny>) -> PyResult<String> {
    let input = ArrowInput::take(lines)?;
    detach(py, |_| {
        let batches = input.batches()?.collect::<Result<Vec<_>>>()?;
        let [batch] = batches.as_slice() else { return Err(not_lines()) };
        let [column] = batch.columns() else { return Err(not_lines()) };
        column.as_binary_opt::<i64>().map(|lines| digest_of_lines(kind, lines)).ok_or_else(not_lines)
    })
}

fn not_lines() -> Error {
    Error::new(ErrorKind::Batch, "lines are one batch with one column of large binary values")
}

/// What is known of lines besides their bytes.
#[derive(Debug)]
struct About {
    total: usize,
    places: Option<Vec<usize>>,
    long: Vec<(usize, usize, Vec<u8>)>,
    start: Vec<u8>,
}

impl PyCutLines {
    fn of(found: CutLines, column: &str) -> Result<PyCutLines> {
        let schema = Schema::new(vec![Field::new(column, DataType::LargeBinary, true)]);
        let lines: ArrayRef = Arc::new(found.lines);
        let batch = RecordBatch::try_new(Arc::new(schema), vec![lines])
            .map_err(|error| Error::new(ErrorKind::Internal, format!("the lines make no batch: {error}")))?;
        let mut batches = BatchList::default();
        batches.push(batch);
        let long = found.long.into_iter().map(|(index, line)| (index, line.bytes, line.beginning)).collect();
        let about = About { total: found.total, places: found.places, long, start: found.start };
        Ok(PyCutLines(Table(batches), about))
    }
}

#[pymethods]
impl PyCutLines {
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    /// Return the lines as Arrow data.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The interface allows a producer to ignore the requested schema.
        let _ = requested_schema;
        self.0.array_capsules(py)
    }

    /// The number of lines, with the blank ones.
    #[getter]
    fn total(&self) -> usize {
        self.1.total
    }

    /// The place of each line among all of them, from 0; None if no line is blank.
    #[getter]
    fn places(&self) -> Option<Vec<usize>> {
        self.1.places.clone()
    }

    /// The lines that are too long: the row of each, the number of its bytes, and its first bytes.
    #[getter]
    fn long(&self, py: Python<'_>) -> Vec<(usize, usize, Py<PyBytes>)> {
        let of =
            |(row, bytes, beginning): &(usize, usize, Vec<u8>)| (*row, *bytes, PyBytes::new(py, beginning).unbind());
        self.1.long.iter().map(of).collect()
    }

    /// The beginning of the text if these are the first lines of a file; otherwise empty.
    #[getter]
    fn start(&self, py: Python<'_>) -> Py<PyBytes> {
        PyBytes::new(py, &self.1.start).unbind()
    }
}
