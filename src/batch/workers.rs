//! `Workers`: the threads of a mill.
//!
//! All mills of a process that have the same number of threads share them. They live as long as one of these mills: the
//! tokenizer engines cache words per thread, and a cold thread encodes a third slower for its first thousands of rows.
//! A pool for each mill was dropped: 50 mills held 404 threads and 10.5 GB.
//!
//! A single row is encoded on one of these threads too, if nothing else is at work; several rows wait for a thread. On any
//! other thread, fastokens first fills a cache, which takes 65 ms and 16 MB for qwen3.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, ErrorKind, Result};

/// Stack of a worker in bytes: enough for the deepest templates, so that it need not grow for each row.
const STACK: usize = 32 << 20;

/// The pools in use.
static POOLS: Mutex<Vec<SharedPool>> = Mutex::new(Vec::new());

/// The number of batches and single rows that are at work in this process, or were in the process that forked it.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// A batch, or a single row, that is at work.
#[derive(Debug)]
pub(super) struct Busy(());

impl Busy {
    pub(super) fn new() -> Busy {
        BUSY.fetch_add(1, Ordering::Relaxed);
        Busy(())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct SharedPool {
    process: u32,
    threads: usize,
    pool: Weak<ThreadPool>,
}

/// The pool of a mill, started on first use.
#[derive(Debug, Default)]
pub(super) struct Workers(Mutex<Option<Pool>>);

#[derive(Debug)]
struct Pool {
    /// The process that started the threads. A forked child does not have them.
    process: u32,
    threads: Arc<ThreadPool>,
}

impl Workers {
    /// The pool, with `threads` threads or one for each available core.
    pub(super) fn pool(&self, threads: Option<usize>) -> Result<Arc<ThreadPool>> {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if let Some(known) = pool.as_ref().filter(|pool| pool.process == process) {
            return Ok(Arc::clone(&known.threads));
        }
        let available = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = shared_pool(process, threads.unwrap_or_else(available))?;
        if let Some(forked) = pool.replace(Pool { process, threads: Arc::clone(&threads) }) {
            // The parent's threads do not exist here; dropping the pool would wait for them forever.
            std::mem::forget(forked.threads);
        }
        Ok(threads)
    }

    /// The pool, if it was started and neither a batch nor a row is at work.
    pub(super) fn idle(&self) -> Option<Arc<ThreadPool>> {
        (BUSY.load(Ordering::Relaxed) == 0).then(|| self.started()).flatten()
    }

    /// The pool, if it was started.
    pub(super) fn started(&self) -> Option<Arc<ThreadPool>> {
        // Another thread may hold the lock while this process is forked; then nothing opens it in the child.
        let pool = self.0.try_lock().ok()?;
        let known = pool.as_ref().filter(|pool| pool.process == std::process::id())?;
        Some(Arc::clone(&known.threads))
    }
}

/// The pool of this process with this number of threads.
fn shared_pool(process: u32, threads: usize) -> Result<Arc<ThreadPool>> {
    if let Some(pool) = pool_in_use(&pools(process), threads) {
        return Ok(pool);
    }
    // The lock is not held while threads start, because a child that is forked meanwhile would wait for it for ever. If
    // two threads start a pool, the first one is kept.
    let started = ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(STACK)
        .thread_name(|index| format!("chatmill-{index}"))
        .build()
        .map_err(|error| Error::new(ErrorKind::Internal, format!("the threads could not be started: {error}")))?;
    let mut pools = pools(process);
    if let Some(pool) = pool_in_use(&pools, threads) {
        return Ok(pool);
    }
    let started = Arc::new(started);
    pools.push(SharedPool { process, threads, pool: Arc::downgrade(&started) });
    Ok(started)
}

/// The pools of this process that a mill still has.
fn pools(process: u32) -> MutexGuard<'static, Vec<SharedPool>> {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    pools.retain(|pool| pool.process == process && pool.pool.strong_count() > 0);
    pools
}

fn pool_in_use(pools: &[SharedPool], threads: usize) -> Option<Arc<ThreadPool>> {
    pools.iter().find(|pool| pool.threads == threads)?.pool.upgrade()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mills_with_the_same_number_of_threads_share_them() {
        let workers: Vec<Workers> = (0..50).map(|_| Workers::default()).collect();
        let pools: Vec<_> = workers.iter().map(|workers| workers.pool(Some(3)).unwrap()).collect();
        assert!(pools.iter().all(|pool| Arc::ptr_eq(pool, &pools[0])));
        let other = workers[0].pool(Some(3)).unwrap();
        assert!(Arc::ptr_eq(&other, &pools[0]));
        assert_eq!(Workers::default().pool(Some(5)).unwrap().current_num_threads(), 5);
        // The threads end with the last mill.
        let last = Arc::downgrade(&pools[0]);
        drop((workers, pools, other));
        assert_eq!(last.strong_count(), 0);
    }
}
