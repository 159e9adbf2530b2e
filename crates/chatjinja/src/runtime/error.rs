//! `PyError`: a Python exception that a template raises.

use super::Undefined;
use crate::ir::Span;

/// The class of an exception. Only classes that Jinja2 treats differently are distinguished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PyErrorKind {
    /// The template's own `raise_exception`.
    Raised,
    Undefined,
    Type,
    Value,
    Attribute,
    Overflow,
    ZeroDivision,
    Security,
    Runtime,
    /// A limit of this crate on steps, size or depth.
    Limit,
    /// The caller stopped the render.
    Interrupted,
}

/// The longest text of an error in bytes. Errors may quote a text of any length.
const LONGEST: usize = 1 << 20;

/// An exception with its text and, once it is known, its place. One pointer wide, since every result holds one.
#[derive(Debug)]
pub(crate) struct PyError(Box<PyErrorData>);

#[derive(Debug)]
struct PyErrorData {
    kind: PyErrorKind,
    text: String,
    span: Option<Span>,
}

/// The result of running a part of a template.
pub(crate) type EvalResult<T> = Result<T, PyError>;

impl PyError {
    #[cold]
    pub(crate) fn new(kind: PyErrorKind, text: impl Into<String>) -> PyError {
        let mut text = text.into();
        if text.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
            text.push('…');
        }
        PyError(Box::new(PyErrorData { kind, text, span: None }))
    }

    /// The error for the use of an undefined value.
    #[cold]
    pub(crate) fn undefined(undefined: &Undefined<'_>) -> PyError {
        let kind =
            if matches!(undefined, Undefined::Unsafe(_)) { PyErrorKind::Security } else { PyErrorKind::Undefined };
        PyError::new(kind, undefined.message())
    }

    pub(crate) fn kind(&self) -> PyErrorKind {
        self.0.kind
    }

    pub(crate) fn into_text(self) -> String {
        self.0.text
    }

    pub(crate) fn span(&self) -> Option<Span> {
        self.0.span
    }

    /// Adds the place, unless an inner layer has added one.
    pub(crate) fn at(mut self, span: Span) -> PyError {
        self.0.span.get_or_insert(span);
        self
    }
}
