//! `Raise`: a Python exception on its way out of a template.

use crate::template::program::Span;
use crate::template::value::Undefined;

/// The class of an exception, as far as Jinja2 tells classes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exception {
    /// The template's own `raise_exception`.
    Raised,
    Undefined,
    Type,
    Value,
    /// `KeyError` and `IndexError`.
    Lookup,
    Attribute,
    Overflow,
    ZeroDivision,
    Security,
    Runtime,
    /// A bound of chatmill's: steps, size, depth.
    Limit,
}

/// An exception with its text and, once it is known, its place.
#[derive(Debug)]
pub(crate) struct Raise(Box<Inner>);

#[derive(Debug)]
struct Inner {
    exception: Exception,
    text: String,
    span: Option<Span>,
}

/// What running a part of a template gives.
pub(crate) type Run<T> = Result<T, Raise>;

impl Raise {
    #[cold]
    pub(crate) fn new(exception: Exception, text: impl Into<String>) -> Raise {
        Raise(Box::new(Inner { exception, text: text.into(), span: None }))
    }

    /// The use of what is not there.
    #[cold]
    pub(crate) fn undefined(undefined: &Undefined<'_>) -> Raise {
        let exception =
            if matches!(undefined, Undefined::Unsafe(_)) { Exception::Security } else { Exception::Undefined };
        Raise::new(exception, undefined.message())
    }

    pub(crate) fn exception(&self) -> Exception {
        self.0.exception
    }

    pub(crate) fn text(&self) -> &str {
        &self.0.text
    }

    pub(crate) fn span(&self) -> Option<Span> {
        self.0.span
    }

    /// Adds the place, unless an inner layer knew it.
    pub(crate) fn at(mut self, span: Span) -> Raise {
        self.0.span.get_or_insert(span);
        self
    }

    /// Whether Jinja2 answers it with an undefined value where an item was asked for.
    pub(crate) fn is_lookup(&self) -> bool {
        self.0.exception == Exception::Lookup
    }
}
