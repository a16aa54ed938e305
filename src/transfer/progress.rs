//! Progress as atomics: the only thing that a running transfer shares.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const UNKNOWN: u64 = u64::MAX;

/// Counters of one transfer, written by its task and polled by those that watch.
#[derive(Debug)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
    attempts: AtomicU32,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Bytes moved in the current attempt.
    pub bytes_done: u64,
    /// Bytes in all, when the size is known beforehand.
    pub bytes_total: Option<u64>,
    /// Attempts started.
    pub attempts: u32,
}

impl Progress {
    /// Nothing moved yet.
    pub fn new(total: Option<u64>) -> Self {
        Self {
            done: AtomicU64::new(0),
            total: AtomicU64::new(total.unwrap_or(UNKNOWN)),
            attempts: AtomicU32::new(0),
        }
    }

    /// A new attempt starts from zero.
    pub(crate) fn start_attempt(&self) {
        self.done.store(0, Ordering::Relaxed);
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes moved.
    pub(crate) fn add(&self, bytes: u64) -> u64 {
        self.done
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes)
    }

    /// The size became known.
    pub(crate) fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// The transfer ended well: what moved is all there was.
    pub(crate) fn finish(&self) {
        self.total
            .store(self.done.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The counters now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let total = self.total.load(Ordering::Relaxed);
        Snapshot {
            bytes_done: self.done.load(Ordering::Relaxed),
            bytes_total: (total != UNKNOWN).then_some(total),
            attempts: self.attempts.load(Ordering::Relaxed),
        }
    }
}
