//! Log records, kept until somebody comes by who can emit them.
//!
//! A native thread that logged straight into Python would wait for the GIL, and a busy script
//! would stop the keep-alive. So records are queued, and the next call from Python takes them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::set_global_default;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::sync::lock;
use crate::text::{Text, message};

/// One record for each decision; a process that never calls in loses the oldest.
const MOST_RECORDS: usize = 1000;
const MOST_BYTES: usize = 1024 * 1024;

static QUEUE: Mutex<Records> = Mutex::new(Records::new());

/// What a record says, escaped and bounded, whatever was put into it.
pub struct Said {
    /// How much it matters.
    pub level: Level,
    /// The module it comes from.
    pub target: &'static str,
    /// What happened.
    pub message: Text,
    /// What it is about, as [`crate::text::Place`] names it.
    pub fields: Vec<(&'static str, Text)>,
}

impl Said {
    fn bytes(&self) -> usize {
        let field = |(_, value): &(&str, Text)| size_of::<(&str, Text)>() + value.len();
        size_of::<Self>()
            .saturating_add(self.message.len())
            .saturating_add(self.fields.iter().map(field).sum())
    }
}

/// The newest records, bounded in number and in bytes.
struct Records {
    kept: VecDeque<Said>,
    bytes: usize,
}

impl Records {
    const fn new() -> Self {
        Self {
            kept: VecDeque::new(),
            bytes: 0,
        }
    }

    fn push(&mut self, record: Said) {
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
        let mut record = Said {
            level: *event.metadata().level(),
            target: event.metadata().target(),
            message: Text::default(),
            fields: Vec::new(),
        };
        event.record(&mut record);
        lock(&QUEUE).push(record);
    }

    // Spans are not used.

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let said = format_args!("{value:?}");
        match field.name() {
            "message" => self.message = message(said).into(),
            name => self.fields.push((name, Text::of(said))),
        }
    }
}

/// Becomes the process's subscriber, unless it has one already.
pub fn install() {
    let _ = set_global_default(Queue);
}

/// The records since the last call, oldest first.
pub fn take() -> VecDeque<Said> {
    let mut queue = lock(&QUEUE);
    std::mem::replace(&mut *queue, Records::new()).kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{LONGEST_MESSAGE, Place, said_at};

    #[test]
    fn a_record_is_as_long_as_a_message_may_be() {
        let long = "\u{202e}".repeat(1 << 12);
        let place = Place {
            vm: long.as_str().into(),
            ..Place::default()
        };
        tracing::subscriber::with_default(Queue, || {
            said_at!(warn, place, "first {long} last");
        });
        let said = take();
        let record = said.iter().find(|said| said.message.starts_with("first "));
        let record = record.unwrap();
        assert!(record.message.ends_with(" last"), "{}", record.message);
        let vm = record.fields.iter().map(|(_, value)| value);
        for text in vm.chain([&record.message]) {
            assert!(text.chars().count() <= LONGEST_MESSAGE, "{text}");
        }
    }

    #[test]
    fn the_queue_is_bounded_in_records_and_in_bytes() {
        let mut queue = Records::new();
        for n in 0..20_000 {
            queue.push(Said {
                level: Level::WARN,
                target: "nfclease",
                fields: vec![("nfclease_lease", "\u{1d54f}".repeat(10).into())],
                message: format!("{n} {}", "\u{1d54f}".repeat(1 << 10)).into(),
            });
            assert!(queue.bytes <= MOST_BYTES && queue.kept.len() <= MOST_RECORDS);
        }
        let bytes: usize = queue.kept.iter().map(Said::bytes).sum();
        assert_eq!(bytes, queue.bytes);
        assert!(
            queue
                .kept
                .back()
                .is_some_and(|last| last.message.starts_with("19999 "))
        );
    }
}
