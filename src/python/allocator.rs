//! The allocator of the Python module, and how long it holds memory that is free.

use std::ffi::{c_int, c_long};

use libmimalloc_sys::mi_option_set_default;

/// Saves a tenth of a row's time against the system allocator, and returns memory between batches.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay`, for which the crate has no name. mimalloc does not change the numbers of its options: those
/// that it gave up keep their places.
const PURGE_DELAY: c_int = 15;

/// So many milliseconds after it is free, memory goes back to the system. The default is a second. Then the peak of a run
/// of 100,000 rows is 20 to 60 MiB higher (`benches/memory.py`), and the run takes as long. With 10 ms it takes longer.
const DELAY: c_long = 100;

/// Sets how long free memory is held, unless the user did (`MIMALLOC_PURGE_DELAY`).
pub(super) fn set_delay() {
    // SAFETY: it writes a number in a table of mimalloc. Python imports a module on one thread, before its threads run.
    unsafe { mi_option_set_default(PURGE_DELAY, DELAY) }
}
