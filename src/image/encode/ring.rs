//! Pieces of which something is made on several threads, and handed on in their order.
//!
//! Who finds the pieces hands on what was made, too, and makes something himself while the next in turn is
//! not ready. So many pieces are under way that nobody waits, and no more.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, available_parallelism};

use super::pieces::{Make, Piece, Pieces, ReadPiece};
use crate::error::{Error, Result};
use crate::io::Watched;
use crate::sync::lock;
use crate::threads;

/// Beside the caller's.
const MOST_THREADS: usize = 8;

/// Plain bytes of the pieces that are under way, all together.
const MOST_BYTES: u64 = 12 << 20;

struct State<T, M> {
    /// Pieces, with their place in the order.
    waiting: VecDeque<(u64, Piece<T>)>,
    done: BTreeMap<u64, Result<M>>,
    /// Room to use again.
    spare: Vec<M>,
    is_over: bool,
}

struct Shared<T, M> {
    state: Mutex<State<T, M>>,
    comes: Condvar,
    is_done: Condvar,
}

impl<T, M> Shared<T, M> {
    fn state(&self) -> MutexGuard<'_, State<T, M>> {
        lock(&self.state)
    }
}

fn wait<'a, T>(condition: &Condvar, state: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    let waited = condition.wait(state);
    waited.unwrap_or_else(PoisonError::into_inner)
}

/// One thread's part.
struct Worker<T, R, M: Make> {
    shared: Arc<Shared<T, M::Made>>,
    reader: R,
    maker: M,
    plain: Vec<u8>,
}

impl<T, R: ReadPiece<T>, M: Make> Worker<T, R, M> {
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
        let panicked = |_| Err(Error::internal("a thread that makes pieces does not panic"));
        self.shared
            .state()
            .done
            .insert(number, made.unwrap_or_else(panicked));
        self.shared.is_done.notify_one();
    }

    fn make(&mut self, piece: &Piece<T>) -> Result<M::Made> {
        let mut made = self.shared.state().spare.pop().unwrap_or_default();
        self.reader.read(piece, &mut self.plain)?;
        self.maker.make(piece.at, &self.plain, &mut made)?;
        Ok(made)
    }
}

/// The threads, which end with it.
struct Ring<D: Pieces, M: Make> {
    shared: Arc<Shared<D::What, M::Made>>,
    maker: M,
    piece_bytes: u64,
    threads: Vec<JoinHandle<()>>,
    /// How many may still be started.
    to_start: usize,
}

impl<D: Pieces, M: Make> Ring<D, M> {
    fn new(disk: &D, maker: M, threads: usize) -> Self {
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
            maker,
            piece_bytes: disk.piece_bytes(),
            threads: Vec::new(),
            to_start: threads,
        }
    }

    fn worker(&self, disk: &D) -> Worker<D::What, D::Reader, M> {
        Worker {
            shared: Arc::clone(&self.shared),
            reader: disk.reader(),
            maker: self.maker.again(),
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
            match threads::spawn("nfclease-pieces", move || worker.run()) {
                Ok(thread) => {
                    self.threads.push(thread);
                    self.to_start = left;
                }
                Err(_) => self.to_start = 0,
            }
        }
    }

    /// Waits until the piece of this number is done, and works meanwhile.
    fn next(&self, number: u64, own: &mut Worker<D::What, D::Reader, M>) -> Result<M::Made> {
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

    fn give_back(&self, made: M::Made) {
        self.shared.state().spare.push(made);
    }
}

impl<D: Pieces, M: Make> Drop for Ring<D, M> {
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

/// Hands what was made of each piece of a disk to `write`, in their order. `threads` are those beside the
/// caller's; None is one less than there are cores.
pub(in crate::image) fn run<D: Pieces, M: Make>(
    disk: &mut D,
    maker: M,
    threads: Option<usize>,
    watched: &Watched,
    write: &mut impl FnMut(&M::Made) -> Result<()>,
) -> Result<()> {
    let cores = available_parallelism().map_or(1, usize::from);
    let threads = threads.unwrap_or(cores.saturating_sub(1));
    let mut ring = Ring::new(disk, maker, threads.min(MOST_THREADS));
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
        let made = ring.next(written, &mut own)?;
        write(&made)?;
        ring.give_back(made);
        written = written.saturating_add(1);
    }
}
