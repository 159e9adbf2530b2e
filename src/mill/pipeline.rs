//! Rows in parallel: the only place with threads.
//!
//! Workers take small runs of rows in their order, so a long row delays nobody else; the results are put back in
//! order, so the output does not depend on the number of threads. Threads are started for each batch: that costs some
//! 30 µs against tens of milliseconds of work, and leaves nothing behind that a fork could break.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use arrow_array::RecordBatch;

use super::output::{Run, TokenBatch, kept_text};
use super::{Mill, OnError, Scratch};
use crate::conversation::{Layout, Rows};
use crate::error::{Error, Kind, Result};

/// Rows that a worker takes at a time.
const RUN: usize = 32;
/// How often the calling thread asks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(50);
/// Stack of a worker: room for the engine's deepest recursion (500 levels) in an unoptimised build.
const STACK: usize = 32 << 20;

impl Mill {
    /// Tokens and labels for every row of `batch`, in their order. `interrupted` is asked some twenty times a second.
    pub fn batch(
        &self,
        batch: &RecordBatch,
        layout: Layout<'_>,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<TokenBatch> {
        let rows = Rows::new(batch, layout)?;
        let runs = self.runs(&rows, matches!(layout, Layout::Json(_)), interrupted)?;
        TokenBatch::new(&self.options, batch, layout, runs)
    }

    fn runs(&self, rows: &Rows<'_>, keep_text: bool, interrupted: &mut dyn FnMut() -> bool) -> Result<Vec<Run>> {
        let count = rows.len().div_ceil(RUN);
        let available = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = self.options.threads.unwrap_or_else(available).min(count).max(1);
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let (sender, receiver) = channel();
        let mut results: Vec<Option<Run>> = (0..count).map(|_| None).collect();
        let mut stopped = false;
        std::thread::scope(|scope| -> Result<()> {
            for _ in 0..threads {
                let (sender, next, stop) = (sender.clone(), &next, &stop);
                let work = move || {
                    let mut scratch = Scratch::default();
                    while !stop.load(Ordering::Relaxed) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= count {
                            break;
                        }
                        let run = self.run(rows, index * RUN, keep_text, stop, &mut scratch);
                        if sender.send((index, run)).is_err() {
                            break;
                        }
                    }
                };
                let builder = std::thread::Builder::new().name("chatmill".into()).stack_size(STACK);
                builder.spawn_scoped(scope, work).map_err(|error| {
                    stop.store(true, Ordering::Relaxed);
                    Error::new(Kind::Internal, format!("no thread could be started: {error}"))
                })?;
            }
            drop(sender);
            loop {
                match receiver.recv_timeout(PATIENCE) {
                    Ok((index, run)) => results[index] = Some(run),
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                    Err(RecvTimeoutError::Timeout) => {}
                }
                if !stopped && interrupted() {
                    stopped = true;
                    stop.store(true, Ordering::Relaxed);
                }
            }
        })?;
        if stopped {
            return Err(Error::new(Kind::Interrupted, "stopped before the batch was done"));
        }
        // Runs are taken in order, so all before the first failing one are there, and the first error is the first.
        let mut runs = Vec::with_capacity(count);
        for run in results.into_iter().flatten() {
            if self.options.on_error == OnError::Raise
                && let Some(error) = run.failures.first()
            {
                return Err(error.clone());
            }
            runs.push(run);
        }
        Ok(runs)
    }

    fn run(&self, rows: &Rows<'_>, first: usize, keep_text: bool, stop: &AtomicBool, scratch: &mut Scratch) -> Run {
        let mut run = Run::default();
        let kept = if keep_text { self.options.keep_columns.as_slice() } else { &[] };
        for row in first..(first + RUN).min(rows.len()) {
            let path = || -> Result<Vec<Option<String>>> {
                let (conversation, rest) = rows.conversation(row)?;
                self.row(&conversation, scratch)?;
                Ok(kept.iter().map(|name| kept_text(&rest, name)).collect())
            };
            // A defect in one row must not take the other rows with it, nor the process.
            let result = catch_unwind(AssertUnwindSafe(path)).unwrap_or_else(|panic| {
                let what = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref().copied());
                let text = format!("a defect of chatmill: {}; please report this row", what.unwrap_or("panic"));
                Err(Error::new(Kind::Internal, text))
            });
            match result {
                Ok(kept) => run.push(&scratch.tokens.ids, &scratch.labels, self.options.max_length, kept),
                Err(error) => {
                    run.push_failure(error.at_row(row), kept.len());
                    if self.options.on_error == OnError::Raise {
                        stop.store(true, Ordering::Relaxed);
                        break;
                    }
                }
            }
        }
        run
    }
}
