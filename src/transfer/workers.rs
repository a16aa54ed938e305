//! The threads of an engine, each with a runtime of its own.
//!
//! The runtime of many threads that the library has panics where the system has none left, and what it
//! had opened by then stays open.
//!
//! A connection is a task beside its transfer. On one runtime of many threads the two are woken on
//! different ones: each piece of a disk then crosses from core to core, and a thread is woken for
//! it. Here both stay where the transfer was begun.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::{Error, Result};
use crate::sync::lock;
use crate::threads;

/// The threads, until it is dropped.
#[derive(Debug)]
pub(super) struct Workers {
    all: Vec<Worker>,
    /// Held while one is chosen: two transfers that start at once would take the same.
    choosing: Mutex<()>,
    /// Ends the threads, and what still runs on them. It waits for none.
    _stop: DropGuard,
}

#[derive(Debug)]
struct Worker {
    handle: Handle,
    /// One reference more for each transfer that runs there.
    load: Arc<()>,
}

impl Workers {
    pub(super) fn start(count: usize, name: &'static str) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let workers = Self {
            all: Vec::new(),
            choosing: Mutex::default(),
            _stop: stop.clone().drop_guard(),
        };
        (0..count).try_fold(workers, |mut workers, _| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            workers.all.push(Worker {
                handle: runtime.handle().clone(),
                load: Arc::default(),
            });
            let stop = stop.clone();
            threads::spawn(name, move || run(runtime, &stop))?;
            Ok(workers)
        })
    }

    /// Runs it on the thread that has least to do. That counts no more when `then` is called.
    pub(super) fn spawn<F, T>(
        &self,
        future: F,
        then: impl FnOnce(F::Output) -> T + Send + 'static,
    ) -> Result<JoinHandle<T>>
    where
        F: Future + Send + 'static,
        F::Output: Send,
        T: Send + 'static,
    {
        let (handle, load) = self.least()?;
        Ok(handle.spawn(async move {
            let output = future.await;
            drop(load);
            then(output)
        }))
    }

    /// Makes one of them this thread's runtime while the guard lives.
    pub(super) fn enter(&self) -> Result<EnterGuard<'_>> {
        Ok(self.least()?.0.enter())
    }

    fn least(&self) -> Result<(&Handle, Arc<()>)> {
        let _choosing = lock(&self.choosing);
        let load = |worker: &&Worker| Arc::strong_count(&worker.load);
        let worker = self.all.iter().min_by_key(load);
        let worker = worker.ok_or_else(|| Error::internal("an engine has a thread"))?;
        Ok((&worker.handle, Arc::clone(&worker.load)))
    }
}

#[allow(clippy::disallowed_methods, reason = "the thread is the runtime's own")]
fn run(runtime: Runtime, stop: &CancellationToken) {
    runtime.block_on(stop.cancelled());
    runtime.shutdown_background();
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn transfers_that_start_at_once_are_spread() {
        let workers = Workers::start(4, "test").unwrap();
        for _ in 0..200 {
            let taken: Vec<_> = thread::scope(|scope| {
                let start = || scope.spawn(|| workers.least().unwrap().1);
                let all: Vec<_> = (0..4).map(|_| start()).collect();
                all.into_iter().map(|each| each.join().unwrap()).collect()
            });
            let loads = workers.all.iter().map(|each| Arc::strong_count(&each.load));
            assert!(loads.max() == Some(2), "one has two, another none");
            drop(taken);
        }
    }
}
