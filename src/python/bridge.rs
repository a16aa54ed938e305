//! The two crossings: waiting for native work without the GIL, and doing a piece of Python work.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::crossing::Crossing;
use super::error::to_py;
use super::log;
use nfclease::error::{Error, Result};
use nfclease::lease::Lease;
use nfclease::soap::Reply;
use nfclease::transfer::Engine;
use nfclease::transfer::panics::{caught, caught_here};

/// How long Ctrl-C may go unseen. `CPython` delivers signals only to a main thread that asks.
const SLICE: Duration = Duration::from_millis(50);

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
