//! The runtime that owns every transfer of the process, while a lease is open.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::error::{Error, Result};

/// Digest and write run in the task itself, so that more threads than cores gain nothing; two at
/// least, so that one disk's fsync does not stop the others.
const FEWEST_THREADS: usize = 2;
const MOST_THREADS: usize = 8;

static SHARED: Mutex<(u32, Weak<Engine>)> = Mutex::new((0, Weak::new()));

/// A multi-thread runtime, shared by all open leases, gone with the last of them.
#[derive(Debug)]
pub struct Engine {
    runtime: Option<Runtime>,
    pid: u32,
}

impl Engine {
    /// The process's engine. A forked child gets its own: threads do not survive a fork.
    pub fn shared() -> Result<Arc<Self>> {
        let pid = std::process::id();
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.0 == pid
            && let Some(engine) = shared.1.upgrade()
        {
            return Ok(engine);
        }
        let threads = std::thread::available_parallelism().map_or(FEWEST_THREADS, usize::from);
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.clamp(FEWEST_THREADS, MOST_THREADS))
            .thread_name("nfclease-engine")
            .enable_all()
            .build()
            .map_err(|e| Error::io("<engine threads>", e))?;
        let engine = Arc::new(Self {
            runtime: Some(runtime),
            pid,
        });
        *shared = (pid, Arc::downgrade(&engine));
        Ok(engine)
    }

    /// Runs a task to its end, whoever watches. Refused in a forked child, where no thread is
    /// there to run it.
    pub fn spawn<F>(&self, future: F) -> Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle().map(|handle| handle.spawn(future))
    }

    /// Makes it this thread's runtime while the guard lives, for code that brings none of its own.
    pub fn enter(&self) -> Result<EnterGuard<'_>> {
        self.handle().map(Handle::enter)
    }

    /// Refuses a forked child.
    pub fn check(&self) -> Result<()> {
        self.handle().map(|_| ())
    }

    fn handle(&self) -> Result<&Handle> {
        if self.pid != std::process::id() {
            return Err(Error::Forked);
        }
        self.runtime
            .as_ref()
            .map(Runtime::handle)
            .ok_or_else(|| Error::internal("the engine lives until it is dropped"))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // May happen on one of its own threads, where waiting for them would deadlock.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
