//! The one gate between Python and the core: releases the GIL, watches for Ctrl-C, keeps panics inside, maps errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;

use super::errors;
use crate::error::{Error, Kind, Result};

/// Runs `work` without the GIL. `work` may ask the closure it is given whether to stop.
pub(super) fn enter<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&mut (dyn FnMut() -> bool + Send)) -> Result<T> + Send,
) -> PyResult<T> {
    let (result, signal) = py.detach(|| {
        let mut signal: Option<PyErr> = None;
        let mut interrupted = || {
            signal = signal.take().or_else(|| Python::attach(|py| py.check_signals().err()));
            signal.is_some()
        };
        let result = catch_unwind(AssertUnwindSafe(|| work(&mut interrupted))).unwrap_or_else(|panic| {
            let what = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref().copied());
            Err(Error::new(
                Kind::Internal,
                format!("a defect of chatmill: {}; please report it", what.unwrap_or("panic")),
            ))
        });
        (result, signal)
    });
    match signal {
        // What the signal's handler raised, such as KeyboardInterrupt, is what the user is to see.
        Some(raised) => Err(raised),
        None => result.map_err(|error| errors::to_python(py, error)),
    }
}
