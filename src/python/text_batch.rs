//! `chatmill.TextBatch`.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::arrow;
use super::errors::{ChatmillError, DataError};

/// What `ChatTemplate.render_batch` returns: an Arrow table in memory with one column `text` (large_string), which any
/// Arrow library opens.
///
/// Example:
///     >>> import pyarrow as pa
///     >>> rows = pa.table({"messages": [[{"role": "user", "content": "Hi"}]]})
///     >>> texts = chatmill.ChatTemplate.named("chatml").render_batch(rows)
///     >>> pa.table(texts)["text"].to_pylist()
///     ['<|im_start|>user\nHi<|im_end|>\n']
#[pyclass(frozen, module = "chatmill._chatmill", name = "TextBatch")]
#[derive(Debug)]
pub(super) struct PyTextBatch(pub(super) Vec<RecordBatch>);

impl PyTextBatch {
    fn schema(&self) -> PyResult<SchemaRef> {
        let first = self.0.first().ok_or_else(|| ChatmillError::new_err("the batch has no columns"))?;
        Ok(first.schema())
    }
}

#[pymethods]
impl PyTextBatch {
    fn __len__(&self) -> usize {
        self.0.iter().map(RecordBatch::num_rows).sum()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        arrow::schema_capsule(py, &self.schema()?)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        // The interface lets a producer ignore the request and give the types that it has.
        let _ = requested_schema;
        let batch = match self.0.as_slice() {
            [batch] => batch.clone(),
            batches => arrow_select::concat::concat_batches(&self.schema()?, batches)
                .map_err(|error| DataError::new_err(format!("the texts do not fit into one array: {error}")))?,
        };
        arrow::array_capsules(py, &batch)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        arrow::stream_capsule(py, &self.schema()?, self.0.clone())
    }

    fn __repr__(&self) -> String {
        format!("TextBatch({} rows)", self.__len__())
    }
}
