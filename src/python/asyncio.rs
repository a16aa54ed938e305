//! The asyncio exit: work of the engine as an awaitable of the running loop.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pyo3::prelude::*;
use pyo3_async_runtimes::TaskLocals;
use pyo3_async_runtimes::generic::{self, ContextExt, JoinError, Runtime};

use super::crossing::Crossing;
use super::error::to_py;
use super::log;
use crate::transfer::Engine;

tokio::task_local! {
    static LOCALS: TaskLocals;
}

/// Runs a future on the engine; the answer is an `asyncio.Future`. Cancelling that drops the
/// future, so that it may only watch work, not do it.
pub(super) fn awaitable<'py, F, T>(
    py: Python<'py>,
    engine: &Arc<Engine>,
    future: F,
) -> PyResult<Bound<'py, PyAny>>
where
    F: Future<Output = PyResult<T>> + Send + 'static,
    T: for<'a> IntoPyObject<'a> + Send + 'static,
{
    let locals = TaskLocals::with_running_loop(py)?.copy_context(py)?;
    let _entered = engine.enter().map_err(|error| to_py(py, &error))?;
    let engine = Arc::clone(engine);
    generic::future_into_py_with_locals::<OnEngine, _, _>(py, locals, async move {
        let value = future.await?;
        let Some(crossing) = Crossing::try_start() else {
            return std::future::pending().await;
        };
        Ok(Answer {
            value,
            _crossing: crossing,
            _engine: engine,
        })
    })
}

/// A result that keeps its engine: a runtime that is gone would never hand it over to the loop.
struct Answer<T> {
    value: T,
    _crossing: Crossing,
    _engine: Arc<Engine>,
}

impl<'py, T: IntoPyObject<'py>> IntoPyObject<'py> for Answer<T> {
    type Target = T::Target;
    type Output = T::Output;
    type Error = T::Error;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        log::emit(py);
        self.value.into_pyobject(py)
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
        Handle(tokio::spawn(future))
    }

    fn spawn_blocking<F>(work: F) -> Handle
    where
        F: FnOnce() + Send + 'static,
    {
        Handle(tokio::task::spawn_blocking(work))
    }
}

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

struct Handle(tokio::task::JoinHandle<()>);

impl Future for Handle {
    type Output = Result<(), Failed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|joined| joined.map_err(Failed))
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
