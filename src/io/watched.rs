//! Long local work, seen from outside while it runs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, Result};

/// How far it is, and whether it shall go on.
#[derive(Debug, Default)]
pub struct Watched {
    seen: AtomicU64,
    stopped: AtomicBool,
    ended: AtomicBool,
}

impl Watched {
    /// Bytes read so far.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Counts bytes that were read.
    pub(crate) fn count(&self, bytes: u64) {
        self.seen.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether the outcome is there.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Called by the one that has handed on the outcome.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Ends the work soon.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// An error once it was stopped.
    pub(crate) fn goes_on(&self) -> Result<()> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        Ok(())
    }
}
