//! The two crossings: waiting for native work without the GIL, and doing a piece of Python work.

use std::future::Future;
use std::pin::pin;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use pyo3::prelude::*;

use super::crossing::Crossing;
use super::error::to_py;
use super::log;
use crate::error::{Error, Result};
use crate::lease::Lease;
use crate::soap::Reply;
use crate::transfer::Engine;

/// How long Ctrl-C may go unseen. `CPython` delivers signals only to a main thread that asks.
const SLICE: Duration = Duration::from_millis(50);

/// Runs a future on the engine and waits for it with the GIL released. A signal handler's exception
/// ends the wait, not the work.
pub(super) fn wait<F>(py: Python<'_>, engine: &Engine, future: F) -> PyResult<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (sender, mut answer) = sync_channel(1);
    let work = engine.spawn(async move {
        // Nobody listens after an interrupt.
        let _ = sender.send(future.await);
    });
    work.map_err(|error| to_py(py, &error))?;
    loop {
        let (channel, received) = blocking(py, move || {
            let received = answer.recv_timeout(SLICE);
            (answer, received)
        });
        answer = channel;
        log::emit(py)?;
        match received {
            Ok(output) => return Ok(output),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(to_py(
                    py,
                    &Error::internal("work on the engine ends with an answer"),
                ));
            }
        }
    }
}

/// One call on the waiting thread itself; `None` where that must not block.
pub(super) fn call(
    py: Python<'_>,
    lease: &Lease,
    what: &str,
    envelope: &[u8],
) -> PyResult<Option<Result<Reply>>> {
    let taken = lease.callers().take(lease.session());
    let Some(caller) = taken.map_err(|error| to_py(py, &error))? else {
        return Ok(None);
    };
    let reply = {
        let mut work = pin!(lease.invoke_over(caller.session(), what, envelope.to_vec()));
        loop {
            let done = blocking(py, || caller.run(work.as_mut(), SLICE));
            log::emit(py)?;
            match done.map_err(|error| to_py(py, &error))? {
                Some(reply) => break reply,
                None => py.check_signals()?,
            }
        }
    };
    lease.callers().put_back(caller);
    Ok(Some(reply))
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
