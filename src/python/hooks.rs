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
