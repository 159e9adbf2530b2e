//! Whole numbers among the arguments of Python calls.

use pyo3::prelude::*;
use pyo3::types::PyBool;

use super::errors::DataError;

/// The number of an option, which must be from `least` to `most`.
pub(super) fn number(option: &str, value: &Bound<'_, PyAny>, least: u64, most: u64) -> PyResult<u64> {
    let found = found(value).filter(|number| (least..=most).contains(number));
    found.ok_or_else(|| DataError::new_err(format!("`{option}` must be a whole number from {least} to {most}")))
}

/// The number of an option that may be None.
pub(super) fn count(option: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<usize>> {
    let Some(value) = value else { return Ok(None) };
    match found(value).and_then(|number| usize::try_from(number).ok()) {
        Some(number) => Ok(Some(number)),
        None => {
            let shown = value.repr()?;
            Err(DataError::new_err(format!("`{option}` is {shown}; use a whole number of at least 1, or None")))
        }
    }
}

/// A whole number. True is none, though it is 1 in Python: as a length it is a mistake.
fn found(value: &Bound<'_, PyAny>) -> Option<u64> {
    if value.is_instance_of::<PyBool>() { None } else { value.extract::<u64>().ok() }
}
