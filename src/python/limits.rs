//! The limits of a template as a dict of Python.

use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict, PyMapping};

use super::errors::{DataError, to_python};
use crate::template::{ChatTemplate, Limits, limit_options, limits_of};

/// The limits of a template from a dict; None for None.
pub(super) fn limits_option(limits: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Limits>> {
    let Some(limits) = limits else { return Ok(None) };
    let wrong = |text: String| DataError::new_err(format!("`limits` {text}"));
    let mapping = limits.cast::<PyMapping>();
    let mapping = mapping.map_err(|_| wrong("is not a dict; use a dict such as {\"steps\": 1000000}".to_owned()))?;
    let mut options = Vec::new();
    for item in mapping.items()?.iter() {
        let (name, value): (String, Bound<'_, PyAny>) = item.extract()?;
        let number = value.extract::<u64>().map_err(|_| {
            wrong(format!("has {value} for `{name}`, which is not a number from 1 to 2^64 - 1; use a whole number"))
        })?;
        options.push((name, number));
    }
    let limits = limits_of(options.iter().map(|(name, number)| (name.as_str(), *number)));
    limits.map(Some).map_err(|error| to_python(mapping.py(), error))
}

/// The limits of a template as a dict.
pub(super) fn limits_dict<'py>(py: Python<'py>, template: &ChatTemplate) -> PyResult<Bound<'py, PyDict>> {
    limit_options(&template.limits()).collect::<Vec<_>>().into_py_dict(py)
}
