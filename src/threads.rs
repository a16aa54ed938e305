//! Threads that start or do not: a system without one, or without the memory for one, is an error.
//!
//! A runtime that starts threads itself panics there, when it is built and in its ways out of a task
//! that blocks. A heap that is used up ends the process: no thread is started in the last of it.

mod aside;
mod pool;

use std::hint::black_box;
use std::io;
use std::thread::{self, JoinHandle};

pub use self::aside::Aside;
pub use self::pool::Pool;
use crate::error::{Error, Result};

/// The memory that is left before a start, for its stack of 2 MiB and for the heap. So much is always
/// asked of the system: of up to 32 MiB glibc may say yes from a heap that other threads cannot use.
const SPARE_BYTES: usize = 40 << 20;

/// Starts a thread of its own, unless there is too little memory left to live with it.
pub fn spawn<T, F>(name: &str, work: F) -> io::Result<JoinHandle<T>>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    spare()?;
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    thread::Builder::new().name(name.into()).spawn(work)
}

/// An error where an allocation might soon fail.
fn spare() -> io::Result<()> {
    let mut probe: Vec<u8> = Vec::new();
    let got = probe.try_reserve_exact(SPARE_BYTES);
    // Else the compiler may take an allocation that nobody reads for granted.
    black_box(&probe);
    got.map_err(|_| io::ErrorKind::WouldBlock.into())
}

/// Whether so many threads can be started now. Another process may take them before they are used.
pub(crate) fn reserve(threads: usize) -> Result<()> {
    let mut parked: Vec<JoinHandle<()>> = Vec::new();
    let mut reserved = Ok(());
    for _ in 0..threads {
        match spawn("nfclease-reserved", thread::park) {
            Ok(thread) => parked.push(thread),
            Err(error) => {
                reserved = Err(no_threads(error));
                break;
            }
        }
    }
    if reserved.is_ok() {
        reserved = spare().map_err(no_threads);
    }
    for thread in parked {
        thread.thread().unpark();
        // It does nothing that could panic.
        let _ = thread.join();
    }
    reserved
}

pub(crate) fn no_threads(error: io::Error) -> Error {
    Error::io("<native threads>", error)
}
