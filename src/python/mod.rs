//! The Python module: one frozen wrapper for each core type, no logic of its own.

mod arguments;
mod arrow;
mod convert;
mod encoding;
mod errors;
mod gate;
mod mill;
mod template;
mod text_batch;
mod token_batch;
mod tokenizer;

use pyo3::prelude::*;

/// Takes a tenth off a row, and gives memory back between batches.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The compiled core of chatmill.
#[pymodule(gil_used = false)]
mod _chatmill {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::encoding::{PyEncoding, PyRegion, PyToken};
    #[pymodule_export]
    use super::errors::{ChatmillError, DataError, PyRowFailure, RowError, TemplateError, TokenizerError};
    #[pymodule_export]
    use super::mill::{PyMill, check_format, check_labels};
    #[pymodule_export]
    use super::template::PyChatTemplate;
    #[pymodule_export]
    use super::text_batch::PyTextBatch;
    #[pymodule_export]
    use super::token_batch::PyTokenBatch;
    #[pymodule_export]
    use super::tokenizer::{PyEngine, PyTokenizer};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
