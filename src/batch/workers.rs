//! `Workers`: the threads of a mill.
//!
//! They live as long as the mill: the tokenizer engines cache words per thread, and a cold thread encodes a third
//! slower for its first thousands of rows.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, ErrorKind, Result};

/// Stack of a worker in bytes: enough for the deepest templates, so that it need not grow for each row.
const STACK: usize = 32 << 20;

/// A pool of threads, started on first use.
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
        let started = ThreadPoolBuilder::new()
            .num_threads(threads.unwrap_or_else(available))
            .stack_size(STACK)
            .thread_name(|index| format!("chatmill-{index}"))
            .build()
            .map_err(|error| Error::new(ErrorKind::Internal, format!("the threads could not be started: {error}")))?;
        let started = Arc::new(started);
        if let Some(forked) = pool.replace(Pool { process, threads: Arc::clone(&started) }) {
            // The parent's threads do not exist here; dropping the pool would wait for them forever.
            std::mem::forget(forked.threads);
        }
        Ok(started)
    }
}
