//! `Held`: counts the bytes that the values of a render hold.
//!
//! The values of one render live on one thread, so each thread has its own count. Every text, list, dict and big integer
//! that a template makes carries a [`Held`], which gives its bytes back when the value is dropped. So a template may
//! build and drop texts for as long as its steps last, and only what it keeps at one time counts.
//!
//! Most texts are short, and counting each of them would slow down every render. They are counted by the lists and dicts
//! that hold them: without one, a template can keep only a few.

use std::cell::Cell;

thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

/// Bytes that a value holds, until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held(usize);

impl Held {
    pub(crate) fn new(bytes: usize) -> Held {
        count(bytes);
        Held(bytes)
    }

    /// Adds bytes to those that are held.
    pub(crate) fn add(&mut self, bytes: usize) {
        count(bytes);
        self.0 = self.0.wrapping_add(bytes);
    }

    /// The bytes that all values of this thread hold.
    pub(crate) fn total() -> usize {
        BYTES.get()
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        if self.0 > 0 {
            count(self.0.wrapping_neg());
        }
    }
}

/// Adds to the bytes of this thread. It is not inlined, because a caller would look for the place of its thread even when
/// it counts nothing: 266 times in a render of gemma-4.
#[inline(never)]
fn count(bytes: usize) {
    BYTES.set(BYTES.get().wrapping_add(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_given_back() {
        let before = Held::total();
        let mut held = Held::new(10);
        held.add(5);
        assert_eq!(Held::total() - before, 15);
        drop(held);
        assert_eq!(Held::total(), before);
    }
}
