//! `chatmill.PackBatch`.

use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::arrow::Table;

/// The result of `PackPlan.pack`: an Arrow table in memory with a row for each pack, which any Arrow library reads. It has
/// the list columns of the rows, and the columns that mark where rows are.
///
/// Example:
///     >>> import pyarrow as pa
///     >>> rows = pa.table({"input_ids": [[5, 6], [7]]})
///     >>> pa.table(chatmill.PackPlan.of([2, 1], 4).pack(rows, ["position_ids"])).to_pydict()
///     {'input_ids': [[5, 6, 7]], 'position_ids': [[0, 1, 0]]}
#[pyclass(frozen, module = "chatmill._chatmill", name = "PackBatch")]
#[derive(Debug)]
pub(super) struct PyPackBatch(pub(super) Table);

#[pymethods]
impl PyPackBatch {
    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        self.0.schema_capsule(py)
    }

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

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        self.0.stream_capsule(py)
    }

    fn __repr__(&self) -> String {
        format!("PackBatch({} packs of {})", self.__len__(), self.0.column_names().join(", "))
    }
}
