//! `detach`: runs the core without the GIL. Every call from Python goes through it: Ctrl-C is handled, a panic becomes
//! an exception, and errors of the core become exceptions of chatmill.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;

use super::errors;
use crate::error::{Error, Result};

/// Runs `work` without the GIL. `work` gets a function that returns whether to stop.
pub(super) fn detach<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&mut (dyn FnMut() -> bool + Send)) -> Result<T> + Send,
) -> PyResult<T> {
    let (result, signal) = py.detach(|| {
        let mut signal: Option<PyErr> = None;
        let mut interrupted = || {
            signal = signal.take().or_else(|| Python::attach(|py| py.check_signals().err()));
            signal.is_some()
        };
        let result = catch_unwind(AssertUnwindSafe(|| work(&mut interrupted)))
            .unwrap_or_else(|panic| Err(Error::from_panic(panic.as_ref())));
        (result, signal)
    });
    match signal {
        // The exception of the signal handler, such as KeyboardInterrupt, is the one to raise.
        Some(raised) => Err(raised),
        None => result.map_err(|error| errors::to_python(py, error)),
    }
}

/// Runs `work` with the GIL, to read Python objects. Reading an object may run Python code, which may change a dict
/// that is being read; pyo3 then panics, and the panic becomes an exception.
pub(super) fn attached<T>(py: Python<'_>, work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(errors::to_python(py, Error::from_panic(panic.as_ref()))))
}
