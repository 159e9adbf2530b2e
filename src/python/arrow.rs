//! Arrow in and out by the PyCapsule interface, without any Arrow library of Python.

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{Array, RecordBatch, RecordBatchIterator, RecordBatchReader, StructArray};
use arrow_schema::SchemaRef;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods};

use super::errors::{ChatmillError, DataError};

const SCHEMA: &std::ffi::CStr = c"arrow_schema";
const ARRAY: &std::ffi::CStr = c"arrow_array";
const STREAM: &std::ffi::CStr = c"arrow_array_stream";

/// The batches of `object`: one that has `__arrow_c_stream__` or `__arrow_c_array__`, or a `datasets.Dataset`.
pub(super) fn batches(object: &Bound<'_, PyAny>) -> PyResult<Vec<RecordBatch>> {
    if object.hasattr("__arrow_c_stream__")? {
        return from_stream(&object.call_method0("__arrow_c_stream__")?);
    }
    if object.hasattr("__arrow_c_array__")? {
        return Ok(vec![from_array(&object.call_method0("__arrow_c_array__")?)?]);
    }
    if object.hasattr("with_format")? {
        // A dataset of `datasets` may be a selection of its table; as Arrow it gives the rows that it shows.
        let table =
            object.call_method1("with_format", ("arrow",))?.get_item(pyo3::types::PySlice::full(object.py()))?;
        if table.hasattr("__arrow_c_stream__")? {
            return from_stream(&table.call_method0("__arrow_c_stream__")?);
        }
    }
    Err(DataError::new_err(format!(
        "cannot read a {}: pass an Arrow table or batch, such as those of pyarrow, polars, duckdb or datasets",
        object.get_type().name()?
    )))
}

fn refused(error: &arrow_schema::ArrowError) -> PyErr {
    DataError::new_err(format!("the Arrow data cannot be read: {error}"))
}

fn from_stream(capsule: &Bound<'_, PyAny>) -> PyResult<Vec<RecordBatch>> {
    let pointer = capsule.cast::<PyCapsule>()?.pointer_checked(Some(STREAM))?;
    // SAFETY: a capsule of this name holds a stream that the caller may take over; what is left behind is released.
    let reader = unsafe { RecordBatchStreamReader::from_raw(pointer.cast::<FFI_ArrowArrayStream>().as_ptr()) };
    let reader = reader.map_err(|error| refused(&error))?;
    let schema = reader.schema();
    let mut batches = reader.collect::<Result<Vec<_>, _>>().map_err(|error| refused(&error))?;
    if batches.is_empty() {
        // The columns are checked even if there are no rows.
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

fn from_array(capsules: &Bound<'_, PyAny>) -> PyResult<RecordBatch> {
    let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) = capsules.extract()?;
    let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
    let array = array.pointer_checked(Some(ARRAY))?.cast::<FFI_ArrowArray>();
    // SAFETY: capsules of these names hold an array that the caller may take over, and its schema.
    let data = unsafe { from_ffi(FFI_ArrowArray::from_raw(array.as_ptr()), schema.as_ref()) };
    let array = arrow_array::make_array(data.map_err(|error| refused(&error))?);
    let Some(rows) = array.as_any().downcast_ref::<StructArray>() else {
        let text = format!("the rows must be structs with named columns, found {}", array.data_type());
        return Err(DataError::new_err(text));
    };
    if rows.null_count() > 0 {
        return Err(DataError::new_err("some rows are null as a whole; drop them first"));
    }
    Ok(RecordBatch::from(rows))
}

/// Batches of one schema that Python may take as a table.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<RecordBatch>);

impl Table {
    /// Appends a batch. One without rows is kept only while it is alone, for its columns.
    pub(super) fn push(&mut self, batch: RecordBatch) {
        if self.0.first().is_some_and(|first| first.num_rows() == 0) {
            self.0.clear();
        }
        if batch.num_rows() > 0 || self.0.is_empty() {
            self.0.push(batch);
        }
    }

    /// Whether there is no batch, not even one without rows.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn num_rows(&self) -> usize {
        self.0.iter().map(RecordBatch::num_rows).sum()
    }

    pub(super) fn schema(&self) -> PyResult<SchemaRef> {
        let first = self.0.first().ok_or_else(|| ChatmillError::new_err("the batch has no columns"))?;
        Ok(first.schema())
    }

    /// A capsule with the schema, as a struct.
    pub(super) fn schema_capsule<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(self.schema()?.as_ref())
            .map_err(|error| ChatmillError::new_err(format!("the output cannot be handed over: {error}")))?;
        PyCapsule::new_with_value(py, schema, SCHEMA)
    }

    /// Capsules with schema and data of all batches as one struct array.
    pub(super) fn array_capsules<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let batch = match self.0.as_slice() {
            [batch] => batch.clone(),
            batches => arrow_select::concat::concat_batches(&self.schema()?, batches).map_err(|error| {
                DataError::new_err(format!("the rows do not fit into one array: {error}; take __arrow_c_stream__"))
            })?,
        };
        let array = StructArray::from(batch);
        let schema = self.schema_capsule(py)?;
        Ok((schema, PyCapsule::new_with_value(py, FFI_ArrowArray::new(&array.to_data()), ARRAY)?))
    }

    /// A capsule with a stream of the batches.
    pub(super) fn stream_capsule<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let batches = self.0.clone().into_iter().map(Ok);
        let reader = RecordBatchIterator::new(batches, self.schema()?);
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), STREAM)
    }
}
