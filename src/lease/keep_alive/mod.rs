//! The keep-alive: one thread for the process, with a runtime and connections of its own.
//!
//! It never attaches to Python and shares nothing with the transfers but atomics, so that neither
//! a held GIL nor a blocked disk keeps a lease from being renewed.

mod serving;
mod thread;

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use self::thread::Registration;
#[cfg(test)]
pub(super) use self::thread::dying;
use super::Lease;
use super::options::KeepAlive;
use crate::error::Result;
use crate::number;
use crate::soap::RemoteLease;
use crate::sync::lock;

/// A lease's place at the keep-alive.
#[derive(Debug)]
pub(super) struct KeepAliveService {
    /// The lease at its server, over connections of the keep-alive's own thread.
    remote: RemoteLease,
    /// Its place at the thread; `None` while nobody here renews it.
    registration: Mutex<Option<Registration>>,
    /// The highest percent that was reported: a smaller one looks like a step back.
    highest_percent: AtomicI32,
}

impl KeepAliveService {
    pub(super) fn new(remote: RemoteLease) -> Self {
        Self {
            remote,
            registration: Mutex::default(),
            highest_percent: AtomicI32::new(0),
        }
    }

    /// Ends the service, and waits until no Progress is under way.
    pub(super) async fn stop(&self) {
        // It stays in its place: each ending that meets another one waits for the same Progress.
        let stopping = lock(&self.registration).as_ref().map(Registration::stop);
        if let Some(stopping) = stopping {
            stopping.await;
        }
    }
}

impl Lease {
    /// Puts the lease under the keep-alive where that was chosen.
    pub(super) fn start_keep_alive(self: &Arc<Self>) -> Result<()> {
        if let KeepAlive::Native(interval) = self.options.keep_alive {
            let registration = thread::register(Arc::clone(self), interval)?;
            *lock(&self.keep_alive.registration) = Some(registration);
        }
        Ok(())
    }

    /// Ends the keep-alive without waiting: someone else renews the lease.
    pub fn hand_over(&self) {
        drop(lock(&self.keep_alive.registration).take());
    }

    /// The percent for the next Progress: never backwards, never 100 before Complete.
    fn percent(&self) -> i32 {
        let snapshots = self.transfers.progress();
        let done = number::sum(snapshots.iter().map(|snapshot| snapshot.bytes_done));
        if done == 0 {
            return self.passthrough.percent();
        }
        let known: Option<Vec<u64>> = snapshots
            .iter()
            .map(|snapshot| snapshot.bytes_total)
            .collect();
        // An export's size is unknown until it ends; the disks' capacity is what it can be at most.
        let total = known.map_or_else(|| self.disk_capacity(), number::sum);
        let percent = i32::from(number::percent(done, total).min(99));
        self.keep_alive
            .highest_percent
            .fetch_max(percent, Ordering::Relaxed)
            .max(percent)
    }
}
