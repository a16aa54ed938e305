//! Pieces that are compressed on several threads and handed on in their order.
//!
//! Who finds the pieces hands them on, too, and compresses one himself while the next in turn is not
//! ready. So many pieces are under way that nobody waits, and no more.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, available_parallelism};

use super::UNIT;
use super::pieces::{Piece, Pieces, ReadPiece};
use crate::error::{Error, Result};
use crate::io::Watched;
use crate::sync::lock;
use crate::threads;
use crate::vmdk::{GrainCompression, Packed, Packer};

/// Beside the caller's.
const MOST_THREADS: usize = 8;

/// Plain bytes of the pieces that are under way, all together.
const MOST_BYTES: u64 = 12 << 20;

struct State<T> {
    /// Pieces, with their place in the order.
    waiting: VecDeque<(u64, Piece<T>)>,
    done: BTreeMap<u64, Result<Packed>>,
    /// Room to use again.
    spare: Vec<Packed>,
    is_over: bool,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    comes: Condvar,
    is_done: Condvar,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }
}

fn wait<'a, T>(condition: &Condvar, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
    let waited = condition.wait(state);
    waited.unwrap_or_else(PoisonError::into_inner)
}

/// One thread's part.
struct Worker<T, R> {
    shared: Arc<Shared<T>>,
    reader: R,
    packer: Packer,
    plain: Vec<u8>,
}

impl<T, R: ReadPiece<T>> Worker<T, R> {
    fn run(mut self) {
        loop {
            let mut state = self.shared.state();
            let (number, piece) = loop {
                if let Some(next) = state.waiting.pop_front() {
                    break next;
                }
                if state.is_over {
                    return;
                }
                state = wait(&self.shared.comes, state);
            };
            drop(state);
            self.take(number, &piece);
        }
    }

    /// Makes one, and says that it is done whatever happens.
    fn take(&mut self, number: u64, piece: &Piece<T>) {
        let made = catch_unwind(AssertUnwindSafe(|| self.make(piece)));
        let panicked = |_| Err(Error::internal("a thread that compresses does not panic"));
        self.shared
            .state()
            .done
            .insert(number, made.unwrap_or_else(panicked));
        self.shared.is_done.notify_one();
    }

    fn make(&mut self, piece: &Piece<T>) -> Result<Packed> {
        let mut packed = self.shared.state().spare.pop().unwrap_or_default();
        self.reader.read(piece, &mut self.plain)?;
        let first = piece.at / UNIT;
        let done = self.packer.pack(first, &self.plain, &mut packed);
        done.map_err(Error::internal)?;
        Ok(packed)
    }
}

/// The threads, which end with it.
struct Ring<D: Pieces> {
    shared: Arc<Shared<D::What>>,
    compression: GrainCompression,
    piece_bytes: u64,
    threads: Vec<JoinHandle<()>>,
    /// How many may still be started.
    to_start: usize,
}

impl<D: Pieces> Ring<D> {
    fn new(disk: &D, compression: GrainCompression, threads: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            done: BTreeMap::new(),
            spare: Vec::new(),
            is_over: false,
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                comes: Condvar::new(),
                is_done: Condvar::new(),
            }),
            compression,
            piece_bytes: disk.piece_bytes(),
            threads: Vec::new(),
            to_start: threads,
        }
    }

    fn worker(&self, disk: &D) -> Worker<D::What, D::Reader> {
        Worker {
            shared: Arc::clone(&self.shared),
            reader: disk.reader(),
            packer: Packer::new(self.compression),
            plain: vec![0; usize::try_from(self.piece_bytes).unwrap_or(usize::MAX)],
        }
    }

    /// How many pieces may be under way.
    fn most(&self) -> u64 {
        let busy = (self.to_start as u64).saturating_mul(2).saturating_add(1);
        let fit = MOST_BYTES.checked_div(self.piece_bytes).unwrap_or(0);
        busy.min(fit.max(2))
    }

    /// Where the system has no thread left, it goes on with those that there are.
    fn push(&mut self, number: u64, piece: Piece<D::What>, disk: &D) {
        let mut state = self.shared.state();
        state.waiting.push_back((number, piece));
        let is_busy = state.waiting.len() > 1;
        drop(state);
        self.shared.comes.notify_one();
        let Some(left) = self.to_start.checked_sub(1) else {
            return;
        };
        if is_busy {
            let worker = self.worker(disk);
            match threads::spawn("nfclease-encode", move || worker.run()) {
                Ok(thread) => {
                    self.threads.push(thread);
                    self.to_start = left;
                }
                Err(_) => self.to_start = 0,
            }
        }
    }

    /// Waits until the piece of this number is done, and works meanwhile.
    fn next(&self, number: u64, own: &mut Worker<D::What, D::Reader>) -> Result<Packed> {
        let mut state = self.shared.state();
        loop {
            if let Some(made) = state.done.remove(&number) {
                return made;
            }
            if let Some((number, piece)) = state.waiting.pop_front() {
                drop(state);
                own.take(number, &piece);
                state = self.shared.state();
            } else {
                state = wait(&self.shared.is_done, state);
            }
        }
    }

    fn give_back(&self, mut packed: Packed) {
        packed.clear();
        self.shared.state().spare.push(packed);
    }
}

impl<D: Pieces> Drop for Ring<D> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.is_over = true;
        state.waiting.clear();
        drop(state);
        self.shared.comes.notify_all();
        for thread in self.threads.drain(..) {
            // What it said of its pieces is all that it has to say.
            let _ = thread.join();
        }
    }
}

/// Hands all pieces of a disk, compressed, to `write` in their order.
pub(super) fn encode<D: Pieces>(
    disk: &mut D,
    compression: GrainCompression,
    threads: Option<usize>,
    watched: &Watched,
    write: &mut impl FnMut(&Packed) -> Result<()>,
) -> Result<()> {
    let cores = available_parallelism().map_or(1, usize::from);
    let threads = threads.unwrap_or(cores.saturating_sub(1));
    let mut ring = Ring::new(disk, compression, threads.min(MOST_THREADS));
    let mut own = ring.worker(disk);
    let most = ring.most();
    let (mut found, mut written, mut passed) = (0_u64, 0_u64, 0_u64);
    // What is wrong behind a piece is told after what is wrong with it.
    let mut end = None;
    loop {
        watched.goes_on()?;
        while end.is_none() && found.saturating_sub(written) < most {
            match disk.next() {
                Ok(Some(piece)) => {
                    ring.push(found, piece, disk);
                    found = found.saturating_add(1);
                }
                Ok(None) => end = Some(Ok(())),
                Err(error) => end = Some(Err(error)),
            }
        }
        watched.count(disk.passed().saturating_sub(passed));
        passed = disk.passed();
        if let Some(end) = end.take_if(|_| written == found) {
            return end;
        }
        let packed = ring.next(written, &mut own)?;
        write(&packed)?;
        ring.give_back(packed);
        written = written.saturating_add(1);
    }
}
