//! The Python module: one frozen wrapper for each type of the core, without its own logic.

#![allow(clippy::doc_markdown, reason = "the comments are docstrings of Python, in Google's style")]

mod allocator;
mod arrow;
mod conversation;
mod convert;
mod detach;
mod encoding;
mod errors;
mod files;
mod hooks;
mod limits;
mod lines;
mod mill;
mod numbers;
mod outline;
mod pack_batch;
mod pack_plan;
mod pack_rows;
mod saved_batch;
mod shards;
mod single_rows;
mod statistics;
mod table_methods;
mod tables;
mod template;
mod text_batch;
mod token_batch;
mod tokenizer;

use pyo3::prelude::*;

/// The compiled core of chatmill.
#[pymodule(gil_used = false)]
mod _chatmill {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::arrow::check_arrow;
    #[pymodule_export]
    use super::encoding::{PyEncoding, PyRegion, PyToken};
    #[pymodule_export]
    use super::errors::{ChatmillError, DataError, PyRowFailure, RowError, TemplateError, TokenizerError};
    #[pymodule_export]
    use super::files::exchange_files;
    #[pymodule_export]
    use super::lines::{PyCutLines, PyLineCutter, lines_digest};
    #[pymodule_export]
    use super::mill::PyMill;
    #[pymodule_export]
    use super::outline::{find_in_vocabulary, outline_of, replace_outline};
    #[pymodule_export]
    use super::pack_batch::PyPackBatch;
    #[pymodule_export]
    use super::pack_plan::{PyPackPlan, PyPackReport};
    #[pymodule_export]
    use super::pack_rows::{PyPackRows, PyRowStore};
    #[pymodule_export]
    use super::shards::PyParquetEncoder;
    #[pymodule_export]
    use super::single_rows::encode_rows;
    #[pymodule_export]
    use super::statistics::{PyRowStatistics, PySampleStatistics};
    #[pymodule_export]
    use super::tables::{PyFormatInfo, PyNoteInfo, check_labels, format_info};
    #[pymodule_export]
    use super::template::PyChatTemplate;
    #[pymodule_export]
    use super::text_batch::PyTextBatch;
    #[pymodule_export]
    use super::token_batch::{PyTokenBatch, masked_batch, restore_batch};
    #[pymodule_export]
    use super::tokenizer::{PyEngine, PyTokenizer};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::allocator::set_delay();
        super::tables::add(module)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
