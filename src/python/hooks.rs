//! Calls from the core into the Python package. All of them go to the module `chatmill._hooks`.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("chatmill._hooks")
}

/// Finds the tokenizer of a folder, file, Hub id or object.
pub(super) fn load_tokenizer<'py>(source: &Bound<'py, PyAny>, rebuild: bool) -> PyResult<Bound<'py, PyAny>> {
    module(source.py())?.call_method1("load_tokenizer", (source, rebuild))
}

/// Finds the chat template of a folder, file, Hub id or object.
pub(super) fn load_template<'py>(
    source: &Bound<'py, PyAny>,
    name: Option<&str>,
    fallback: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    module(source.py())?.call_method1("load_template", (source, name, fallback))
}

/// The `Labels` that `given` describes.
pub(super) fn labels_of<'py>(py: Python<'py>, given: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
    module(py)?.call_method1("labels_of", (given,))
}

/// The `Format` that `given` describes.
pub(super) fn format_of<'py>(given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    module(given.py())?.call_method1("format_of", (given,))
}

/// The JSON schemas of tools, some of which are Python functions.
pub(super) fn schemas_of<'py>(tools: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    module(tools.py())?.call_method1("schemas_of", (tools,))
}

/// Prints an encoding.
pub(super) fn print_encoding(encoding: &Bound<'_, PyAny>, regions: bool) -> PyResult<()> {
    let kwargs = PyDict::new(encoding.py());
    kwargs.set_item("regions", regions)?;
    module(encoding.py())?.call_method("print_encoding", (encoding,), Some(&kwargs)).map(|_| ())
}

/// An encoding as HTML.
pub(super) fn to_html(encoding: &Bound<'_, PyAny>) -> PyResult<String> {
    module(encoding.py())?.call_method1("to_html", (encoding,))?.extract()
}

/// The findings about a template.
pub(super) fn lint_template<'py>(
    template: &Bound<'py, PyAny>,
    options: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    module(template.py())?.call_method("lint_template", (template,), Some(options))
}

/// The tokenizer and the template of `Mill.from_pretrained`.
pub(super) fn parts_of_mill<'py>(
    source: &Bound<'py, PyAny>,
    template: Option<&Bound<'py, PyAny>>,
    format: Option<&Bound<'py, PyAny>>,
    rebuild: bool,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let kwargs = PyDict::new(source.py());
    kwargs.set_item("rebuild", rebuild)?;
    module(source.py())?.call_method("parts_of_mill", (source, template, format), Some(&kwargs))?.extract()
}

/// Rows in memory as Arrow data, with the column that holds whole rows. None if they are no rows.
pub(super) fn rows_of<'py>(
    data: &Bound<'py, PyAny>,
    json_column: Option<&str>,
) -> PyResult<Option<(Bound<'py, PyAny>, Option<String>)>> {
    module(data.py())?.call_method1("rows_of", (data, json_column))?.extract()
}

/// A stream of tokens of a stream of rows.
pub(super) fn stream_of<'py>(
    mill: &Bound<'py, PyAny>,
    rows: &Bound<'py, PyAny>,
    json_column: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    module(mill.py())?.call_method1("stream_of", (mill, rows, json_column))
}

/// The lengths of rows, as a table with one column of uint32.
pub(super) fn lengths_of<'py>(lengths: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    module(lengths.py())?.call_method1("lengths_of", (lengths,))
}

/// A column of a batch, as a list.
pub(super) fn column_of<'py>(batch: &Bound<'py, PyAny>, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    module(batch.py())?.call_method1("column_of", (batch, name))
}

/// A batch or a plan as a table.
pub(super) fn table_of<'py>(batch: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    module(batch.py())?.call_method1("table_of", (batch,))
}

/// A batch as HTML.
pub(super) fn batch_to_html(batch: &Bound<'_, PyAny>) -> PyResult<String> {
    module(batch.py())?.call_method1("batch_to_html", (batch,))?.extract()
}
