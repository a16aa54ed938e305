//! One thread's part: batches of grains are inflated, and something is done with the plain bytes, or with
//! the compressed ones.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::sync::lock;
use crate::vmdk::{Finding, Inflater, SECTOR, unwrapped};

/// What is done with a grain.
pub(crate) trait Work: Clone + Send + 'static {
    /// What is to be done with this one.
    fn way(&self, _grain: &Compressed<'_>) -> Way {
        Way::Inflate
    }

    /// Takes the plain bytes of one that begins at this byte of the disk, and had so many as it was
    /// stored. Batches come in no order; those of one rise.
    fn grain(&mut self, at: u64, plain: &[u8], stored: usize) -> Result<(), Error>;

    /// Takes the deflate data of one.
    fn moved(&mut self, _at: u64, _deflated: &[u8]) -> Result<(), Error> {
        Err(Error::internal(
            "only who says so gets a grain as it is stored",
        ))
    }

    /// These bytes of the disk have no grain.
    fn absent(&mut self, _bytes: Range<u64>) -> Result<(), Error> {
        Ok(())
    }

    /// A batch is over, and with it the last cluster that it has a grain of.
    fn batch_ends(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// A grain as it is stored.
pub(crate) struct Compressed<'a> {
    /// Plain bytes that it has, and how many of them the disk has.
    pub(crate) full: usize,
    pub(crate) length: usize,
    /// A zlib stream.
    pub(crate) data: &'a [u8],
}

/// What is done with a grain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is inflated.
    Inflate,
    /// Its deflate data are taken as they are.
    Move,
    /// The same, once they were inflated and compared with the checksum.
    CheckAndMove,
}

/// Nothing is: that they are right is all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nothing;

impl Work for Nothing {
    fn grain(&mut self, _at: u64, _plain: &[u8], _stored: usize) -> Result<(), Error> {
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
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) grains: Vec<Stored>,
}

pub(super) struct Stored {
    pub(super) at: u64,
    pub(super) sectors: Range<u64>,
    /// Sectors before it that have none.
    pub(super) absent: Range<u64>,
    pub(super) full: usize,
    pub(super) length: usize,
    pub(super) end: usize,
}

impl Stored {
    fn damaged(&self, reason: &str) -> Wrong {
        Wrong::Damaged(Finding::grain(self.at, self.sectors.clone(), reason))
    }
}

#[derive(Default)]
pub(super) struct State {
    pub(super) waiting: VecDeque<Batch>,
    /// Buffers to use again.
    pub(super) spare: Vec<Batch>,
    pub(super) is_over: bool,
    pub(super) wrong: Option<Wrong>,
}

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) changed: Condvar,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Keeps what is wrong: of damage the first in the stream.
    pub(super) fn keep(&self, wrong: Wrong) {
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

/// Grains that are moved as they are before the work may put together what it knows of them.
const MOVED_AT_ONCE: u64 = 512;

/// One thread's part.
pub(super) struct Worker<W> {
    shared: Arc<Shared>,
    inflater: Inflater,
    /// Grains that were moved as they are.
    moved: u64,
    pub(super) work: W,
}

impl<W: Work> Worker<W> {
    pub(super) fn new(shared: &Arc<Shared>, work: &W) -> Self {
        Self {
            shared: Arc::clone(shared),
            inflater: Inflater::new(),
            moved: 0,
            work: work.clone(),
        }
    }

    /// Works until nothing comes any more.
    pub(super) fn run(mut self) {
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

    pub(super) fn take(&mut self, mut batch: Batch) {
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

    /// Takes a grain that is moved as it is: handing it to another thread would cost more than that.
    pub(super) fn moves(&mut self, grain: &Stored, data: &[u8]) -> bool {
        if self.way(grain, data) != Way::Move {
            return false;
        }
        self.moved = self.moved.saturating_add(1);
        let mut done = self.one(grain, data);
        if done.is_ok() && self.moved.is_multiple_of(MOVED_AT_ONCE) {
            done = self.work.batch_ends().map_err(Wrong::Failed);
        }
        if let Err(wrong) = done {
            self.shared.keep(wrong);
        }
        true
    }

    fn way(&self, grain: &Stored, data: &[u8]) -> Way {
        let Stored { full, length, .. } = *grain;
        self.work.way(&Compressed { full, length, data })
    }

    fn each(&mut self, batch: &Batch) -> Result<(), Wrong> {
        let mut start = 0;
        for grain in &batch.grains {
            let data = batch.bytes.get(start..grain.end).unwrap_or_default();
            start = grain.end;
            self.one(grain, data)?;
        }
        self.work.batch_ends().map_err(Wrong::Failed)
    }

    fn one(&mut self, grain: &Stored, data: &[u8]) -> Result<(), Wrong> {
        let Stored { full, length, .. } = *grain;
        let way = self.way(grain, data);
        let at = grain.sectors.start.saturating_mul(SECTOR);
        let absent = grain.absent.start.saturating_mul(SECTOR)..at;
        if !absent.is_empty() {
            self.work.absent(absent).map_err(Wrong::Failed)?;
        }
        if way != Way::Move {
            let plain = self.inflater.inflate(data, full, length);
            let plain = plain.map_err(|reason| grain.damaged(&reason))?;
            if way == Way::Inflate {
                let plain = plain.get(..length).unwrap_or(plain);
                let done = self.work.grain(at, plain, data.len());
                return done.map_err(Wrong::Failed);
            }
        }
        let (deflated, _) = unwrapped(data).map_err(|reason| grain.damaged(&reason))?;
        self.work.moved(at, deflated).map_err(Wrong::Failed)
    }
}
