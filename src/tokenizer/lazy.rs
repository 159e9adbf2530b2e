//! `Lazy`: a part of a tokenizer that is loaded at its first use.

use std::sync::OnceLock;

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
}
