//! Arrow data in and out by PyCapsules, without an Arrow library for Python.
//!
//! An input is taken from its capsules while the GIL is held ([`ArrowInput::take`]), and read without it
//! ([`ArrowInput::batches`]), inside [`detach`](super::detach).

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{ArrayStreamReader, FFI_ArrowArrayStream};
use arrow_array::{
    Array, ArrayReader, ArrayRef, RecordBatch, RecordBatchIterator, StructArray, make_array, new_empty_array,
};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods, PySlice, PyTuple};

use super::detach::{attached, detach};
use super::errors::DataError;
use super::hooks;
use crate::batch::BatchList;
use crate::data::check_batch;
use crate::error::{Error, ErrorKind, Result};

const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";
const STREAM: &CStr = c"arrow_array_stream";

/// Arrow data from Python that is not read yet.
pub(super) enum ArrowInput {
    Stream(FFI_ArrowArrayStream),
    Array(Box<(FFI_ArrowArray, FFI_ArrowSchema)>),
}

impl ArrowInput {
    /// Takes the rows of `object`: Arrow data, or rows in memory as [`rows_of`](hooks::rows_of) reads them. Returns the
    /// column that holds whole rows too, if there is one.
    pub(super) fn rows(object: &Bound<'_, PyAny>, json_column: Option<&str>) -> PyResult<(ArrowInput, Option<String>)> {
        let is_arrow =
            attached(
                object.py(),
                || Ok(object.hasattr("__arrow_c_stream__")? || object.hasattr("__arrow_c_array__")?),
            )?;
        match if is_arrow { None } else { hooks::rows_of(object, json_column)? } {
            Some((table, column)) => Ok((ArrowInput::take(&table)?, column)),
            None => Ok((ArrowInput::take(object)?, json_column.map(str::to_owned))),
        }
    }

    /// Takes the data of `object`: anything with `__arrow_c_stream__` or `__arrow_c_array__`, or a `datasets.Dataset`.
    pub(super) fn take(object: &Bound<'_, PyAny>) -> PyResult<ArrowInput> {
        attached(object.py(), || {
            if object.hasattr("__arrow_c_stream__")? {
                return ArrowInput::of_stream(object);
            }
            if object.hasattr("__arrow_c_array__")? {
                return ArrowInput::of_array(&object.call_method0("__arrow_c_array__")?);
            }
            if object.hasattr("with_format")? {
                // A dataset may be a selection of its table; in the format "arrow" it gives the selected rows.
                let arrow = object.call_method1("with_format", ("arrow",))?;
                let table = arrow.get_item(PySlice::full(object.py()))?;
                if table.hasattr("__arrow_c_stream__")? {
                    return ArrowInput::of_stream(&table);
                }
            }
            Err(DataError::new_err(format!(
                "the type {} holds no rows that can be read; pass a list of dicts, a dict of columns, a table of pyarrow, polars, \
                pandas or duckdb, or a datasets.Dataset",
                object.get_type().name()?
            )))
        })
    }

    fn of_stream(object: &Bound<'_, PyAny>) -> PyResult<ArrowInput> {
        let capsule = object.call_method0("__arrow_c_stream__")?;
        let pointer: NonNull<FFI_ArrowArrayStream> = pointer(&capsule, STREAM)?;
        // SAFETY: a capsule of this name holds a stream, which the consumer may move out of it.
        Ok(ArrowInput::Stream(unsafe { FFI_ArrowArrayStream::from_raw(pointer.as_ptr()) }))
    }

    fn of_array(capsules: &Bound<'_, PyAny>) -> PyResult<ArrowInput> {
        let invalid = || DataError::new_err("__arrow_c_array__ must return a pair of capsules: schema and array");
        let pair = capsules.cast::<PyTuple>().map_err(|_| invalid())?;
        if pair.len() != 2 {
            return Err(invalid());
        }
        let schema: NonNull<FFI_ArrowSchema> = pointer(&pair.get_item(0)?, SCHEMA)?;
        let array: NonNull<FFI_ArrowArray> = pointer(&pair.get_item(1)?, ARRAY)?;
        // SAFETY: capsules of these names hold an array and its schema, which the consumer may move out of them.
        let (array, schema) =
            unsafe { (FFI_ArrowArray::from_raw(array.as_ptr()), FFI_ArrowSchema::from_raw(schema.as_ptr())) };
        Ok(ArrowInput::Array(Box::new((array, schema))))
    }

    /// The record batches, read one at a time. Call without the GIL: a producer may need it.
    ///
    /// There is always at least one batch, so that the columns of an empty input are checked too.
    pub(super) fn batches(self) -> Result<Box<dyn Iterator<Item = Result<RecordBatch>>>> {
        match self {
            ArrowInput::Array(pair) => {
                let (array, schema) = *pair;
                if array.is_released() || schema.release().is_none() {
                    return Err(unreadable("the Arrow capsule was already read; create a new one from the table"));
                }
                // SAFETY: `take` got both from one call of `__arrow_c_array__`, so they belong together.
                let import = || unsafe { from_ffi(array, &schema) }.map(make_array).map_err(|error| read_error(&error));
                Ok(Box::new(std::iter::once(imported(import).and_then(record_batch))))
            }
            ArrowInput::Stream(stream) => {
                let reader = imported(|| ArrayStreamReader::try_new(stream).map_err(|error| read_error(&error)))?;
                let empty = record_batch(new_empty_array(reader.field().data_type()))?;
                let mut empty = Some(empty);
                let mut reader = reader.fuse();
                Ok(Box::new(std::iter::from_fn(move || {
                    let next = imported(|| reader.next().transpose().map_err(|error| read_error(&error)));
                    match next.transpose() {
                        Some(batch) => {
                            empty = None;
                            Some(batch.and_then(record_batch))
                        }
                        None => empty.take().map(Ok),
                    }
                })))
            }
        }
    }
}

fn pointer<T>(capsule: &Bound<'_, PyAny>, name: &CStr) -> PyResult<NonNull<T>> {
    let named = capsule.cast::<PyCapsule>().ok().and_then(|capsule| capsule.pointer_checked(Some(name)).ok());
    named.map(NonNull::cast).ok_or_else(|| {
        DataError::new_err(format!(
            "expected a capsule named {}; the object does not follow the Arrow PyCapsule interface",
            name.to_string_lossy()
        ))
    })
}

/// The schema of an object with `__arrow_c_schema__`.
pub(super) fn schema_of(object: &Bound<'_, PyAny>) -> PyResult<Schema> {
    let capsule = attached(object.py(), || object.call_method0("__arrow_c_schema__"))?;
    let schema: NonNull<FFI_ArrowSchema> = pointer(&capsule, SCHEMA)?;
    // SAFETY: a capsule of this name holds a schema, and lives longer than the borrow.
    let schema = unsafe { schema.as_ref() };
    Schema::try_from(schema).map_err(|error| DataError::new_err(format!("the schema cannot be read: {error}")))
}

/// Raises a `DataError` if a column of Arrow data is damaged. Strings that are not UTF-8 are no damage: they fail only
/// their rows.
#[pyfunction]
pub(super) fn check_arrow(py: Python<'_>, batch: &Bound<'_, PyAny>) -> PyResult<()> {
    let input = ArrowInput::take(batch)?;
    detach(py, |_| input.batches()?.try_for_each(|batch| batch.map(|_| ())))
}

/// The rows of a struct array as a record batch.
fn record_batch(array: ArrayRef) -> Result<RecordBatch> {
    let Some(rows) = array.as_any().downcast_ref::<StructArray>() else {
        let text = format!("the rows must be structs with named columns, found {}", array.data_type());
        return Err(Error::new(ErrorKind::Batch, text));
    };
    if rows.null_count() > 0 {
        return Err(Error::new(ErrorKind::Batch, "the batch has null rows; remove them first"));
    }
    let batch = RecordBatch::from(rows);
    check_batch(&batch)?;
    Ok(batch)
}

/// Takes arrays over from their producer. The Arrow library panics if their parts do not fit together.
fn imported<T>(import: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(import)).unwrap_or_else(|panic| Err(unreadable(Error::panic_text(panic.as_ref()))))
}

/// The error for Arrow data that cannot be read.
fn read_error(error: &ArrowError) -> Error {
    let text = error.to_string();
    // A stream passes an exception of its producer as text only, so the exception is recognized by its name.
    if text.contains("KeyboardInterrupt") {
        return Error::new(ErrorKind::Interrupted, "the producer of the Arrow stream was interrupted");
    }
    unreadable(&text)
}

fn unreadable(text: &str) -> Error {
    Error::new(ErrorKind::Batch, format!("the Arrow data cannot be read: {text}"))
}

/// Record batches for Python, as one table.
#[derive(Debug, Default)]
pub(super) struct Table(pub(super) BatchList);

impl Table {
    pub(super) fn num_rows(&self) -> usize {
        self.0.num_rows()
    }

    pub(super) fn column_names(&self) -> Vec<String> {
        let schema = self.0.schema();
        schema.iter().flat_map(|schema| schema.fields()).map(|field| field.name().clone()).collect()
    }

    fn schema(&self) -> Result<SchemaRef> {
        self.0.schema().ok_or_else(|| Error::new(ErrorKind::Internal, "the batch has no columns"))
    }

    /// A capsule with the schema, as a struct.
    pub(super) fn schema_capsule<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = detach(py, |_| FFI_ArrowSchema::try_from(self.schema()?.as_ref()).map_err(|it| export(&it)))?;
        PyCapsule::new_with_value(py, schema, SCHEMA)
    }

    /// Capsules with the schema and all rows as one struct array.
    pub(super) fn array_capsules<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let array = detach(py, |_| {
            let batch = match self.0.as_slice() {
                [batch] => batch.clone(),
                batches => arrow_select::concat::concat_batches(&self.schema()?, batches).map_err(|error| {
                    let text = format!("the rows do not fit into one array ({error}); use __arrow_c_stream__");
                    Error::new(ErrorKind::Batch, text)
                })?,
            };
            Ok(FFI_ArrowArray::new(&StructArray::from(batch).to_data()))
        })?;
        Ok((self.schema_capsule(py)?, PyCapsule::new_with_value(py, array, ARRAY)?))
    }

    /// A capsule with a stream of the batches.
    pub(super) fn stream_capsule<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let stream = detach(py, |_| {
            let batches = self.0.as_slice().to_vec().into_iter().map(Ok);
            Ok(FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new(batches, self.schema()?))))
        })?;
        PyCapsule::new_with_value(py, stream, STREAM)
    }
}

fn export(error: &ArrowError) -> Error {
    Error::new(ErrorKind::Internal, format!("the output cannot be exported as Arrow data: {error}"))
}
