//! Rows in parallel: the only place where threads work.
//!
//! Workers take small runs of rows in their order, so a long row delays nobody else; the results are put back in
//! order, so the output does not depend on the number of threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;

use super::output::{TokenBatch, kept_text};
use super::run::Run;
use super::sample::Scratch;
use super::{Mill, OnError, Truncation};
use crate::conversation::Layout;
use crate::error::{Error, Kind, Result};
use crate::format::FormattedRows;
use crate::label::Unproved;

/// Rows that a worker takes at a time.
const RUN: usize = 32;
/// How often the calling thread asks whether it should stop.
const PATIENCE: Duration = Duration::from_millis(50);

fn stopped() -> Error {
    Error::new(Kind::Interrupted, "stopped before the batch was done")
}

/// What the workers of one batch share.
struct Shared<'b, 'a> {
    rows: &'b FormattedRows<'a, 'b>,
    runs: usize,
    next: AtomicUsize,
    /// Set from outside: leave at the next row.
    interrupted: AtomicBool,
    /// Set by a row that fails where that ends the batch: begin no further run.
    failed: AtomicBool,
    keep_text: bool,
}

impl Mill {
    /// Tokens and labels for every row of `batch`, in their order; the first has the number `first_row` in a column
    /// `row`. `interrupted` is asked some twenty times a second.
    pub fn batch(
        &self,
        batch: &RecordBatch,
        first_row: usize,
        layout: Layout<'_>,
        interrupted: &mut (dyn FnMut() -> bool + Send),
    ) -> Result<TokenBatch> {
        let rows = FormattedRows::new(batch, layout, self.options.format.as_deref())?;
        let runs = self.runs(&rows, matches!(layout, Layout::Json(_)), interrupted)?;
        if let Some(answers) = self.options.format.as_ref().and_then(|format| format.answers()) {
            return super::answer_columns::token_batch(&self.options, answers, batch, layout, runs);
        }
        TokenBatch::new(&self.options, super::pad_id(&self.tokenizer), (batch, first_row), layout, runs)
    }

    /// Whether a failing row ends the batch.
    fn ends_batch(&self, error: &Error) -> bool {
        self.options.on_error == OnError::Raise
            || match error.kind {
                Kind::TooLong => self.options.truncation == Truncation::Raise,
                Kind::Unproved(_) => self.options.labels.unproved == Unproved::Raise,
                _ => false,
            }
    }

    fn runs(
        &self,
        rows: &FormattedRows<'_, '_>,
        keep_text: bool,
        interrupted: &mut (dyn FnMut() -> bool + Send),
    ) -> Result<Vec<Run>> {
        // A batch may be done before it is time to ask, and the next one too.
        if interrupted() {
            return Err(stopped());
        }
        let pool = self.workers.pool(self.options.threads)?;
        let shared = Shared {
            rows,
            runs: rows.len().div_ceil(RUN),
            next: AtomicUsize::new(0),
            interrupted: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            keep_text,
        };
        let mut results: Vec<Option<Run>> = (0..shared.runs).map(|_| None).collect();
        let (sender, receiver) = channel();
        pool.in_place_scope(|scope| {
            for _ in 0..pool.current_num_threads().min(shared.runs) {
                let (sender, shared) = (sender.clone(), &shared);
                scope.spawn(move |_| {
                    while let Some((index, run)) = self.next_run(shared) {
                        if sender.send((index, run)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut asked = Instant::now();
            loop {
                match receiver.recv_timeout(PATIENCE) {
                    Ok((index, run)) => results[index] = Some(run),
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {}
                }
                if asked.elapsed() >= PATIENCE {
                    asked = Instant::now();
                    if interrupted() {
                        shared.interrupted.store(true, Ordering::Relaxed);
                    }
                }
            }
        });
        if shared.interrupted.into_inner() {
            return Err(stopped());
        }
        // Runs are taken in order, so all before the first failing one are there, and the first error is the first.
        let mut runs = Vec::with_capacity(results.len());
        for run in results.into_iter().flatten() {
            if let Some(error) = run.failures.iter().find(|error| self.ends_batch(error)) {
                return Err(error.clone());
            }
            runs.push(run);
        }
        Ok(runs)
    }

    fn next_run(&self, shared: &Shared<'_, '_>) -> Option<(usize, Run)> {
        if shared.failed.load(Ordering::Relaxed) || shared.interrupted.load(Ordering::Relaxed) {
            return None;
        }
        let index = shared.next.fetch_add(1, Ordering::Relaxed);
        (index < shared.runs).then(|| (index, self.run(index * RUN, shared)))
    }

    fn run(&self, first: usize, shared: &Shared<'_, '_>) -> Run {
        let mut run = Run::default();
        let mut scratch = Scratch::default();
        let kept = if shared.keep_text { self.options.keep_columns.as_slice() } else { &[] };
        for row in first..(first + RUN).min(shared.rows.len()) {
            if shared.interrupted.load(Ordering::Relaxed) {
                break;
            }
            let before = run.mark();
            let path = || -> Result<()> {
                let (conversation, rest) = shared.rows.conversation(row)?;
                let notes = self.row(&conversation, &mut scratch, &mut run)?;
                run.end_row(row, notes, kept.iter().map(|name| kept_text(&rest, name)).collect());
                Ok(())
            };
            // A defect in one row must not take the other rows with it, nor the process.
            let result = catch_unwind(AssertUnwindSafe(path)).unwrap_or_else(|panic| {
                let what = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref().copied());
                let text = format!("a defect of chatmill: {}; please report this row", what.unwrap_or("panic"));
                Err(Error::new(Kind::Internal, text))
            });
            if let Err(error) = result {
                let error = error.at_row(row);
                let ends = self.ends_batch(&error);
                run.back_to(before);
                run.push_failure(error, kept.len());
                if ends {
                    shared.failed.store(true, Ordering::Relaxed);
                    break;
                }
            }
        }
        run
    }
}
