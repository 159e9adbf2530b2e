//! The exceptions, and the mapping of the core's errors to them.

use pyo3::create_exception;
use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;

use crate::error::{Error, ErrorKind};

create_exception!(
    chatmill._chatmill,
    ChatmillError,
    PyValueError,
    "Base class of all errors of chatmill. Errors of the core have the attributes `code` (a stable word), `text` (what is \
     wrong, without the place), `message` (index of the message) and `template_line`; an unknown place is None."
);
create_exception!(
    chatmill._chatmill,
    TemplateError,
    ChatmillError,
    "A chat template is missing, does not compile, or fails on a conversation."
);
create_exception!(
    chatmill._chatmill,
    TokenizerError,
    ChatmillError,
    "A tokenizer cannot be loaded, or cannot encode a text."
);
create_exception!(chatmill._chatmill, DataError, ChatmillError, "A batch, a row or an option is not valid.");
create_exception!(
    chatmill._chatmill,
    RowError,
    ChatmillError,
    "A row of a batch failed. `failure` has the place and the reason."
);

/// The reason why one row failed.
#[pyclass(frozen, get_all, module = "chatmill._chatmill", name = "RowFailure")]
#[derive(Debug, Clone)]
pub(super) struct PyRowFailure {
    /// Index of the row in its batch, from 0.
    row: usize,
    /// Index of the message, from 0, or None.
    message: Option<usize>,
    /// Line of the chat template, from 1, or None.
    template_line: Option<usize>,
    /// The stable code of the failure; `docs/errors.md` lists all codes.
    code: &'static str,
    /// What is wrong, and what to do about it.
    text: String,
}

#[pymethods]
impl PyRowFailure {
    fn __repr__(&self) -> String {
        format!(
            "RowFailure(row={}, message={}, template_line={}, code='{}', text={:?})",
            self.row,
            or_none(self.message),
            or_none(self.template_line),
            self.code,
            self.text
        )
    }
}

fn or_none(index: Option<usize>) -> String {
    index.map_or_else(|| "None".to_owned(), |index| index.to_string())
}

impl From<&Error> for PyRowFailure {
    fn from(error: &Error) -> Self {
        PyRowFailure {
            // Every failure of a batch has a row.
            row: error.row.unwrap_or_default(),
            message: error.message,
            template_line: error.template_line,
            code: error.kind.code(),
            text: error.text.clone(),
        }
    }
}

/// The exception for `error`: a `RowError` if a row is known, else one by kind.
pub(super) fn to_python(py: Python<'_>, error: Error) -> PyErr {
    let text = error.to_string();
    if error.kind == ErrorKind::Interrupted {
        return PyKeyboardInterrupt::new_err(text);
    }
    let exception = match error.kind {
        _ if error.row.is_some() => RowError::new_err(text),
        ErrorKind::TemplateSyntax
        | ErrorKind::TemplateRaised
        | ErrorKind::TemplateFailed
        | ErrorKind::TemplateMissing => TemplateError::new_err(text),
        ErrorKind::TokenizerLoad | ErrorKind::TokenizerFailed => TokenizerError::new_err(text),
        ErrorKind::Internal => ChatmillError::new_err(text),
        kind if kind.is_unproved() => ChatmillError::new_err(text),
        _ => DataError::new_err(text),
    };
    // A failure to set these attributes must not hide the error itself.
    let value = exception.value(py);
    let _ = value.setattr("text", &error.text);
    let _ = value.setattr("code", error.kind.code());
    let _ = value.setattr("message", error.message);
    let _ = value.setattr("template_line", error.template_line);
    if error.row.is_some() {
        let _ = value.setattr("failure", PyRowFailure::from(&error));
    }
    exception
}
