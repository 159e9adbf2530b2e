//! `chatmill.TextBatch`.

use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::arrow::Table;

/// The result of `ChatTemplate.render_batch`: an Arrow table in memory with one column `text` (large_string), which any
/// Arrow library reads.
///
/// Example:
///     >>> import pyarrow as pa
///     >>> rows = pa.table({"messages": [[{"role": "user", "content": "Hi"}]]})
///     >>> texts = chatmill.ChatTemplate.named("chatml").render_batch(rows)
///     >>> pa.table(texts)["text"].to_pylist()
///     ['<|im_start|>user\nHi<|im_end|>\n']
#[pyclass(frozen, module = "chatmill._chatmill", name = "TextBatch")]
#[derive(Debug)]
pub(super) struct PyTextBatch(pub(super) Table);

#[pymethods]
impl PyTextBatch {
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
        format!("TextBatch({} rows)", self.__len__())
    }
}
