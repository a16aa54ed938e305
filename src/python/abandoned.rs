//! Aborts that nobody waits for, except the interpreter's exit.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::{bridge, crossing, log};

/// A file object's `write` may hold the way longer; then the exit goes ahead.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How many are under way.
static ABANDONED: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// One of them, from its start to its end.
pub(super) struct Counted;

impl Counted {
    pub(super) fn new() -> Self {
        *ABANDONED.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *ABANDONED.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ABANDONED.1.notify_all();
    }
}

/// Waits until abandoned leases are aborted, at most `timeout` seconds, and until no other thread is
/// on its way to the GIL. From then on only the calling thread comes back from native code.
#[pyfunction]
pub(crate) fn finish_at_exit(py: Python<'_>, timeout: f64) {
    let until = Instant::now() + Duration::try_from_secs_f64(timeout).unwrap_or_default();
    bridge::blocking(py, || {
        let mut count = ABANDONED.0.lock().unwrap_or_else(PoisonError::into_inner);
        while *count > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            count = ABANDONED
                .1
                .wait_timeout(count, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    });
    if let Err(error) = log::emit(py) {
        error.write_unraisable(py, None);
    }
    bridge::blocking(py, || crossing::close(CLOSE_TIMEOUT));
}
