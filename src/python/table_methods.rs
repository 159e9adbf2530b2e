//! `table_methods`: the methods of a class that is an Arrow table.

/// Gives a class with a `Table` its length, the Arrow PyCapsule interface, and the text of `shown`.
macro_rules! table_methods {
    ($class:ty, $shown:expr) => {
        #[pyo3::pymethods]
        impl $class {
            fn __len__(&self) -> usize {
                self.0.num_rows()
            }

            fn __arrow_c_schema__<'py>(
                &self,
                py: pyo3::Python<'py>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::types::PyCapsule>> {
                self.0.schema_capsule(py)
            }

            #[pyo3(signature = (requested_schema=None))]
            fn __arrow_c_array__<'py>(
                &self,
                py: pyo3::Python<'py>,
                requested_schema: Option<&pyo3::Bound<'py, pyo3::PyAny>>,
            ) -> pyo3::PyResult<(pyo3::Bound<'py, pyo3::types::PyCapsule>, pyo3::Bound<'py, pyo3::types::PyCapsule>)>
            {
                // The interface allows a producer to ignore the requested schema.
                let _ = requested_schema;
                self.0.array_capsules(py)
            }

            #[pyo3(signature = (requested_schema=None))]
            fn __arrow_c_stream__<'py>(
                &self,
                py: pyo3::Python<'py>,
                requested_schema: Option<&pyo3::Bound<'py, pyo3::PyAny>>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::types::PyCapsule>> {
                let _ = requested_schema;
                self.0.stream_capsule(py)
            }

            fn __repr__(&self) -> String {
                let shown: fn(&Table) -> String = $shown;
                shown(&self.0)
            }
        }
    };
}

pub(super) use table_methods;
