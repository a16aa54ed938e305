//! Calls that a thread waits for itself. Runtime and connection are the thread's own meanwhile, so
//! that no other thread has to be woken for an answer: half of what a short call costs.

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Result};
use crate::soap::Session;
use crate::sync::lock;

/// Callers that are kept for the next call, as many as pyvmomi keeps connections.
const MOST_IDLE: usize = 5;

/// The callers of a lease; more than one only when threads share the lease.
#[derive(Debug, Default)]
pub(super) struct Callers {
    /// Those that no thread uses now.
    idle: Mutex<Vec<Caller>>,
}

/// A runtime and a connection for one thread at a time.
#[derive(Debug)]
pub struct Caller {
    /// Its connections belong to this runtime.
    session: Session,
    /// Gone only while it is dropped.
    runtime: Option<Runtime>,
}

impl Callers {
    /// A caller for the thread that asks; `None` on a thread of a runtime, which must not block.
    pub(super) fn take(&self, session: &Session) -> Result<Option<Caller>> {
        if Handle::try_current().is_ok() {
            return Ok(None);
        }
        if let Some(caller) = self.idle().pop() {
            return Ok(Some(caller));
        }
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::io("<call>", e))?;
        Ok(Some(Caller {
            session: session.with_own_connections()?,
            runtime: Some(runtime),
        }))
    }

    /// Keeps it for the next call.
    pub(super) fn put_back(&self, caller: Caller) {
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE {
            idle.push(caller);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Caller>> {
        lock(&self.idle)
    }
}

impl Caller {
    /// The session, to be used in [`Caller::run`] only.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Runs a future on this thread, for so long; `None` when it is not done then.
    pub fn run<F: Future>(&self, future: F, slice: Duration) -> Result<Option<F::Output>> {
        let runtime = self
            .runtime
            .as_ref()
            .ok_or_else(|| Error::internal("a caller has its runtime until it is dropped"))?;
        #[allow(
            clippy::disallowed_methods,
            reason = "the thread is the caller's own, and of no runtime"
        )]
        Ok(runtime.block_on(async {
            // A look at the sockets first: the server may have closed an idle connection.
            tokio::task::yield_now().await;
            tokio::time::timeout(slice, future).await.ok()
        }))
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // May happen on a thread of the engine, where waiting is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
