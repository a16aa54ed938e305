//! Waiting without the GIL, and the way back to it, on which no thread may be when the interpreter
//! finalizes.
//!
//! Before Python 3.14 a daemon thread that asks for the GIL then is ended inside that call, by
//! unwinding our frames; where the unwinder is not the one we are linked with, that is a crash.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::error::to_py;
use super::log;
use nfclease::error::{Error, Result};
use nfclease::lease::Lease;
use nfclease::soap::Reply;
use nfclease::transfer::Engine;
use nfclease::transfer::panics::{caught, caught_here};

/// How long Ctrl-C may go unseen. `CPython` delivers signals only to a main thread that asks.
const SLICE: Duration = Duration::from_millis(50);

/// A thread that an `atexit` handler joins must come back in the end; a finalizing process is gone
/// by then.
const STAND_STILL: Duration = Duration::from_secs(3);

/// Between two looks whether anybody is on it.
const POLL: Duration = Duration::from_millis(1);

// No lock: a forked child must not inherit a held one.
static ON_THE_WAY: AtomicUsize = AtomicUsize::new(0);
static CLOSED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static EXITS: Cell<bool> = const { Cell::new(false) };
}

/// Runs a future on the engine and waits for it with the GIL released. A signal handler's exception
/// ends the wait, not the work.
pub(super) fn wait<F>(py: Python<'_>, engine: &Engine, future: F) -> PyResult<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    wait_until(py, engine, future, None)?.ok_or_else(|| lost(py))
}

/// The same for at most some seconds; `None` after them, and the future is dropped: it may only
/// watch. The caller's clock decides, so that an engine that stands still holds up nobody.
pub(super) fn watch<F>(
    py: Python<'_>,
    engine: &Engine,
    future: F,
    seconds: Option<f64>,
) -> PyResult<Option<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let limit = |seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    let until = seconds
        .and_then(limit)
        .and_then(|limit| Instant::now().checked_add(limit));
    wait_until(py, engine, future, until)
}

fn wait_until<F>(
    py: Python<'_>,
    engine: &Engine,
    future: F,
    until: Option<Instant>,
) -> PyResult<Option<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (sender, mut answer) = sync_channel(1);
    let work = engine.spawn(async move {
        // Nobody listens after an interrupt.
        let _ = sender.send(caught(future).await);
    });
    let work = work.map_err(|error| to_py(py, &error))?;
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let slice = left.unwrap_or(SLICE).min(SLICE);
        let (channel, received) = blocking(py, move || {
            let received = answer.recv_timeout(slice);
            (answer, received)
        });
        answer = channel;
        log::emit(py)?;
        match received {
            Ok(Ok(output)) => return Ok(Some(output)),
            Ok(Err(panic)) => return Err(to_py(py, &panic)),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => return Err(lost(py)),
        }
        if left.is_some_and(|left| left <= slice) {
            work.abort();
            return Ok(None);
        }
    }
}

/// The error of work that went without an answer.
pub(super) fn lost(py: Python<'_>) -> PyErr {
    to_py(
        py,
        &Error::internal("work on the engine ends with an answer"),
    )
}

/// One call on the waiting thread itself; `None` where that must not block.
pub(super) fn call(
    py: Python<'_>,
    lease: &Lease,
    what: &str,
    envelope: &[u8],
) -> PyResult<Option<Result<Reply>>> {
    let Some(caller) = lease.caller().map_err(|error| to_py(py, &error))? else {
        return Ok(None);
    };
    let reply = {
        let mut work = pin!(lease.invoke_over(caller.session(), what, envelope.to_vec()));
        loop {
            let done = guarded(py, || caller.run(work.as_mut(), SLICE));
            log::emit(py)?;
            match done? {
                Some(reply) => break reply,
                None => py.check_signals()?,
            }
        }
    };
    lease.keep(caller);
    Ok(Some(reply))
}

/// Runs blocking local work with the GIL released; a panic in it is an `InternalError`, which a
/// script's `except Exception` sees.
pub(super) fn guarded<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    blocking(py, || caught_here(work)).map_err(|error| to_py(py, &error))
}

/// Runs blocking local work with the GIL released.
pub(super) fn blocking<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is where the GIL is released"
    )]
    let (output, _crossing) = py.detach(|| {
        let output = work();
        (output, Crossing::start())
    });
    output
}

/// A thread on its way, from before it asks for the GIL until it has it or is done with it.
#[must_use]
pub(super) struct Crossing(());

impl Crossing {
    fn counted() -> Self {
        ON_THE_WAY.fetch_add(1, Ordering::SeqCst);
        Self(())
    }

    /// Starts on the way; stands still first where it is closed.
    pub(super) fn start() -> Self {
        Self::try_start().unwrap_or_else(|| {
            thread::sleep(STAND_STILL);
            Self::counted()
        })
    }

    /// Starts on the way unless it is closed.
    pub(super) fn try_start() -> Option<Self> {
        // Counted first: `close` either sees the count or is seen.
        let crossing = Self::counted();
        (!CLOSED.load(Ordering::SeqCst) || EXITS.get()).then_some(crossing)
    }
}

impl Drop for Crossing {
    fn drop(&mut self) {
        ON_THE_WAY.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The threads that were on the way are the parent's, and are not there in a forked child.
pub(super) fn forget_others() {
    ON_THE_WAY.store(0, Ordering::SeqCst);
}

/// Closes the way for every thread but the calling one, and waits until nobody is on it.
pub(super) fn close(timeout: Duration) {
    EXITS.set(true);
    CLOSED.store(true, Ordering::SeqCst);
    let until = Instant::now() + timeout;
    while ON_THE_WAY.load(Ordering::SeqCst) > 0 && Instant::now() < until {
        thread::sleep(POLL);
    }
}
