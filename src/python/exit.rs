//! The interpreter's exit, which alone waits for aborts in background.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::{gil, log};

/// A file object's `write` may hold the way longer; then the exit goes ahead.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

const POLL: Duration = Duration::from_millis(5);

/// How many are under way. No lock: a forked child must not inherit a held one.
static IN_BACKGROUND: AtomicUsize = AtomicUsize::new(0);

/// Leases whose Abort failed, when nobody was there to be told. Never waited for: a forked child may
/// inherit it held.
static KEPT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The most that are told at the exit.
const MOST_KEPT: usize = 100;

/// The server still holds this lease.
pub(super) fn note_kept(moid: &str) {
    if let Ok(mut kept) = KEPT.try_lock()
        && kept.len() < MOST_KEPT
    {
        kept.push(moid.to_owned());
    }
}

/// One of them, from its start to its end.
pub(super) struct Counted;

impl Counted {
    pub(super) fn new() -> Self {
        IN_BACKGROUND.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        IN_BACKGROUND.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits until leases are aborted in background, at most `timeout` seconds, and until no other thread is
/// on its way to the GIL. From then on only the calling thread comes back from native code. Returns
/// the leases that were dropped, and whose Abort failed.
#[pyfunction]
pub(crate) fn finish_at_exit(py: Python<'_>, timeout: f64) -> Vec<String> {
    let until = Instant::now() + Duration::try_from_secs_f64(timeout).unwrap_or_default();
    gil::blocking(py, || {
        while IN_BACKGROUND.load(Ordering::SeqCst) > 0 && Instant::now() < until {
            thread::sleep(POLL);
        }
    });
    if let Err(error) = log::emit(py) {
        error.write_unraisable(py, None);
    }
    gil::blocking(py, || gil::close(CLOSE_TIMEOUT));
    KEPT.try_lock()
        .map(|mut kept| std::mem::take(&mut *kept))
        .unwrap_or_default()
}

/// A forked child waits for none of its parent's, and is not to tell of those that it left held.
#[pyfunction]
pub(crate) fn after_fork() {
    IN_BACKGROUND.store(0, Ordering::SeqCst);
    if let Ok(mut kept) = KEPT.try_lock() {
        kept.clear();
    }
    gil::forget_others();
}
