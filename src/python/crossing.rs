//! The way back to Python, and its end: no thread may be on it when the interpreter finalizes.
//!
//! Before Python 3.14 a daemon thread that asks for the GIL then is ended inside that call, by
//! unwinding our frames; where the unwinder is not the one we are linked with, that is a crash.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A thread that an `atexit` handler joins must come back in the end; a finalizing process is gone
/// by then.
const STAND_STILL: Duration = Duration::from_secs(3);

const POLL: Duration = Duration::from_millis(1);

// No lock: a forked child must not inherit a held one.
static ON_THE_WAY: AtomicUsize = AtomicUsize::new(0);
static CLOSED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static EXITS: Cell<bool> = const { Cell::new(false) };
}

/// A thread on its way, from before it asks for the GIL until it has it or is done with it.
#[must_use]
pub(super) struct Crossing(());

impl Crossing {
    fn counted() -> Self {
        ON_THE_WAY.fetch_add(1, Ordering::SeqCst);
        Self(())
    }

    /// Starts on the way; stands still first where it is closed.
    pub(super) fn start() -> Self {
        Self::try_start().unwrap_or_else(|| {
            thread::sleep(STAND_STILL);
            Self::counted()
        })
    }

    /// Starts on the way unless it is closed.
    pub(super) fn try_start() -> Option<Self> {
        // Counted first: `close` either sees the count or is seen.
        let crossing = Self::counted();
        (!CLOSED.load(Ordering::SeqCst) || EXITS.get()).then_some(crossing)
    }
}

impl Drop for Crossing {
    fn drop(&mut self) {
        ON_THE_WAY.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The threads that were on the way are the parent's, and are not there in a forked child.
pub(super) fn after_fork() {
    ON_THE_WAY.store(0, Ordering::SeqCst);
}

/// Closes the way for every thread but the calling one, and waits until nobody is on it.
pub(super) fn close(timeout: Duration) {
    EXITS.set(true);
    CLOSED.store(true, Ordering::SeqCst);
    let until = Instant::now() + timeout;
    while ON_THE_WAY.load(Ordering::SeqCst) > 0 && Instant::now() < until {
        thread::sleep(POLL);
    }
}
