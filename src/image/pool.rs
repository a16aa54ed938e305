//! Grains that are inflated on several threads, in no order. What waits is bounded: when all threads
//! are busy, who brings the next grains works himself.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, available_parallelism};

use crate::error::Error;
use crate::sync::lock;
use crate::threads;
use crate::vmdk::{Finding, Grain, Inflater, SECTOR};

/// Compressed bytes that are handed over at once.
const BATCH_BYTES: usize = 256 * 1024;

/// Each has a batch, and one waits for it.
const MOST_THREADS: usize = 8;

/// What is done with the plain bytes of a grain.
pub(crate) trait Work: Clone + Send + 'static {
    /// Takes one that begins at this byte of the disk; they come in no order.
    fn grain(&mut self, at: u64, plain: &[u8]) -> Result<(), Error>;
}

/// Nothing is: that they are right is all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nothing;

impl Work for Nothing {
    fn grain(&mut self, _at: u64, _plain: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}

/// Why grains are not all done.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// The first grain that is damaged.
    Damaged(Finding),
    /// The work failed.
    Failed(Error),
}

/// Compressed grains, one behind the other.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    grains: Vec<Stored>,
}

struct Stored {
    at: u64,
    sectors: Range<u64>,
    full: usize,
    length: usize,
    end: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Batch>,
    /// Buffers to use again.
    spare: Vec<Batch>,
    is_over: bool,
    wrong: Option<Wrong>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Keeps what is wrong: of damage the first in the stream.
    fn keep(&self, wrong: Wrong) {
        let mut state = self.state();
        let is_first = match (&state.wrong, &wrong) {
            (None, _) | (Some(Wrong::Damaged(_)), Wrong::Failed(_)) => true,
            (Some(Wrong::Damaged(kept)), Wrong::Damaged(new)) => new.offset < kept.offset,
            (Some(Wrong::Failed(_)), _) => false,
        };
        if is_first {
            state.wrong = Some(wrong);
        }
    }

    /// Whether grains from there on change nothing any more.
    fn is_settled_before(&self, at: u64) -> bool {
        match &self.state().wrong {
            Some(Wrong::Damaged(kept)) => kept.offset < at,
            Some(Wrong::Failed(_)) => true,
            None => false,
        }
    }
}

/// One thread's part.
struct Worker<W> {
    shared: Arc<Shared>,
    inflater: Inflater,
    work: W,
}

impl<W: Work> Worker<W> {
    fn new(shared: &Arc<Shared>, work: &W) -> Self {
        Self {
            shared: Arc::clone(shared),
            inflater: Inflater::new(),
            work: work.clone(),
        }
    }

    /// Works until nothing comes any more.
    fn run(mut self) {
        loop {
            let mut state = self.shared.state();
            let batch = loop {
                if let Some(batch) = state.waiting.pop_front() {
                    break batch;
                }
                if state.is_over {
                    return;
                }
                let waited = self.shared.changed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            };
            drop(state);
            self.take(batch);
        }
    }

    fn take(&mut self, mut batch: Batch) {
        let first = batch.grains.first().map_or(0, |grain| grain.at);
        if !self.shared.is_settled_before(first)
            && let Err(wrong) = self.each(&batch)
        {
            self.shared.keep(wrong);
        }
        batch.bytes.clear();
        batch.grains.clear();
        self.shared.state().spare.push(batch);
    }

    fn each(&mut self, batch: &Batch) -> Result<(), Wrong> {
        let mut start = 0;
        for grain in &batch.grains {
            let data = batch.bytes.get(start..grain.end).unwrap_or_default();
            start = grain.end;
            let plain = self.inflater.inflate(data, grain.full, grain.length);
            let plain = plain.map_err(|reason| {
                let first = grain.sectors.start;
                let reason = format!("the grain of sector {first} is wrong: {reason}");
                let finding = Finding::damaged(grain.at, reason);
                Wrong::Damaged(finding.of_sectors(grain.sectors.clone()))
            })?;
            let plain = plain.get(..grain.length).unwrap_or(plain);
            let start = grain.sectors.start.saturating_mul(SECTOR);
            self.work.grain(start, plain).map_err(Wrong::Failed)?;
        }
        Ok(())
    }
}

/// The threads, which end with it.
pub(crate) struct GrainPool<W: Work> {
    shared: Arc<Shared>,
    /// Who brings the grains.
    own: Worker<W>,
    batch: Batch,
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
            threads: Vec::new(),
            to_start: threads.min(MOST_THREADS),
            shared,
        }
    }

    /// Takes the next grain.
    pub(crate) fn add(&mut self, grain: &Grain<'_>) {
        self.batch.bytes.extend_from_slice(grain.data);
        self.batch.grains.push(Stored {
            at: grain.at,
            sectors: grain.sectors.clone(),
            full: grain.full,
            length: grain.length,
            end: self.batch.bytes.len(),
        });
        if self.batch.bytes.len() >= BATCH_BYTES {
            self.hand_over();
        }
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
