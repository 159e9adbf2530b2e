//! `RenderError`: the error of a template that failed on its input.

use std::fmt;

use crate::ir::Program;
use crate::runtime::{Failure, PyErrorKind};

/// The kind of a [`RenderError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenderErrorKind {
    /// The template itself rejected the input with `raise_exception`.
    Raised,
    /// The template did something that fails in Python too, such as adding a number to a string.
    Failed,
    /// The render reached one of its [limits](crate::Limits).
    Limit,
    /// The render was stopped by [`Input::interrupted`](crate::Input::interrupted).
    Interrupted,
}

/// The error of a template that failed on its input, with its place.
///
/// ```
/// use chatjinja::{Fields, Input, RenderErrorKind, Template};
///
/// let template = Template::new("example", "Hello\n{{ 'a' + 1 }}")?;
/// let error = template.render(Input::new(&Fields::new())).unwrap_err();
/// assert_eq!(error.kind(), RenderErrorKind::Failed);
/// assert_eq!(
///     error.to_string(),
///     "line 2: can only concatenate str (not \"int\") to str (in `'a' + 1`)"
/// );
/// # Ok::<(), chatjinja::SyntaxError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    kind: RenderErrorKind,
    text: String,
    line: Option<usize>,
    record: Option<usize>,
    expression: Option<String>,
}

impl RenderError {
    pub(crate) fn of(failure: Failure, program: &Program) -> RenderError {
        let Failure { error, record } = failure;
        let kind = match error.kind() {
            PyErrorKind::Raised => RenderErrorKind::Raised,
            PyErrorKind::Limit => RenderErrorKind::Limit,
            PyErrorKind::Interrupted => RenderErrorKind::Interrupted,
            PyErrorKind::Undefined
            | PyErrorKind::Type
            | PyErrorKind::Value
            | PyErrorKind::Attribute
            | PyErrorKind::Overflow
            | PyErrorKind::ZeroDivision
            | PyErrorKind::Security
            | PyErrorKind::Runtime => RenderErrorKind::Failed,
        };
        let span = error.span();
        RenderError {
            kind,
            line: span.map(|span| program.line(span.start)),
            record,
            expression: span.and_then(|span| program.excerpt(span)),
            text: error.into_text(),
        }
    }

    /// The kind of the error.
    pub fn kind(&self) -> RenderErrorKind {
        self.kind
    }

    /// The message, without the place. An error that Python or Jinja2 also raises has the same text as there.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of the template, from 1.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The index of the [record](crate::Input::records) that was read last.
    pub fn record(&self) -> Option<usize> {
        self.record
    }

    /// The expression that failed, on one line and shortened to 100 characters.
    pub fn expression(&self) -> Option<&str> {
        self.expression.as_deref()
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.record, self.line) {
            (Some(record), Some(line)) => write!(f, "record {record}, line {line}: ")?,
            (Some(record), None) => write!(f, "record {record}: ")?,
            (None, Some(line)) => write!(f, "line {line}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.text)?;
        match &self.expression {
            // The text of `raise_exception` is meant for users, without the template's code.
            Some(expression) if self.kind != RenderErrorKind::Raised => write!(f, " (in `{expression}`)"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for RenderError {}
