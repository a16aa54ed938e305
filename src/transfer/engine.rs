//! The runtimes that own all work of the process, while a lease is open.

use std::convert::identity;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::EnterGuard;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use super::rate::RateLimit;
use super::workers::Workers;
use crate::error::{Error, Result};
use crate::sync::lock;
use crate::threads::{no_threads, reserve};

/// Digest and write run in the task itself, so that more threads than cores gain nothing; two at
/// least, so that one disk's fsync does not stop the others.
const FEWEST_THREADS: usize = 2;
const MOST_THREADS: usize = 8;

/// That of the process with this number, and whether it is being made there.
struct Shared {
    pid: u32,
    engine: Weak<Engine>,
    is_starting: bool,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared {
    pid: 0,
    engine: Weak::new(),
    is_starting: false,
});
/// Told when it is made, or cannot be.
static STARTED: Condvar = Condvar::new();

/// The most bytes per second of the process, 0 for no limit: each engine begins with it. Written under
/// the lock of [`SHARED`].
static RATE: AtomicU64 = AtomicU64::new(0);

/// Until an engine is made, or cannot be.
struct Starting;

impl Drop for Starting {
    fn drop(&mut self) {
        shared().is_starting = false;
        STARTED.notify_all();
    }
}

/// A forked child begins anew.
fn shared() -> MutexGuard<'static, Shared> {
    let mut shared = lock(&SHARED);
    let pid = std::process::id();
    if shared.pid != pid {
        shared.engine = Weak::new();
        (shared.pid, shared.is_starting) = (pid, false);
    }
    shared
}

fn rate_now() -> Option<u64> {
    Some(RATE.load(Ordering::Relaxed)).filter(|rate| *rate > 0)
}

/// Shared by all open leases, gone with the last of them.
///
/// Calls, endings and all waiting have a thread of their own: a file system that does not come back
/// holds the threads of the transfers, and the Abort must not wait for it.
#[derive(Debug)]
pub struct Engine {
    runtimes: Runtimes,
    /// Of all leases of the process. A forked child has an engine, and a limit, of its own.
    rate_limit: Arc<RateLimit>,
    pid: u32,
}

#[derive(Debug)]
struct Runtimes {
    transfers: Workers,
    control: Workers,
}

impl Engine {
    /// The process's engine. A forked child gets its own: threads do not survive a fork.
    pub fn shared() -> Result<Arc<Self>> {
        let is_starting = |shared: &mut Shared| shared.is_starting;
        let waited = STARTED.wait_while(shared(), is_starting);
        let mut starts = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = starts.engine.upgrade() {
            return Ok(engine);
        }
        // Made without the lock, and by one alone: many leases that open at once would all start
        // threads.
        starts.is_starting = true;
        drop(starts);
        let _starting = Starting;
        let made = Arc::new(Self::start()?);
        let mut shared = shared();
        made.rate_limit.set(rate_now());
        shared.engine = Arc::downgrade(&made);
        Ok(made)
    }

    fn start() -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(FEWEST_THREADS, usize::from);
        let threads = threads.clamp(FEWEST_THREADS, MOST_THREADS);
        // Those of both runtimes and the keep-alive's.
        reserve(threads.saturating_add(2))?;
        let start = |count, name| Workers::start(count, name).map_err(no_threads);
        Ok(Self {
            runtimes: Runtimes {
                transfers: start(threads, "nfclease-engine")?,
                control: start(1, "nfclease-control")?,
            },
            rate_limit: Arc::default(),
            pid: std::process::id(),
        })
    }

    /// Limits what all leases of the process move in a second, also what moves now. Returns what the
    /// limit was.
    pub(crate) fn set_rate(rate: Option<u64>) -> Option<u64> {
        let shared = shared();
        let before = rate_now();
        RATE.store(rate.unwrap_or_default(), Ordering::Relaxed);
        if let Some(engine) = shared.engine.upgrade() {
            engine.rate_limit.set(rate);
        }
        before
    }

    /// The limit that all leases of the process share.
    pub(crate) fn rate_limit(&self) -> &Arc<RateLimit> {
        &self.rate_limit
    }

    /// Runs a transfer to its end, watched or not. Refused in a forked child, where no thread is
    /// there to run it.
    pub fn transfer<F>(&self, future: F) -> Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.transfer_then(future, identity)
    }

    /// Runs a transfer, then calls `tell` with its output. The thread counts as free before `tell`
    /// is called, so a transfer that is started next gets the same thread, and can use its connection.
    pub(crate) fn transfer_then<F, T>(
        &self,
        future: F,
        tell: impl FnOnce(F::Output) -> T + Send + 'static,
    ) -> Result<JoinHandle<T>>
    where
        F: Future + Send + 'static,
        F::Output: Send,
        T: Send + 'static,
    {
        self.runtimes()?.transfers.spawn(future, tell)
    }

    /// Runs what touches no local file: a call, an ending, a wait. Refused as a transfer is.
    pub fn spawn<F>(&self, future: F) -> Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.runtimes()?.control.spawn(future, identity)
    }

    /// The same from within a transfer, which waits for it: connections for calls belong there.
    pub(crate) async fn call<F, T>(&self, future: F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let called = AbortOnDropHandle::new(self.spawn(future)?).await;
        called.map_err(|_| Error::internal("a call on the engine ends with an answer"))?
    }

    /// Makes it this thread's runtime while the guard lives, for code that brings none of its own.
    pub fn enter(&self) -> Result<EnterGuard<'_>> {
        self.runtimes()?.control.enter()
    }

    /// Refuses a forked child.
    pub fn check(&self) -> Result<()> {
        self.runtimes().map(|_| ())
    }

    fn runtimes(&self) -> Result<&Runtimes> {
        if self.pid != std::process::id() {
            return Err(Error::Forked);
        }
        Ok(&self.runtimes)
    }
}
