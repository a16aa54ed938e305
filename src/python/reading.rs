//! A file of a package that is read to its end, in a thread of its own.

use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use tokio::sync::oneshot;

use super::error::to_py;
use super::work::Work;
use nfclease::error::{Error, Result};
use nfclease::ovf::{Checked, FileCheck, Watched};
use nfclease::sync::lock;
use nfclease::threads;
use nfclease::transfer::Engine;
use nfclease::transfer::panics::caught_here;

/// Its outcome is that of `work`: `([(name, size, [sum])], flaw)`.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Reading {
    watched: Arc<Watched>,
    length: u64,
    work: Mutex<Option<Work>>,
}

type Found = (Vec<(String, u64, Vec<String>)>, Option<String>);

impl Reading {
    pub(super) fn start(py: Python<'_>, check: FileCheck) -> PyResult<Self> {
        let watched = Arc::new(Watched::default());
        let length = check.length();
        let work = start(py, check, &watched, found)?;
        Ok(Self {
            watched,
            length,
            work: Mutex::new(Some(work)),
        })
    }
}

#[pymethods]
impl Reading {
    /// What is waited for; taken once.
    fn work(&self, py: Python<'_>) -> PyResult<Work> {
        let work = lock(&self.work).take();
        work.ok_or_else(|| to_py(py, &Error::internal("a reading is waited for once")))
    }

    /// Bytes read so far.
    fn seen(&self) -> u64 {
        self.watched.seen()
    }

    /// Bytes to be read in all.
    fn length(&self) -> u64 {
        self.length
    }

    /// Whether the outcome can be had without a wait.
    fn ended(&self) -> bool {
        self.watched.has_ended()
    }

    /// Ends it soon.
    fn cancel(&self) {
        self.watched.stop();
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.watched.stop();
    }
}

/// The first sum of the first piece alone.
pub(super) fn digest(py: Python<'_>, check: FileCheck) -> PyResult<Work> {
    start(py, check, &Arc::default(), |checked| {
        let mut sums = checked.pieces.into_iter().flat_map(|piece| piece.sums);
        sums.next().unwrap_or_default()
    })
}

fn found(checked: Checked) -> Found {
    let pieces = checked.pieces.into_iter();
    let rows = pieces.map(|piece| (piece.name, piece.size, piece.sums));
    (rows.collect(), checked.flaw)
}

fn start<R>(
    py: Python<'_>,
    check: FileCheck,
    watched: &Arc<Watched>,
    finish: fn(Checked) -> R,
) -> PyResult<Work>
where
    R: for<'py> IntoPyObject<'py> + 'static,
{
    let engine = Engine::shared().map_err(|error| to_py(py, &error))?;
    let (told, end) = oneshot::channel::<Result<Checked>>();
    let watched = Arc::clone(watched);
    let run = move || {
        // Nobody may be listening any more.
        let _ = told.send(caught_here(|| check.run(&watched)));
        watched.end();
    };
    threads::spawn("nfclease-check", run)
        .map_err(|error| to_py(py, &Error::io("<native threads>", error)))?;
    let lost = |_| Err(Error::internal("a check ends with an answer"));
    Work::start(
        py,
        &engine,
        async move { end.await.unwrap_or_else(lost) },
        move |py, checked| checked.map(finish).map_err(|error| to_py(py, &error)),
    )
}
