//! `chatmill.PackRows`.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::packing::{PackPlan, RowLists};

/// The rows of a plan, checked by `PackPlan.rows`.
///
/// Example:
///     >>> import pyarrow as pa
///     >>> chatmill.PackPlan.of([2, 1], 4).rows(pa.table({"input_ids": [[5, 6], [7]]}))
///     PackRows(2 rows of input_ids)
#[pyclass(frozen, module = "chatmill._chatmill", name = "PackRows")]
#[derive(Debug)]
pub(super) struct PyPackRows {
    pub(super) rows: Arc<RowLists>,
    pub(super) plan: Arc<PackPlan>,
}

#[pymethods]
impl PyPackRows {
    fn __len__(&self) -> usize {
        self.rows.len()
    }

    fn __repr__(&self) -> String {
        format!("PackRows({} rows of {})", self.rows.len(), self.rows.columns().join(", "))
    }
}
