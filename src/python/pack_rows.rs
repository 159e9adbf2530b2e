//! `chatmill.PackRows`, and how packs are made.

use std::sync::Arc;

use pyo3::prelude::*;

use super::arrow::Table;
use super::detach::detach;
use super::errors::DataError;
use super::pack_batch::PyPackBatch;
use crate::batch::BatchList;
use crate::choice::Choice;
use crate::error::Result;
use crate::packing::{Mark, PackPadding, PackPlan, PackedRows, RowFiles, pack_rows};

/// The rows of a plan in files, which `PackPlan.open_rows` opened.
///
/// Example:
///     >>> import array, pathlib, tempfile
///     >>> with tempfile.TemporaryDirectory() as folder:
///     ...     path = pathlib.Path(folder, "ids")
///     ...     _ = path.write_bytes(array.array("i", [5, 6, 7]))
///     ...     chatmill.PackPlan.of([2, 1], 4).open_rows({"input_ids": path})
///     PackRows(input_ids)
#[pyclass(frozen, module = "chatmill._chatmill", name = "PackRows")]
#[derive(Debug)]
pub(super) struct PyPackRows {
    pub(super) rows: RowFiles,
    pub(super) plan: Arc<PackPlan>,
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
        detach(py, move |_| request.pack(&self.plan, &self.rows)).map(PyPackBatch)
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

    pub(super) fn pack(self, plan: &PackPlan, rows: &dyn PackedRows) -> Result<Table> {
        let marks = match &self.marks {
            Some(marks) => marks.iter().map(|mark| Mark::parse(mark)).collect::<Result<_>>()?,
            None => vec![Mark::SeqLengths],
        };
        let range = self.start..self.stop.unwrap_or(plan.num_packs()).min(plan.num_packs());
        let mut batches = BatchList::default();
        batches.push(pack_rows(plan, rows, range, &marks, self.padding)?);
        Ok(Table(batches))
    }
}

/// The number of an option, which must be from `least` to `most`.
pub(super) fn number(option: &str, value: &Bound<'_, PyAny>, least: u64, most: u64) -> PyResult<u64> {
    let found = value.extract::<u64>().ok().filter(|number| (least..=most).contains(number));
    found.ok_or_else(|| DataError::new_err(format!("`{option}` must be a whole number from {least} to {most}")))
}
