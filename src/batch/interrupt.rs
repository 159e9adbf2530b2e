//! `InterruptPoll`: calls back now and then to learn whether the work should stop, such as after Ctrl-C.

use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};

/// The time between two calls.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// Calls a function about twenty times a second.
pub(super) struct InterruptPoll<'i> {
    interrupted: &'i mut (dyn FnMut() -> bool + Send),
    last: Instant,
}

impl<'i> InterruptPoll<'i> {
    pub(super) fn new(interrupted: &'i mut (dyn FnMut() -> bool + Send)) -> Self {
        InterruptPoll { interrupted, last: Instant::now() }
    }

    /// Whether the work should stop. Calls the function if enough time has passed since its last call.
    pub(super) fn is_interrupted(&mut self) -> bool {
        if self.last.elapsed() < POLL {
            return false;
        }
        self.last = Instant::now();
        (self.interrupted)()
    }
}

/// The error of a batch that was stopped.
pub(super) fn stopped() -> Error {
    Error::new(ErrorKind::Interrupted, "stopped before the batch was complete")
}
