//! Log records of native threads, kept until a Python thread comes by.
//!
//! A native thread that logged straight into Python would wait for the GIL, and a busy script
//! would stop the keep-alive. So records are queued and emitted by whoever calls in next.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::set_global_default;
use tracing::{Event, Level, Metadata, Subscriber};

use nfclease::text::Text;

/// One record for each decision; a process that never calls in loses the oldest.
const MOST_RECORDS: usize = 1000;
const MOST_BYTES: usize = 1024 * 1024;

static QUEUE: Mutex<Records> = Mutex::new(Records::new());

/// What each record has as attributes, empty where it is unknown.
const FIELDS: [&str; 4] = [
    "nfclease_lease",
    "nfclease_vm",
    "nfclease_file",
    "nfclease_host",
];

/// What a record says is escaped and bounded, whatever was put into it.
struct Owned {
    level: Level,
    target: &'static str,
    message: Text,
    fields: Vec<(&'static str, Text)>,
}

impl Owned {
    fn bytes(&self) -> usize {
        let field = |(_, value): &(&str, Text)| size_of::<(&str, Text)>() + value.len();
        size_of::<Self>()
            .saturating_add(self.message.len())
            .saturating_add(self.fields.iter().map(field).sum())
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

impl Subscriber for Queue {
    /// Our own records only: what HTTP and TLS libraries log holds URLs and headers.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() <= Level::INFO
            && metadata.target().starts_with("nfclease")
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn event(&self, event: &Event<'_>) {
        let mut record = Owned {
            level: *event.metadata().level(),
            target: event.metadata().target(),
            message: Text::default(),
            fields: Vec::new(),
        };
        event.record(&mut record);
        QUEUE
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(record);
    }

    // There are no spans.

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Owned {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = Text::of(format_args!("{value:?}"));
        match field.name() {
            "message" => self.message = text,
            name => self.fields.push((name, text)),
        }
    }
}

/// Becomes the process's subscriber; a second copy of the module leaves the first in place.
pub(super) fn install() {
    let _ = set_global_default(Queue);
}

/// Hands queued records to `logging`. What a handler raises comes out, as of a logging call.
pub(super) fn emit(py: Python<'_>) -> PyResult<()> {
    let mut queue = QUEUE.lock().unwrap_or_else(PoisonError::into_inner);
    let records = std::mem::replace(&mut *queue, Records::new()).kept;
    drop(queue);
    if records.is_empty() {
        return Ok(());
    }
    let logging = py.import("logging")?;
    let mut raised = Ok(());
    for record in records {
        raised = raised.and(hand_on(&logging, &record));
    }
    raised
}

fn hand_on(logging: &Bound<'_, PyModule>, record: &Owned) -> PyResult<()> {
    let py = logging.py();
    let name = record.target.replace("::", ".");
    let logger = logging.call_method1("getLogger", (&name,))?;
    let level = match record.level {
        Level::ERROR => 40,
        Level::WARN => 30,
        _ => 20,
    };
    if !logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
        return Ok(());
    }
    let extra = PyDict::new(py);
    for field in FIELDS {
        extra.set_item(field, "")?;
    }
    for (field, value) in &record.fields {
        extra.set_item(*field, value.as_str())?;
    }
    let (message, none) = (record.message.as_str(), py.None());
    let place = (
        &name,
        level,
        "",
        0,
        message,
        PyTuple::empty(py),
        &none,
        &none,
        extra,
    );
    let made = logger.call_method1("makeRecord", place)?;
    logger.call_method1("handle", (made,)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_bounded_in_records_and_in_bytes() {
        let mut queue = Records::new();
        for n in 0..20_000 {
            queue.push(Owned {
                level: Level::WARN,
                target: "nfclease",
                fields: vec![("nfclease_lease", "\u{1d54f}".repeat(10).into())],
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
