//! Grains that are worked on by several threads, in no order. What waits is bounded: when all threads
//! are busy, who brings the next grains works himself. One thread has all grains of a cluster of 64 KiB.

use std::sync::Arc;
use std::thread::{JoinHandle, available_parallelism};

use super::worker::{Batch, Shared, Stored, Work, Worker, Wrong};
use crate::error::Error;
use crate::threads;
use crate::vmdk::Grain;

/// Compressed bytes that are handed over at once.
const BATCH_BYTES: usize = 256 * 1024;

/// Where a batch may end: at a cluster of an image.
const CLUSTER_SECTORS: u64 = 128;

/// Each has a batch, and one waits for it.
const MOST_THREADS: usize = 8;

/// The threads, which end with it.
pub(crate) struct GrainPool<W: Work> {
    shared: Arc<Shared>,
    /// Who brings the grains.
    own: Worker<W>,
    batch: Batch,
    /// The sector after the last grain.
    next: u64,
    threads: Vec<JoinHandle<()>>,
    /// How many may still be started.
    to_start: usize,
}

impl<W: Work> GrainPool<W> {
    /// Threads begin when there is work for them: `threads` at most, the caller's not counted; None
    /// is one less than there are cores.
    pub(crate) fn new(work: &W, threads: Option<usize>) -> Self {
        let shared = Arc::new(Shared::default());
        let cores = available_parallelism().map_or(1, usize::from);
        let threads = threads.unwrap_or(cores.saturating_sub(1));
        Self {
            own: Worker::new(&shared, work),
            batch: Batch::default(),
            next: 0,
            threads: Vec::new(),
            to_start: threads.min(MOST_THREADS),
            shared,
        }
    }

    /// Takes the next grain.
    pub(crate) fn add(&mut self, grain: &Grain<'_>) {
        let stored = Stored {
            at: grain.at,
            sectors: grain.sectors.clone(),
            absent: self.next..grain.sectors.start,
            full: grain.full,
            length: grain.length,
            end: grain.data.len(),
        };
        self.next = grain.sectors.end;
        if self.own.moves(&stored, grain.data) {
            return;
        }
        let before = self
            .batch
            .grains
            .last()
            .map_or(0, |last| last.sectors.start);
        let is_next = before / CLUSTER_SECTORS != grain.sectors.start / CLUSTER_SECTORS;
        if is_next && self.batch.bytes.len() >= BATCH_BYTES {
            self.hand_over();
        }
        self.batch.bytes.extend_from_slice(grain.data);
        let end = self.batch.bytes.len();
        self.batch.grains.push(Stored { end, ..stored });
    }

    /// The sector after the last grain that came.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    fn hand_over(&mut self) {
        let mut state = self.shared.state();
        let next = state.spare.pop().unwrap_or_default();
        let batch = std::mem::replace(&mut self.batch, next);
        let has_room = state.waiting.len() < self.threads.len();
        if has_room {
            state.waiting.push_back(batch);
            drop(state);
            self.shared.changed.notify_one();
            return;
        }
        drop(state);
        self.start_one();
        self.own.take(batch);
    }

    /// Where the system has no thread left, it goes on with those that there are.
    fn start_one(&mut self) {
        let Some(left) = self.to_start.checked_sub(1) else {
            return;
        };
        let worker = Worker::new(&self.shared, &self.own.work);
        match threads::spawn("nfclease-grains", move || worker.run()) {
            Ok(thread) => {
                self.threads.push(thread);
                self.to_start = left;
            }
            Err(_) => self.to_start = 0,
        }
    }

    /// Whether something is wrong so far.
    pub(crate) fn is_wrong(&self) -> bool {
        self.shared.state().wrong.is_some()
    }

    /// Waits until all is done.
    pub(crate) fn finish(&mut self) -> Result<(), Wrong> {
        let batch = std::mem::take(&mut self.batch);
        self.own.take(batch);
        loop {
            let waiting = self.shared.state().waiting.pop_front();
            let Some(batch) = waiting else { break };
            self.own.take(batch);
        }
        self.end();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                let panic = Error::internal("a thread that inflates grains does not panic");
                self.shared.keep(Wrong::Failed(panic));
            }
        }
        self.shared.state().wrong.take().map_or(Ok(()), Err)
    }

    fn end(&self) {
        let mut state = self.shared.state();
        state.is_over = true;
        state.waiting.clear();
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl<W: Work> Drop for GrainPool<W> {
    fn drop(&mut self) {
        self.end();
    }
}
