//! `Observer`: what one render shows while it runs.
//!
//! It knows how much has been written, so that a message can note where in the text it was asked for, and a
//! `{% generation %}` where its body begins and ends. One observer serves one render on one thread; the lock and the
//! atomics are there because the engine's values must be `Sync`, and cost below 1 % of a render.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// No template may print more than this for one row; a render that goes on is stopped.
pub(super) const MAX_OUTPUT: usize = 256 << 20;

/// How a message came to the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// By the iteration of this number, counted in the order they began.
    Pass(u32),
    /// By an index or a slice.
    Index,
}

/// What happened at a position of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// An iteration over the messages handed out this one.
    Iter(u32),
    /// An iteration over the messages found no more.
    End,
    /// An attribute of this message was read.
    Read(u32),
}

/// One entry of the log of a render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Bytes written when it happened.
    pub position: usize,
    /// What happened.
    pub what: Happening,
    /// How the message came to the template.
    pub origin: Origin,
}

#[derive(Debug, Default)]
struct Log {
    events: Vec<Event>,
    passes: u32,
    generation: Vec<Range<usize>>,
    /// Where the generation blocks begin that are not ended yet.
    open: Vec<usize>,
    captured: bool,
}

/// The log of one render. See the module's text.
#[derive(Debug, Default)]
pub(super) struct Observer {
    position: AtomicUsize,
    mark_generation: bool,
    log: Mutex<Log>,
}

impl Observer {
    /// An observer under which the bodies of `{% generation %}` are written between marks.
    pub(super) fn marking_generation() -> Self {
        Observer { mark_generation: true, ..Observer::default() }
    }

    /// Whether bodies of `{% generation %}` are to be written between marks.
    pub(super) fn marks_generation(&self) -> bool {
        self.mark_generation
    }

    /// Bytes written so far.
    pub(super) fn position(&self) -> usize {
        self.position.load(Ordering::Relaxed)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // A panic elsewhere leaves the log as it was, which is all that is asked of it.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts an iteration over the messages and numbers it.
    pub(super) fn begin_pass(&self) -> Origin {
        let mut log = self.log();
        log.passes += 1;
        Origin::Pass(log.passes - 1)
    }

    /// Notes that something happened at the current position.
    pub(super) fn note(&self, what: Happening, origin: Origin) {
        let event = Event { position: self.position(), what, origin };
        let mut log = self.log();
        // A template reads role, content and more of one message at one place: the first reading tells it all.
        if !matches!(what, Happening::Read(_)) || log.events.last() != Some(&event) {
            log.events.push(event);
        }
    }

    /// Notes that a `{% generation %}` begins here.
    pub(super) fn begin_generation(&self) {
        let position = self.position();
        self.log().open.push(position);
    }

    /// Notes that the innermost `{% generation %}` ends here.
    pub(super) fn end_generation(&self) {
        let end = self.position();
        let mut log = self.log();
        if let Some(start) = log.open.pop() {
            if start == end {
                // Nothing was written: the body is empty, or it went into a macro's, set block's or filter block's own
                // text, and its place is not known from positions.
                log.captured = true;
            }
            log.generation.push(start..end);
        }
    }

    /// Whether a body of `{% generation %}` may have been captured, so that positions do not tell its place.
    pub(super) fn generation_may_be_captured(&self) -> bool {
        self.log().captured
    }

    /// The bodies of `{% generation %}` in byte positions, in the order they were written.
    pub(super) fn take_generation(&self) -> Vec<Range<usize>> {
        std::mem::take(&mut self.log().generation)
    }

    /// The events so far, in their order.
    pub(super) fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.log().events)
    }

    /// The message that was handed out or read last.
    pub(super) fn last_message(&self) -> Option<usize> {
        self.log().events.iter().rev().find_map(|event| match event.what {
            Happening::Iter(index) | Happening::Read(index) => Some(index as usize),
            Happening::End => None,
        })
    }
}

/// Where a render writes: appends to `text` and tells the observer.
pub(super) struct Sink<'a> {
    pub(super) text: &'a mut Vec<u8>,
    pub(super) observer: &'a Observer,
}

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > MAX_OUTPUT {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the text grew beyond 256 MiB"));
        }
        self.text.extend_from_slice(bytes);
        self.observer.position.store(self.text.len(), Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
