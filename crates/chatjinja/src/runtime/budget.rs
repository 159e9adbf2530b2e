//! `Budget`: limits on the steps and the depth of a render, and on the size of its texts.

use super::{EvalResult, Interpreter, PyError, PyErrorKind};

/// The most bytes that a template may print, and that one string may have.
pub(crate) const MAX_OUTPUT: usize = 256 << 20;

/// The most steps of one render: seconds of work, far more than the longest real conversations need.
const STEPS: u64 = 100_000_000;

/// A new string counts one step for this many bytes.
const BYTES_PER_STEP: usize = 32;

/// The deepest nesting of calls of macros and recursive loops. Python stops at a similar depth, which depends on the
/// caller.
pub(crate) const MAX_DEPTH: u32 = 200;

/// The remaining steps of a render.
#[derive(Debug)]
pub(super) struct Budget {
    steps: u64,
}

impl Budget {
    pub(super) fn full() -> Budget {
        Budget { steps: STEPS }
    }

    fn spend(&mut self, steps: u64) -> EvalResult<()> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(exhausted()),
        }
    }
}

#[cold]
fn exhausted() -> PyError {
    let text = format!("the template exceeds the limit of {} million steps; shorten its loops", STEPS / 1_000_000);
    PyError::new(PyErrorKind::Limit, text)
}

impl Interpreter<'_> {
    /// Counts one step.
    pub(crate) fn step(&mut self) -> EvalResult<()> {
        self.budget.spend(1)
    }

    /// Call before allocating a string of `bytes`.
    pub(crate) fn charge_bytes(&mut self, bytes: usize) -> EvalResult<()> {
        if bytes > MAX_OUTPUT {
            return Err(PyError::new(PyErrorKind::Limit, "a text exceeds the limit of 256 MiB"));
        }
        self.budget.spend((bytes / BYTES_PER_STEP) as u64)
    }

    /// Call before allocating a list of `items`.
    pub(crate) fn charge_items(&mut self, items: usize) -> EvalResult<()> {
        self.budget.spend(items as u64)
    }
}
