//! What the package does with files that Python itself cannot do.

use std::path::PathBuf;

use pyo3::prelude::*;

use super::detach::detach;
use crate::exchange;

/// Swaps two files or folders of one filesystem in one step. Raises an `OSError` if they cannot be swapped; both stay
/// then as they are. Its `errno` is EINVAL, ENOSYS, ENOTSUP or None if the system or the filesystem cannot do this.
#[pyfunction]
pub(super) fn exchange_files(py: Python<'_>, one: PathBuf, other: PathBuf) -> PyResult<()> {
    Ok(detach(py, |_| Ok(exchange::exchange(&one, &other)))??)
}
