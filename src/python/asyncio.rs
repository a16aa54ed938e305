//! The asyncio exit: the end of work on the engine as an awaitable of the running loop.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyNone, PyTuple};
use pyo3_async_runtimes::TaskLocals;
use pyo3_async_runtimes::generic::{self, ContextExt, JoinError, Runtime};

use super::error::to_py;
use super::gil::Crossing;
use nfclease::threads::Pool;
use nfclease::transfer::Engine;

tokio::task_local! {
    static LOCALS: TaskLocals;
}

/// Runs a future on the engine; its end is an `asyncio.Future` of None. The coroutine that
/// waits asks for the outcome: an `asyncio.Future` takes no `StopIteration`, and cannot know
/// whether anybody read an error. Cancelling it drops the future, which may only watch work.
pub(super) fn end_of<'py>(
    py: Python<'py>,
    engine: &Arc<Engine>,
    future: impl Future<Output = ()> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let running = pyo3_async_runtimes::get_running_loop(py)?.unbind();
    let event_loop = Bound::new(py, EventLoop { running })?.into_any();
    let locals = TaskLocals::new(event_loop).copy_context(py)?;
    let _entered = engine.enter().map_err(|error| to_py(py, &error))?;
    let engine = Arc::clone(engine);
    generic::future_into_py_with_locals::<OnEngine, _, _>(py, locals, async move {
        future.await;
        Ok(End { _engine: engine })
    })
}

/// The caller's loop. Once it is closed, nobody tells it of an end.
#[pyclass(frozen, module = "nfclease._core")]
struct EventLoop {
    running: Py<PyAny>,
}

#[pymethods]
impl EventLoop {
    fn create_future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.running.bind(py).call_method0("create_future")
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn call_soon_threadsafe(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let running = self.running.bind(py);
        match running.call_method("call_soon_threadsafe", args, kwargs) {
            Err(_) if running.call_method0("is_closed")?.is_truthy()? => Ok(()),
            called => called.map(|_| ()),
        }
    }
}

/// An end that keeps its engine: a runtime that is gone would never hand it over to the loop.
struct End {
    _engine: Arc<Engine>,
}

impl<'py> IntoPyObject<'py> for End {
    type Target = PyNone;
    type Output = Borrowed<'py, 'py, PyNone>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        Ok(PyNone::get(py))
    }
}

/// The runtime that the calling thread has entered: the engine.
struct OnEngine;

impl Runtime for OnEngine {
    type JoinError = Failed;
    type JoinHandle = Handle;

    fn spawn<F>(future: F) -> Handle
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Handle(Some(tokio::spawn(future)))
    }

    fn spawn_blocking<F>(work: F) -> Handle
    where
        F: FnOnce() + Send + 'static,
    {
        // The work attaches to Python. Not a thread of the runtime's pool: where the system has none
        // left that one would never come, and nobody would hear of it; then it is done here.
        CROSSINGS.give(Box::new(|| {
            if let Some(_crossing) = Crossing::try_start() {
                work();
            }
        }));
        Handle(None)
    }
}

/// Hands ends over to their loops. With a thread for each, many transfers that end at once would be
/// many threads.
static CROSSINGS: Pool = Pool::of_one("nfclease-asyncio");

impl ContextExt for OnEngine {
    fn scope<F, R>(locals: TaskLocals, future: F) -> Pin<Box<dyn Future<Output = R> + Send>>
    where
        F: Future<Output = R> + Send + 'static,
    {
        Box::pin(LOCALS.scope(locals, future))
    }

    fn get_task_locals() -> Option<TaskLocals> {
        LOCALS.try_with(Clone::clone).ok()
    }
}

/// What runs in a thread of its own has none, and nobody waits for it.
struct Handle(Option<tokio::task::JoinHandle<()>>);

impl Future for Handle {
    type Output = Result<(), Failed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(task) => Pin::new(task).poll(cx).map(|joined| joined.map_err(Failed)),
            None => Poll::Ready(Ok(())),
        }
    }
}

struct Failed(tokio::task::JoinError);

impl JoinError for Failed {
    fn is_panic(&self) -> bool {
        self.0.is_panic()
    }

    fn into_panic(self) -> Box<dyn std::any::Any + Send + 'static> {
        self.0.into_panic()
    }
}
