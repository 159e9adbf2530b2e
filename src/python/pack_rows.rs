//! `chatmill.RowStore`, `chatmill.PackRows`, and how packs are made.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use pyo3::prelude::*;

use super::arrow::{ArrowInput, Table};
use super::detach::detach;
use super::numbers::number;
use super::pack_batch::PyPackBatch;
use crate::batch::BatchList;
use crate::choice::Choice;
use crate::error::{Error, ErrorKind, Result};
use crate::packing::{Mark, PackPadding, PackPlan, PackedRows, RowStore, StoredRows, pack_rows};

/// A place for the rows of a plan, which `PackPlan.store` made. Threads append rows in any order.
///
/// Example:
///     >>> import pyarrow as pa
///     >>> ids = pa.array([[5, 6], [7]], pa.list_(pa.int32()))
///     >>> store = chatmill.PackPlan.of([2, 1], 4).store(["input_ids"])
///     >>> store.append(0, pa.record_batch({"input_ids": ids}))
///     >>> store.finish()
///     PackRows(input_ids)
#[pyclass(frozen, module = "chatmill._chatmill", name = "RowStore")]
#[derive(Debug)]
pub(super) struct PyRowStore {
    /// None after `finish`.
    store: RwLock<Option<RowStore>>,
    plan: Arc<PackPlan>,
}

impl PyRowStore {
    pub(super) fn new(columns: &[String], file: Option<PathBuf>, plan: &Arc<PackPlan>) -> Result<PyRowStore> {
        Ok(PyRowStore { store: RwLock::new(Some(RowStore::new(columns, file)?)), plan: Arc::clone(plan) })
    }
}

#[pymethods]
impl PyRowStore {
    /// Append consecutive rows.
    ///
    /// Args:
    ///     first_row: The number of the first row.
    ///     rows: Arrow data with the columns of the store: lists of float32 for `weights`, of int32 for others.
    ///
    /// Raises:
    ///     DataError: Rows have other lengths than in the plan, a column is missing, or the file cannot be written.
    fn append(&self, py: Python<'_>, first_row: usize, rows: &Bound<'_, PyAny>) -> PyResult<()> {
        let input = ArrowInput::take(rows)?;
        detach(py, move |_| {
            let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
            let store = store.as_ref().ok_or_else(finished)?;
            let mut row = first_row;
            for batch in input.batches()? {
                let batch = batch?;
                store.append(row, &batch, &self.plan)?;
                row += batch.num_rows();
            }
            Ok(())
        })
    }

    /// Return the rows, after all were appended.
    ///
    /// Raises:
    ///     DataError: A row of the plan was not appended, or more than once.
    fn finish(&self, py: Python<'_>) -> PyResult<PyPackRows> {
        let rows = detach(py, |_| {
            let store = self.store.write().unwrap_or_else(PoisonError::into_inner).take();
            store.ok_or_else(finished)?.finish(&self.plan)
        })?;
        Ok(PyPackRows { rows, plan: Arc::clone(&self.plan) })
    }
}

fn finished() -> Error {
    Error::new(ErrorKind::Batch, "`finish` was called before; make another store")
}

/// The rows of a plan, in memory or in a file.
///
/// Example:
///     >>> import pyarrow as pa
///     >>> ids = pa.array([[5, 6], [7]], pa.list_(pa.int32()))
///     >>> store = chatmill.PackPlan.of([2, 1], 4).store(["input_ids"])
///     >>> store.append(0, pa.record_batch({"input_ids": ids}))
///     >>> pa.table(store.finish().pack([])).to_pydict()
///     {'input_ids': [[5, 6, 7]]}
#[pyclass(frozen, module = "chatmill._chatmill", name = "PackRows")]
#[derive(Debug)]
pub(super) struct PyPackRows {
    rows: StoredRows,
    plan: Arc<PackPlan>,
}

#[pymethods]
impl PyPackRows {
    /// Pack rows, as `PackPlan.pack` does.
    ///
    /// Args:
    ///     marks: The columns that tell where the rows of a pack are.
    ///     start: The first pack.
    ///     stop: The pack after the last one; None for all.
    ///     pad_id: The token id of padding.
    ///     pad_to_max_length: Fill each pack up to `max_length`.
    ///
    /// Returns:
    ///     One row for each pack, as an Arrow table.
    ///
    /// Raises:
    ///     DataError: A file cannot be read, or there is no `pad_id` where one is needed.
    #[pyo3(signature = (marks=None, start=0, stop=None, *, pad_id=None, pad_to_max_length=false))]
    fn pack(
        &self,
        py: Python<'_>,
        marks: Option<Vec<String>>,
        start: usize,
        stop: Option<usize>,
        pad_id: Option<&Bound<'_, PyAny>>,
        pad_to_max_length: bool,
    ) -> PyResult<PyPackBatch> {
        let request = PackRequest::of(marks, start, stop, pad_id, pad_to_max_length)?;
        detach(py, move |_| request.pack(&self.plan, &self.rows))
    }

    fn __repr__(&self) -> String {
        let names: Vec<&str> = self.rows.columns().iter().map(|column| column.name.as_str()).collect();
        format!("PackRows({})", names.join(", "))
    }
}

/// Which packs to make, and how.
pub(super) struct PackRequest {
    marks: Option<Vec<String>>,
    start: usize,
    stop: Option<usize>,
    padding: PackPadding,
}

impl PackRequest {
    pub(super) fn of(
        marks: Option<Vec<String>>,
        start: usize,
        stop: Option<usize>,
        pad_id: Option<&Bound<'_, PyAny>>,
        pad_to_max_length: bool,
    ) -> PyResult<PackRequest> {
        let pad_id = pad_id.map(|value| number("pad_id", value, 0, i32::MAX as u64)).transpose()?;
        let padding = PackPadding { id: pad_id.map(|id| id as u32), to_max_length: pad_to_max_length };
        Ok(PackRequest { marks, start, stop, padding })
    }

    pub(super) fn pack(self, plan: &PackPlan, rows: &dyn PackedRows) -> Result<PyPackBatch> {
        let marks = match &self.marks {
            Some(marks) => marks.iter().map(|mark| Mark::parse(mark)).collect::<Result<_>>()?,
            None => vec![Mark::SeqLengths],
        };
        let range = self.start..self.stop.unwrap_or(plan.num_packs()).min(plan.num_packs());
        let mut batches = BatchList::default();
        batches.push(pack_rows(plan, rows, range, &marks, self.padding)?);
        Ok(PyPackBatch::new(Table(batches)))
    }
}
