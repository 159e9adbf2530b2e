//! `chatmill.TextBatch`.

use pyo3::prelude::*;

use super::arrow::Table;
use super::table_methods::table_methods;

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

table_methods!(PyTextBatch, |table| format!("TextBatch({} rows)", table.num_rows()));
