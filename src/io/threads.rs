//! Threads that start or do not: a system without one, or without the memory for one, is an error.
//!
//! The runtime's own builder panics there, and its drop waits for threads that never were; so does
//! its way out of a task that blocks.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};

/// How long the start of a few threads may take, on a machine that is very busy.
const START_WAIT: Duration = Duration::from_secs(10);

/// Whether so many threads can be had at once. Between this and their use others may take them.
pub fn reserve(threads: usize) -> Result<()> {
    let mut parked: Vec<JoinHandle<()>> = Vec::new();
    let mut reserved = Ok(());
    for _ in 0..threads {
        match named("nfclease-reserved").spawn(thread::park) {
            Ok(thread) => parked.push(thread),
            Err(error) => {
                reserved = Err(no_threads(error));
                break;
            }
        }
    }
    for thread in parked {
        thread.thread().unpark();
        // It does nothing that could panic.
        let _ = thread.join();
    }
    reserved
}

/// A runtime with so many threads, made aside: where its start fails half-way it does not come back.
pub fn runtime(threads: usize, name: &'static str) -> Result<Runtime> {
    let missing = || io::Error::from(io::ErrorKind::WouldBlock);
    let build = move || {
        Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name(name)
            .enable_all()
            .build()
    };
    let (sender, started) = channel();
    named("nfclease-start")
        .spawn(move || {
            let runtime = catch_unwind(AssertUnwindSafe(build)).unwrap_or_else(|_| Err(missing()));
            // One that comes too late ends here.
            let _ = sender.send(runtime);
        })
        .map_err(no_threads)?;
    match started.recv_timeout(START_WAIT) {
        Ok(runtime) => runtime.map_err(no_threads),
        Err(_) => Err(no_threads(missing())),
    }
}

/// Runs what blocks, on a thread of a runtime or on any other: the runtime's other tasks go on
/// elsewhere while there is a thread for them.
pub fn in_place<T>(work: impl FnOnce() -> T) -> T {
    if reserve(1).is_ok() {
        #[allow(clippy::disallowed_methods, reason = "there is a thread for it")]
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.into())
}

fn no_threads(error: io::Error) -> Error {
    Error::io("<native threads>", error)
}
