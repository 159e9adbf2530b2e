//! The exceptions, and the mapping of the core's errors to them.

use pyo3::create_exception;
use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;

use crate::error::{Error, Kind};

create_exception!(
    chatmill._chatmill,
    ChatmillError,
    PyValueError,
    "The base of every error that chatmill raises. Errors of the core carry `code` (a stable word), `message` (index of \
     the message) and `template_line`, each None where it is not known."
);
create_exception!(
    chatmill._chatmill,
    TemplateError,
    ChatmillError,
    "A chat template that does not compile, cannot be found, or fails on a conversation."
);
create_exception!(
    chatmill._chatmill,
    TokenizerError,
    ChatmillError,
    "A tokenizer that cannot be loaded, or that cannot encode a text."
);
create_exception!(
    chatmill._chatmill,
    DataError,
    ChatmillError,
    "A batch, a row or an option that does not have the form that chatmill reads."
);
create_exception!(
    chatmill._chatmill,
    RowError,
    ChatmillError,
    "A row of a batch that could not be turned into tokens. `failure` says where and why."
);

/// Why one row has no tokens.
#[pyclass(frozen, get_all, module = "chatmill._chatmill", name = "RowFailure")]
#[derive(Debug, Clone)]
pub(super) struct PyRowFailure {
    /// Index of the row in its batch, from 0.
    row: usize,
    /// Index of the message, from 0, or None.
    message: Option<usize>,
    /// Line of the chat template, from 1, or None.
    template_line: Option<usize>,
    /// A stable word for the kind of failure.
    code: &'static str,
    /// What went wrong and what to do about it.
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
            // The pipeline names the row of every failure.
            row: error.row.unwrap_or_default(),
            message: error.message,
            template_line: error.template_line,
            code: error.kind.code(),
            text: error.text.clone(),
        }
    }
}

/// The exception for `error`: a `RowError` where a row is known, else one by kind.
pub(super) fn to_python(py: Python<'_>, error: Error) -> PyErr {
    let text = error.to_string();
    if error.kind == Kind::Interrupted {
        return PyKeyboardInterrupt::new_err(text);
    }
    let exception = match error.kind {
        _ if error.row.is_some() => RowError::new_err(text),
        Kind::TemplateSyntax | Kind::TemplateRaised | Kind::TemplateFailed | Kind::TemplateMissing => {
            TemplateError::new_err(text)
        }
        Kind::TokenizerLoad | Kind::TokenizerFailed => TokenizerError::new_err(text),
        Kind::Unproved(_) | Kind::Internal => ChatmillError::new_err(text),
        _ => DataError::new_err(text),
    };
    // A failure to attach the details must not hide the error itself.
    let value = exception.value(py);
    let _ = value.setattr("code", error.kind.code());
    let _ = value.setattr("message", error.message);
    let _ = value.setattr("template_line", error.template_line);
    if error.row.is_some() {
        let _ = value.setattr("failure", PyRowFailure::from(&error));
    }
    exception
}
