//! `detach`: runs the core without the GIL. Every call from Python goes through it: Ctrl-C is handled, a panic becomes
//! an exception, and errors of the core become exceptions of chatmill.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::errors;
use crate::error::{Error, Result};
use crate::interrupt;

/// The time between two looks at the signals during a render.
const POLL: Duration = Duration::from_millis(50);

/// Runs `work` without the GIL. `work` gets a function that returns whether to stop.
pub(super) fn detach<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&mut (dyn FnMut() -> bool + Send)) -> Result<T> + Send,
) -> PyResult<T> {
    let signal: Arc<Mutex<Option<PyErr>>> = Arc::default();
    let result = py.detach(|| {
        let has_signal = |signal: &Mutex<Option<PyErr>>| {
            let mut signal = signal.lock().unwrap_or_else(PoisonError::into_inner);
            *signal = signal.take().or_else(|| Python::attach(|py| py.check_signals().err()));
            signal.is_some()
        };
        let mut interrupted = || has_signal(&signal);
        // A render asks much more often than a batch.
        let (of_render, last, stopped) = (Arc::clone(&signal), Cell::new(Instant::now()), Cell::new(false));
        let check = move || {
            // Every later render must stop too: work may consist of many.
            if !stopped.get() && last.get().elapsed() >= POLL {
                last.set(Instant::now());
                stopped.set(has_signal(&of_render));
            }
            stopped.get()
        };
        catch_unwind(AssertUnwindSafe(|| interrupt::watched(check, || work(&mut interrupted))))
            .unwrap_or_else(|panic| Err(Error::from_panic(panic.as_ref())))
    });
    let raised = signal.lock().unwrap_or_else(PoisonError::into_inner).take();
    match raised {
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
