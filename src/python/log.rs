//! Log records of native threads, kept until a Python thread comes by.
//!
//! A native thread that logged straight into Python would wait for the GIL, and a busy script
//! would stop the keep-alive. So records are queued and emitted by whoever calls in next.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use ::log::{Level, LevelFilter, Log, Metadata, Record};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3_log::{Caching, Logger};

/// One record for each decision; a process that never calls in loses the oldest.
const MOST_RECORDS: usize = 1000;

static QUEUE: Mutex<VecDeque<Owned>> = Mutex::new(VecDeque::new());
static LOGGER: PyOnceLock<Logger> = PyOnceLock::new();

struct Owned {
    level: Level,
    target: String,
    message: String,
}

struct Queue;

impl Log for Queue {
    /// Our own records only: what HTTP and TLS libraries log holds URLs and headers.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Info && metadata.target().starts_with("nfclease")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() == MOST_RECORDS {
            queue.pop_front();
        }
        queue.push_back(Owned {
            level: record.level(),
            target: record.target().to_owned(),
            message: record.args().to_string(),
        });
    }

    fn flush(&self) {}
}

/// Becomes the process's `log` sink; a second copy of the module leaves the first in place.
pub(super) fn install() {
    if ::log::set_logger(&Queue).is_ok() {
        ::log::set_max_level(LevelFilter::Info);
    }
}

/// Hands queued records to `logging`. What a handler raises comes out, as of a logging call.
pub(super) fn emit(py: Python<'_>) -> PyResult<()> {
    let records = std::mem::take(&mut *QUEUE.lock().unwrap_or_else(PoisonError::into_inner));
    if records.is_empty() {
        return Ok(());
    }
    let logger = LOGGER.get_or_try_init(py, || Logger::new(py, Caching::Nothing))?;
    let mut raised = Ok(());
    for record in records {
        logger.log(
            &Record::builder()
                .level(record.level)
                .target(&record.target)
                .args(format_args!("{}", record.message))
                .build(),
        );
        // The `Log` trait cannot return it; left set it would make an error of any later call.
        if let Some(error) = PyErr::take(py) {
            raised = raised.and(Err(error));
        }
    }
    raised
}
