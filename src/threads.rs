//! Threads that start or do not: a system without one, or without the memory for one, is an error.
//!
//! The runtime's own builder panics there, and its drop waits for threads that never were; so do its
//! ways out of a task that blocks. A heap that is used up ends the process: no
//! thread is started in the last of it.

mod aside;
mod pool;

use std::hint::black_box;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

pub use self::aside::Aside;
pub use self::pool::Pool;
use crate::error::{Error, Result};

/// How long the start of a few threads may take, on a machine that is very busy.
const START_WAIT: Duration = Duration::from_secs(10);
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

/// A runtime with so many threads, made aside: where its start fails half-way it does not come back.
pub(crate) fn runtime(threads: usize, name: &'static str) -> Result<Runtime> {
    let missing = || io::Error::from(io::ErrorKind::WouldBlock);
    let build = move || {
        Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(name)
            .enable_all()
            .build()
    };
    let (sender, started) = channel();
    let start = spawn("nfclease-start", move || {
        let runtime = catch_unwind(AssertUnwindSafe(build)).unwrap_or_else(|_| Err(missing()));
        // One that comes too late ends here.
        let _ = sender.send(runtime);
    })
    .map_err(no_threads)?;
    let runtime = started.recv_timeout(START_WAIT);
    let runtime = runtime.map_err(|_| no_threads(missing()))?;
    // Its stack is the next thread's: no more of them live at once than were reserved.
    let _ = start.join();
    runtime.map_err(no_threads)
}

pub(crate) fn no_threads(error: io::Error) -> Error {
    Error::io("<native threads>", error)
}
