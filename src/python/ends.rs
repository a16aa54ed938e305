//! The ends of transfers, for the one Python thread that calls back. It waits here without the GIL.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pyo3::prelude::*;

use super::error::to_py;
use super::transfer::Transfer;
use super::{gil, log};
use nfclease::sync::lock;

/// Where ends are told, by the numbers that they were asked for under.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Ends {
    told: Sender<u64>,
    ended: Mutex<Receiver<u64>>,
}

/// Tells when it is dropped, as it is too when an engine goes away.
struct Told(Sender<u64>, u64);

impl Drop for Told {
    fn drop(&mut self) {
        // Nobody may be listening any more.
        let _ = self.0.send(self.1);
    }
}

#[pymethods]
impl Ends {
    #[new]
    fn new() -> Self {
        let (told, ended) = channel();
        Self {
            told,
            ended: Mutex::new(ended),
        }
    }

    /// Tells this number once the transfer has ended; watches only, so that nothing stops with it.
    fn watch(&self, py: Python<'_>, transfer: &Transfer, number: u64) -> PyResult<()> {
        let told = Told(self.told.clone(), number);
        let watched = transfer.transfer.clone();
        let engine = Arc::clone(transfer.lease.engine());
        let spawned = engine.spawn(async move {
            let _ = watched.ended().await;
            drop(told);
        });
        spawned.map(|_| ()).map_err(|error| to_py(py, &error))
    }

    /// Ends the wait of `next`.
    fn wake(&self, number: u64) {
        let _ = self.told.send(number);
    }

    /// The next that has ended; `None` after so many seconds. One thread at a time.
    fn next(&self, py: Python<'_>, seconds: f64) -> PyResult<Option<u64>> {
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let next = gil::blocking(py, || {
            let ended = lock(&self.ended);
            ended.recv_timeout(limit).ok()
        });
        log::emit(py)?;
        Ok(next)
    }
}
