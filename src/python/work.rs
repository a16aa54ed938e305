//! A piece of work that the engine has taken on, with two exits: a blocking wait and an awaitable.

use std::future::Future;
use std::sync::{Arc, Mutex};

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use tokio::sync::oneshot;

use super::error::to_py;
use super::{asyncio, gil, log};
use nfclease::error::Error;
use nfclease::sync::lock;
use nfclease::transfer::Engine;
use nfclease::transfer::panics::caught;

/// Makes the result Python's, where the GIL is held anyway.
type Finish = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// Runs to its end, watched or not; it can be waited for once.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Work {
    engine: Arc<Engine>,
    end: Mutex<Option<oneshot::Receiver<Finish>>>,
    /// Its outcome, between its end and the coroutine that asks.
    ended: Arc<Mutex<Option<Finish>>>,
}

impl Work {
    /// Starts it; `finish` makes Python's object or exception of its outcome.
    pub(super) fn start<F, R>(
        py: Python<'_>,
        engine: &Arc<Engine>,
        future: F,
        finish: impl FnOnce(Python<'_>, F::Output) -> PyResult<R> + Send + 'static,
    ) -> PyResult<Self>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
        R: for<'py> IntoPyObject<'py>,
    {
        let (sender, end) = oneshot::channel();
        let started = engine.spawn(async move {
            let made: Finish = match caught(future).await {
                Ok(output) => Box::new(move |py| finish(py, output)?.into_py_any(py)),
                Err(panic) => Box::new(move |py| Err(to_py(py, &panic))),
            };
            // Nobody may be listening any more.
            let _ = sender.send(made);
        });
        started.map_err(|error| to_py(py, &error))?;
        Ok(Self {
            engine: Arc::clone(engine),
            end: Mutex::new(Some(end)),
            ended: Arc::default(),
        })
    }

    fn take(&self, py: Python<'_>) -> PyResult<oneshot::Receiver<Finish>> {
        taken(&self.end).ok_or_else(|| to_py(py, &Error::internal("work is waited for once")))
    }
}

#[pymethods]
impl Work {
    /// Waits with the GIL released; a signal handler's exception ends the wait, not the work, and so
    /// do `timeout` seconds: `None` after them.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Py<PyAny>> {
        let end = self.take(py)?;
        match gil::watch(py, &self.engine, end, timeout)? {
            None => Ok(py.None()),
            Some(Ok(finish)) => finish(py),
            Some(Err(_)) => Err(gil::lost(py)),
        }
    }

    /// The end as an awaitable of the running loop; cancelling it leaves the work alone.
    fn ended<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (end, ended) = (self.take(py)?, Arc::clone(&self.ended));
        asyncio::end_of(py, &self.engine, async move {
            *lock(&ended) = end.await.ok();
        })
    }

    /// Its outcome, after its end was awaited.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        log::emit(py)?;
        match taken(&self.ended) {
            Some(finish) => finish(py),
            None => Err(gil::lost(py)),
        }
    }
}

fn taken<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    lock(slot).take()
}
