//! What is wrong with a disk's stream, where, and which sectors of the disk it touches.

use std::fmt;
use std::ops::Range;

/// What kind of thing is wrong: what helps differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// Another format, or one that nobody reads.
    Format,
    /// It ends too early.
    Cut,
    /// Bytes were changed, or written wrongly.
    Damaged,
}

/// The first thing that is wrong with a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// Where in the stream, in bytes.
    pub offset: u64,
    /// Which sectors of the disk it touches, as far as that is known.
    pub sectors: Option<Range<u64>>,
    /// In words.
    pub reason: Box<str>,
}

impl Finding {
    fn new(kind: FindingKind, offset: u64, reason: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            offset,
            sectors: None,
            reason: reason.into(),
        }
    }

    pub(crate) fn format(offset: u64, reason: impl Into<Box<str>>) -> Self {
        Self::new(FindingKind::Format, offset, reason)
    }

    pub(crate) fn cut(offset: u64, reason: impl Into<Box<str>>) -> Self {
        Self::new(FindingKind::Cut, offset, reason)
    }

    pub(crate) fn damaged(offset: u64, reason: impl Into<Box<str>>) -> Self {
        Self::new(FindingKind::Damaged, offset, reason)
    }

    /// What is wrong with the data of a grain, whose marker is at this byte.
    pub(crate) fn grain(offset: u64, sectors: Range<u64>, reason: &str) -> Self {
        let reason = format!("the grain of sector {} is wrong: {reason}", sectors.start);
        Self::damaged(offset, reason).of_sectors(sectors)
    }

    pub(crate) fn of_sectors(self, sectors: Range<u64>) -> Self {
        let sectors = Some(sectors);
        Self { sectors, ..self }
    }
}

/// A finding without its kind: what is wrong, and where.
pub(crate) struct Placed<'a>(&'a Finding);

impl Finding {
    /// Its text without what it means, for callers that have said that.
    pub(crate) fn place(&self) -> Placed<'_> {
        Placed(self)
    }
}

impl fmt::Display for Placed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { reason, offset, .. } = self.0;
        write!(f, "{reason} (at byte {offset}")?;
        if let Some(Range { start, end }) = &self.0.sectors {
            write!(
                f,
                ", sectors {start} to {} of the disk",
                end.saturating_sub(1)
            )?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = match self.kind {
            FindingKind::Format => "it is not a streamOptimized VMDK",
            FindingKind::Cut => "it is not whole",
            FindingKind::Damaged => "it is damaged",
        };
        write!(f, "{start}: {}", self.place())
    }
}
