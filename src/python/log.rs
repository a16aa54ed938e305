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

use crate::text::Text;

/// One record for each decision; a process that never calls in loses the oldest.
const MOST_RECORDS: usize = 1000;
const MOST_BYTES: usize = 1024 * 1024;

static QUEUE: Mutex<Records> = Mutex::new(Records::new());
static LOGGER: PyOnceLock<Logger> = PyOnceLock::new();

/// What a record says is escaped and bounded, whatever was put into it.
struct Owned {
    level: Level,
    target: String,
    message: Text,
}

impl Owned {
    fn bytes(&self) -> usize {
        size_of::<Self>()
            .saturating_add(self.target.len())
            .saturating_add(self.message.len())
    }
}

/// The newest records, bounded in number and in bytes.
struct Records {
    kept: VecDeque<Owned>,
    bytes: usize,
}

impl Records {
    const fn new() -> Self {
        Self {
            kept: VecDeque::new(),
            bytes: 0,
        }
    }

    fn push(&mut self, record: Owned) {
        self.bytes = self.bytes.saturating_add(record.bytes());
        self.kept.push_back(record);
        while self.kept.len() > MOST_RECORDS || self.bytes > MOST_BYTES {
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
        }
    }
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
        queue.push(Owned {
            level: record.level(),
            target: record.target().to_owned(),
            message: Text::of(record.args()),
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
    let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
    let records = std::mem::replace(&mut *queue, Records::new()).kept;
    drop(queue);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_bounded_in_records_and_in_bytes() {
        let mut queue = Records::new();
        for n in 0..20_000 {
            queue.push(Owned {
                level: Level::Warn,
                target: "nfclease".into(),
                message: format!("{n} {}", "\u{1d54f}".repeat(1 << 10)).into(),
            });
            assert!(queue.bytes <= MOST_BYTES && queue.kept.len() <= MOST_RECORDS);
        }
        let bytes: usize = queue.kept.iter().map(Owned::bytes).sum();
        assert_eq!(bytes, queue.bytes);
        assert!(
            queue
                .kept
                .back()
                .is_some_and(|last| last.message.starts_with("19999 "))
        );
    }
}
