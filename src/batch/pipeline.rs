//! Rows in parallel. All code that runs in worker threads starts here.
//!
//! Workers take small chunks of rows in order, so a long row does not delay the others. The results are put back in
//! order, so the output does not depend on the number of threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};

use rayon::ThreadPool;

use super::Mill;
use super::chunk::{Buffers, Chunk, Counting};
use super::interrupt::{InterruptPoll, POLL, stopped};
use super::keep::Keep;
use super::workers::Busy;
use crate::data::RowTable;
use crate::encode::{OnError, Truncation};
use crate::error::{Error, ErrorKind, Result};
use crate::interrupt;
use crate::label::Unproved;

/// Rows that a worker takes at a time.
const CHUNK_ROWS: usize = 32;

/// The state that the workers of one batch share.
struct Shared<'b, 'a> {
    rows: &'b RowTable<'a>,
    chunks: usize,
    next: AtomicUsize,
    /// Set from outside: stop the row.
    interrupted: Arc<AtomicBool>,
    /// Set when a failed row ends the batch: no worker starts another chunk.
    failed: AtomicBool,
    keep: &'b Keep<'b>,
    counting: Counting,
}

/// Runs `work` and turns a panic into an error, so that a defect in one row stops neither the other rows nor the
/// process.
pub(super) fn without_panic<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Error::from_panic(panic.as_ref())))
}

/// Runs `work` on a thread of a pool, and waits for it. It stops as it would on this thread.
pub(super) fn on_worker<T: Send>(pool: &ThreadPool, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let stop: Arc<AtomicBool> = Arc::default();
    let (sender, receiver) = channel();
    pool.in_place_scope(|scope| {
        let of_worker = Arc::clone(&stop);
        let is_stopped = move || of_worker.load(Ordering::Relaxed);
        // Nobody waits for the result after a panic of this thread.
        scope.spawn(|_| drop(sender.send(interrupt::watched(is_stopped, || without_panic(work)))));
        loop {
            match receiver.recv_timeout(POLL) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Disconnected) => return Err(stopped()),
                Err(RecvTimeoutError::Timeout) if interrupt::is_interrupted() => stop.store(true, Ordering::Relaxed),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    })
}

impl Mill {
    /// Whether the failure of one row ends the batch.
    fn ends_batch(&self, error: &Error) -> bool {
        let options = self.encoder.options();
        options.on_error == OnError::Raise
            || error.kind == ErrorKind::TooLong && options.truncation == Truncation::Raise
            || error.kind.is_unproved() && options.labels.unproved() == Unproved::Raise
    }

    /// The chunks of all rows, in order. `interrupted` is called about twenty times a second.
    pub(super) fn chunks(
        &self,
        rows: &RowTable<'_>,
        keep: &Keep<'_>,
        counting: Counting,
        interrupted: &mut (dyn FnMut() -> bool + Send),
    ) -> Result<Vec<Chunk>> {
        // Short batches end before the first poll, so check once at the start.
        if interrupted() {
            return Err(stopped());
        }
        let pool = self.workers.pool(self.encoder.options().threads)?;
        let _busy = Busy::new();
        let shared = Shared {
            rows,
            chunks: rows.len().div_ceil(CHUNK_ROWS),
            next: AtomicUsize::new(0),
            interrupted: Arc::default(),
            failed: AtomicBool::new(false),
            keep,
            counting,
        };
        let mut results: Vec<Option<Chunk>> = (0..shared.chunks).map(|_| None).collect();
        let (sender, receiver) = channel();
        pool.in_place_scope(|scope| {
            for _ in 0..pool.current_num_threads().min(shared.chunks) {
                let (sender, shared) = (sender.clone(), &shared);
                scope.spawn(move |_| {
                    let mut buffers = Buffers::default();
                    while let Some((index, chunk)) = self.next_chunk(shared, &mut buffers) {
                        if sender.send((index, chunk)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut poll = InterruptPoll::new(interrupted);
            loop {
                match receiver.recv_timeout(POLL) {
                    Ok((index, chunk)) => results[index] = Some(chunk),
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {}
                }
                if poll.is_interrupted() {
                    shared.interrupted.store(true, Ordering::Relaxed);
                }
            }
        });
        if shared.interrupted.load(Ordering::Relaxed) {
            return Err(stopped());
        }
        // Chunks are taken in order, so all chunks before the first failing one are complete: the first error here is
        // the error of the first failing row.
        let mut chunks = Vec::with_capacity(results.len());
        for chunk in results.into_iter().flatten() {
            if let Some(error) = chunk.failures.iter().find(|error| self.ends_batch(error)) {
                return Err(error.clone());
            }
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    fn next_chunk(&self, shared: &Shared<'_, '_>, buffers: &mut Buffers) -> Option<(usize, Chunk)> {
        if shared.failed.load(Ordering::Relaxed) || shared.interrupted.load(Ordering::Relaxed) {
            return None;
        }
        let index = shared.next.fetch_add(1, Ordering::Relaxed);
        let stop = Arc::clone(&shared.interrupted);
        let is_stopped = move || stop.load(Ordering::Relaxed);
        let chunk = || interrupt::watched(is_stopped, || self.chunk(index * CHUNK_ROWS, shared, buffers));
        (index < shared.chunks).then(|| (index, chunk()))
    }

    fn chunk(&self, first: usize, shared: &Shared<'_, '_>, buffers: &mut Buffers) -> Chunk {
        let mut chunk = Chunk::new(shared.counting, buffers);
        for row in first..(first + CHUNK_ROWS).min(shared.rows.len()) {
            if shared.interrupted.load(Ordering::Relaxed) {
                break;
            }
            let before = chunk.checkpoint();
            chunk.begin_row();
            let result = without_panic(|| {
                let fields = shared.rows.fields(row)?;
                let kept = shared.keep.texts_of(row, &fields)?;
                let notes = self.encoder.row(self.reader().read(fields)?, &mut buffers.scratch, &mut chunk)?;
                chunk.end_row(row, notes, kept);
                Ok(())
            });
            if let Err(error) = result {
                let error = error.at_row(row);
                let ends = self.ends_batch(&error);
                chunk.rollback(before);
                chunk.push_failure(error, shared.keep.texts.len());
                if ends {
                    shared.failed.store(true, Ordering::Relaxed);
                    break;
                }
            }
        }
        chunk.finish(buffers);
        chunk
    }
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;

    use super::*;

    #[test]
    fn single_work_runs_on_a_worker_and_stops_as_it_would_here() {
        let pool = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "worker".into()).build().unwrap();
        let name = || Ok(std::thread::current().name().map(str::to_owned));
        assert_eq!(on_worker(&pool, name).unwrap().as_deref(), Some("worker"));
        assert_eq!(on_worker(&pool, || Ok(interrupt::is_interrupted())), Ok(false));
        let wait = || {
            while !interrupt::is_interrupted() {
                std::thread::yield_now();
            }
            Err::<(), _>(stopped())
        };
        let result = interrupt::watched(|| true, || on_worker(&pool, wait));
        assert_eq!(result.unwrap_err().kind, ErrorKind::Interrupted);
        let failed = on_worker::<()>(&pool, || panic!("a defect"));
        assert!(failed.unwrap_err().text.contains("a defect"));
    }
}
