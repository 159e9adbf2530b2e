//! `interrupt`: lets a long render stop, such as after Ctrl-C.
//!
//! A render has no way out to its caller while it runs. So the caller leaves a function for its thread here, and every
//! render on this thread asks it now and then.

use std::cell::RefCell;
use std::rc::Rc;

/// Returns whether the work of the thread should stop.
type Check = Rc<dyn Fn() -> bool>;

thread_local! {
    static CHECK: RefCell<Option<Check>> = const { RefCell::new(None) };
}

/// Runs `work`. Its renders stop when `check` returns true.
pub(crate) fn watched<T>(check: impl Fn() -> bool + 'static, work: impl FnOnce() -> T) -> T {
    let _restored = Restored(CHECK.replace(Some(Rc::new(check))));
    work()
}

/// Whether the work of this thread should stop.
pub(crate) fn is_interrupted() -> bool {
    // The function may run Python code, so it is not called while the cell is borrowed.
    let check = CHECK.with_borrow(Option::clone);
    check.is_some_and(|check| check())
}

/// Puts the function of the outer work back, also after a panic.
struct Restored(Option<Check>);

impl Drop for Restored {
    fn drop(&mut self) {
        CHECK.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_work_inside_is_watched() {
        assert!(!is_interrupted());
        watched(
            || true,
            || {
                assert!(is_interrupted());
                assert!(!watched(|| false, is_interrupted));
                assert!(is_interrupted());
            },
        );
        assert!(!is_interrupted());
    }
}
