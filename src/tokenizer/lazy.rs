//! `Lazy`: a part of a tokenizer that is loaded at its first use.

use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// The time between two looks for an interrupt.
const POLL: Duration = Duration::from_millis(50);

/// A value that is loaded at its first use.
#[derive(Debug, Default)]
pub(super) struct Lazy<T>(OnceLock<T>);

impl<T> Lazy<T> {
    /// A value that is not loaded yet, or one that is.
    pub(super) fn new(value: Option<T>) -> Lazy<T> {
        Lazy(value.map_or_else(OnceLock::new, OnceLock::from))
    }

    /// The value, if it is loaded.
    pub(super) fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// The value, loaded now if necessary.
    ///
    /// If two threads load it, the first value is kept. No thread waits for another one: a child that is forked
    /// meanwhile would wait for ever, because that thread does not exist there.
    pub(super) fn load(&self, load: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.0.get() {
            return value;
        }
        let value = load();
        self.0.get_or_init(|| value)
    }

    /// Like [`load`](Self::load), but on a thread of its own, because the libraries cannot be interrupted. None if
    /// `interrupted` returns true first, and if the thread fails: the next use then loads the value.
    pub(super) fn load_unless(
        &self,
        interrupted: &mut (dyn FnMut() -> bool + Send),
        load: impl FnOnce() -> T + Send + 'static,
    ) -> Option<&T>
    where
        T: Send + 'static,
    {
        if let Some(value) = self.0.get() {
            return Some(value);
        }
        let (sender, receiver) = channel();
        // The receiver may be gone when the value is ready.
        let work = move || drop(sender.send(load()));
        thread::Builder::new().name("chatmill-load".into()).spawn(work).ok()?;
        loop {
            match receiver.recv_timeout(POLL) {
                Ok(value) => return Some(self.0.get_or_init(|| value)),
                Err(RecvTimeoutError::Timeout) if !interrupted() => {}
                Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
        let endless = || {
            thread::sleep(Duration::from_secs(1000));
            1
        };
        assert_eq!(lazy.load_unless(&mut || true, endless), None);
        assert_eq!(lazy.load_unless(&mut || false, || 2), Some(&2));
        assert_eq!(lazy.load_unless(&mut || true, || 3), Some(&2));
    }
}
