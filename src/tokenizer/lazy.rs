//! `Lazy`: a part of a tokenizer that is loaded at its first use, or before it by a thread.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// The time between two looks for an interrupt.
const POLL: Duration = Duration::from_millis(50);
/// The time between two looks for a value that another thread loads. A load takes hundreds of these.
const LOOK: Duration = Duration::from_millis(1);
/// No process has this number.
const NOBODY: u32 = 0;

/// A value that is loaded at its first use.
#[derive(Debug, Default)]
pub(super) struct Lazy<T>(Arc<Loading<T>>);

#[derive(Debug)]
struct Loading<T> {
    value: OnceLock<T>,
    /// The process of the thread that loads the value now. In a child that is forked meanwhile that thread does not
    /// exist, so the child must not wait for it. For the same reason there is no lock.
    by: AtomicU32,
}

impl<T> Lazy<T> {
    /// A value that is not loaded yet, or one that is.
    pub(super) fn new(value: Option<T>) -> Lazy<T> {
        let value = value.map_or_else(OnceLock::new, OnceLock::from);
        Lazy(Arc::new(Loading { value, by: AtomicU32::new(NOBODY) }))
    }

    /// The value, if it is loaded.
    pub(super) fn get(&self) -> Option<&T> {
        self.0.value.get()
    }

    /// Whether a thread of this process loads the value now.
    pub(super) fn is_loading(&self) -> bool {
        self.0.by.load(Ordering::Acquire) == process::id()
    }

    /// The value, loaded now if necessary.
    ///
    /// If two threads load it, the first value is kept.
    pub(super) fn load(&self, load: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.wait(&mut || false) {
            return value;
        }
        let value = load();
        self.0.value.get_or_init(|| value)
    }

    /// Begins to load the value on a thread of its own, if it is not loaded.
    pub(super) fn begin(&self, load: impl FnOnce() -> T + Send + 'static)
    where
        T: Send + Sync + 'static,
    {
        let (here, by) = (process::id(), self.0.by.load(Ordering::Acquire));
        if self.get().is_some() || by == here {
            return;
        }
        if self.0.by.compare_exchange(by, here, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        let running = Running(Arc::clone(&self.0));
        let work = move || drop(running.0.value.set(load()));
        // If there is no thread, `work` is dropped, and the first use loads the value.
        drop(thread::Builder::new().name("chatmill-load".into()).spawn(work));
    }

    /// Like [`load`](Self::load), but on a thread of its own, because the libraries cannot be interrupted. None if
    /// `interrupted` returns true first: the thread goes on, and the next use waits for it. None also if the thread fails:
    /// the next use then loads the value.
    pub(super) fn load_unless(
        &self,
        interrupted: &mut (dyn FnMut() -> bool + Send),
        load: impl FnOnce() -> T + Send + 'static,
    ) -> Option<&T>
    where
        T: Send + Sync + 'static,
    {
        self.begin(load);
        self.wait(interrupted)
    }

    /// The value, after the thread that loads it now. None without such a thread, and after an interrupt.
    fn wait(&self, interrupted: &mut (dyn FnMut() -> bool + Send)) -> Option<&T> {
        if let Some(value) = self.get() {
            return Some(value);
        }
        let (here, mut looked) = (process::id(), Instant::now());
        while self.0.by.load(Ordering::Acquire) == here {
            if looked.elapsed() >= POLL {
                if interrupted() {
                    return None;
                }
                looked = Instant::now();
            }
            thread::sleep(LOOK);
        }
        self.get()
    }
}

/// Says that nobody loads any more, also after a panic.
struct Running<T>(Arc<Loading<T>>);

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.by.store(NOBODY, Ordering::Release);
    }
}

impl<T> Default for Loading<T> {
    fn default() -> Loading<T> {
        Loading { value: OnceLock::new(), by: AtomicU32::new(NOBODY) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_thread_that_loads_blocks_no_other() {
        let lazy = Lazy::new(None);
        let outer = *lazy.load(|| {
            std::thread::scope(|scope| scope.spawn(|| *lazy.load(|| 2)).join().unwrap());
            1
        });
        assert_eq!((outer, lazy.get()), (2, Some(&2)));
        assert_eq!(*Lazy::new(Some(3)).load(|| 4), 3);
    }

    #[test]
    fn an_interrupt_ends_the_wait() {
        let lazy = Lazy::new(None);
        let (sender, receiver) = channel();
        let slow = move || receiver.recv().unwrap();
        assert_eq!(lazy.load_unless(&mut || true, slow), None);
        sender.send(1).unwrap();
        // The thread goes on, and nothing is loaded twice.
        assert_eq!(lazy.load_unless(&mut || false, || 2), Some(&1));
    }

    #[test]
    fn a_value_that_is_being_loaded_is_not_loaded_again() {
        let lazy = Lazy::new(None);
        let (sender, receiver) = channel();
        lazy.begin(move || receiver.recv().unwrap());
        lazy.begin(|| 2);
        assert_eq!(lazy.get(), None);
        sender.send(1).unwrap();
        assert_eq!(*lazy.load(|| 3), 1);
    }

    #[test]
    fn after_a_failed_thread_the_first_use_loads() {
        let lazy = Lazy::new(None);
        lazy.begin(|| panic!("a failure of a library"));
        assert_eq!(*lazy.load(|| 1), 1);
    }

    #[test]
    fn a_load_of_another_process_is_not_waited_for() {
        let lazy = Lazy::new(None);
        lazy.0.by.store(process::id() + 1, Ordering::Release);
        assert_eq!(*lazy.load(|| 1), 1);
        let lazy = Lazy::new(None);
        lazy.0.by.store(process::id() + 1, Ordering::Release);
        assert_eq!(lazy.load_unless(&mut || false, || 2), Some(&2));
    }
}
