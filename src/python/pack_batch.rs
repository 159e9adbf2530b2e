//! `chatmill.PackBatch`.

use pyo3::prelude::*;

use super::arrow::Table;
use super::table_methods::table_methods;
use crate::packing::trained_tokens;

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
pub(super) struct PyPackBatch(
    Table,
    /// The number of trained tokens of each pack: those whose label is not -100. Without labels there are none.
    #[pyo3(get, name = "trained_tokens")]
    Vec<usize>,
);

table_methods!(PyPackBatch, |table| format!(
    "PackBatch({} packs of {})",
    table.num_rows(),
    table.column_names().join(", ")
));

impl PyPackBatch {
    pub(super) fn new(table: Table) -> PyPackBatch {
        let trained = table.0.as_slice().iter().flat_map(trained_tokens).collect();
        PyPackBatch(table, trained)
    }
}
