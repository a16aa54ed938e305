//! The handle of a running transfer.

use std::sync::Arc;

use pyo3::prelude::*;

use super::error::{failure_to_py, to_py};
use super::{asyncio, gil, log};
use nfclease::error::Error;
use nfclease::lease::Lease as CoreLease;
use nfclease::transfer::{Completed, Outcome, Transfer as CoreTransfer, Verified};

/// Bytes, checksum, checksum type, verified, seconds, attempts, checksum for a manifest file, what a
/// disk can hold and holds.
type Result = (
    u64,
    String,
    &'static str,
    &'static str,
    f64,
    u32,
    String,
    Option<(u64, Option<u64>)>,
);

#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Transfer {
    pub(super) lease: Arc<CoreLease>,
    pub(super) transfer: CoreTransfer,
}

#[pymethods]
impl Transfer {
    /// Waits for the end alone, and observes nothing of the outcome.
    #[pyo3(signature = (timeout=None))]
    fn wait_end(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        self.watch(py, timeout).map(|_| ())
    }

    /// The end as an awaitable of the running loop; watched only, so that nothing stops with it.
    fn ended<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let transfer = self.transfer.clone();
        asyncio::end_of(py, self.lease.engine(), async move {
            let _ = transfer.ended().await;
        })
    }

    /// The outcome; `None` while it runs. That observes nothing.
    fn peek(&self, py: Python<'_>) -> PyResult<Option<Result>> {
        let outcome = self.transfer.outcome();
        outcome.map(|outcome| result(py, &outcome)).transpose()
    }

    /// Somebody asks for the outcome, and may or may not observe it.
    fn set_asked(&self, py: Python<'_>) -> PyResult<()> {
        self.transfer.set_asked();
        log::emit(py)
    }

    /// Somebody observes the outcome: the lease's end does not raise a failure again.
    fn set_observed(&self) {
        self.transfer.set_observed();
    }

    fn done(&self) -> bool {
        self.transfer.outcome().is_some()
    }

    /// Whether it has ended without what it was to bring. That observes nothing.
    fn failed(&self) -> bool {
        matches!(self.transfer.outcome(), Some(Err(_)))
    }

    /// Whether it has ended because it was cancelled.
    fn cancelled(&self) -> bool {
        let outcome = self.transfer.outcome();
        matches!(outcome, Some(Err(failure)) if matches!(failure.error, Error::Cancelled))
    }

    /// Stops it; that is a failure that somebody has to observe.
    fn break_off(&self) {
        self.transfer.break_off();
    }

    /// What the user cancels needs not be observed at the end; what has failed before does.
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        let engine = self.lease.engine();
        engine.check().map_err(|error| to_py(py, &error))?;
        self.transfer.cancel();
        Ok(())
    }

    /// `NfcError.disk_key` of its failure, by which that is found.
    fn disk_key(&self) -> String {
        self.transfer.disk_key().into()
    }

    /// Bytes done, bytes in all or `None`, attempts.
    fn progress(&self) -> (u64, Option<u64>, u32) {
        let snapshot = self.transfer.progress();
        (snapshot.bytes_done, snapshot.bytes_total, snapshot.attempts)
    }
}

impl Transfer {
    fn watch(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Outcome>> {
        let engine = self.lease.engine();
        engine.check().map_err(|error| to_py(py, &error))?;
        if let Some(outcome) = self.transfer.outcome() {
            log::emit(py)?;
            return Ok(Some(outcome)); // whatever the timeout
        }
        let transfer = self.transfer.clone();
        let ended = async move { transfer.ended().await };
        gil::watch(py, engine, ended, timeout)
    }
}

fn result(py: Python<'_>, outcome: &Outcome) -> PyResult<Result> {
    match outcome {
        Ok(completed) => Ok(row(completed)),
        Err(failure) => Err(failure_to_py(py, failure)),
    }
}

pub(super) fn row(completed: &Completed) -> Result {
    let verified = match completed.verified {
        Verified::Manifest => "manifest",
        Verified::Stream => "stream",
    };
    let moved = &completed.moved;
    (
        moved.bytes,
        moved.checksum.clone(),
        moved.checksum_type.as_str(),
        verified,
        completed.seconds,
        completed.attempts,
        moved.file_checksum.clone().unwrap_or_default(),
        moved.content.map(|disk| (disk.capacity, disk.populated)),
    )
}
