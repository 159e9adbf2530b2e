//! The worker threads of a mill.
//!
//! They live as long as the mill: the engines keep what they learn of a language's words by thread, and a cold thread
//! encodes a third slower for its first thousands of rows.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Kind, Result};

/// Stack of a worker: room for the deepest templates, so that it need not grow in each row.
const STACK: usize = 32 << 20;

/// A pool of threads, started when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Workers(Mutex<Option<Pool>>);

#[derive(Debug)]
struct Pool {
    /// The process that started the threads: a forked child has none of them.
    process: u32,
    threads: Arc<ThreadPool>,
}

impl Workers {
    /// The pool, of `threads` threads or as many as the process may use.
    pub(super) fn pool(&self, threads: Option<usize>) -> Result<Arc<ThreadPool>> {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if let Some(known) = pool.as_ref().filter(|pool| pool.process == process) {
            return Ok(Arc::clone(&known.threads));
        }
        let available = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let started = ThreadPoolBuilder::new()
            .num_threads(threads.unwrap_or_else(available))
            .stack_size(STACK)
            .thread_name(|index| format!("chatmill-{index}"))
            .build()
            .map_err(|error| Error::new(Kind::Internal, format!("no threads could be started: {error}")))?;
        let started = Arc::new(started);
        if let Some(forked) = pool.replace(Pool { process, threads: Arc::clone(&started) }) {
            // Its threads are gone with the parent's memory; to wait for them would be to wait for ever.
            std::mem::forget(forked.threads);
        }
        Ok(started)
    }
}
