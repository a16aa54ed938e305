//! Is the source of an upload what its descriptor and its device say?

use std::sync::{Arc, OnceLock};

use super::format::{Depth, DiskCheck, Format};
use crate::error::{Error, Result};
use crate::io::source::Ends;
use crate::io::{Cost, Source};
use crate::text::{Place, said_at};
use crate::vmdk::{Content, Flaw, Rule, StreamCheck, stream};

/// Whether a source must be as long as its descriptor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifySize {
    /// Yes.
    Yes,
    /// No: a difference is only logged.
    No,
}

impl From<bool> for VerifySize {
    fn from(verify: bool) -> Self {
        if verify { Self::Yes } else { Self::No }
    }
}

/// A capacity is a whole number of these; the size of a stream hardly ever is.
const CAPACITY_UNIT: u64 = 1024 * 1024;

/// What is known of a source before it is read.
#[derive(Debug, Clone)]
pub struct Described {
    /// What it must be.
    pub format: Format,
    /// How closely a disk is looked at.
    pub depth: Depth,
    /// `OvfManager.FileItem.size`.
    pub size: Option<u64>,
    /// Whether another size is an error.
    pub verify_size: VerifySize,
    /// What all disks of the lease can hold; 0 where the server did not say.
    pub capacity: u64,
}

impl Described {
    /// Nothing is known, and anything is taken.
    pub fn as_anything() -> Self {
        Self {
            format: Format::Any,
            depth: Depth::Ends,
            size: None,
            verify_size: VerifySize::No,
            capacity: 0,
        }
    }
}

/// The checks of one source: at its ends beforehand where they are at hand, else as it is read.
#[derive(Debug)]
pub struct SourceCheck {
    /// The upload in the reader's words.
    what: Arc<str>,
    /// What log records of it are about.
    place: Arc<Place>,
    /// What it is compared with. Its size is taken out once a difference was logged.
    described: Described,
    /// What is announced to the host: the last byte of a wrong source is held back by it.
    length: u64,
    /// Judges the framing in passing, where not anything is taken, and finds out what a disk holds.
    disk: DiskCheck,
    /// Bytes that were judged so far.
    seen: u64,
    /// Where it is said what the disk holds, once all of it was seen.
    content: Arc<OnceLock<Content>>,
}

impl SourceCheck {
    /// The checks of a source of this length.
    pub fn new(what: Arc<str>, place: Arc<Place>, described: Described, length: u64) -> Self {
        let rule = described.format.rule().unwrap_or(Rule::Never);
        Self {
            disk: DiskCheck::new(rule, described.depth),
            what,
            place,
            described,
            length,
            seen: 0,
            content: Arc::default(),
        }
    }

    /// The check of one attempt, and where it leaves what the disk holds.
    pub(super) fn begin(&self) -> (Self, Arc<OnceLock<Content>>) {
        let (what, place) = (Arc::clone(&self.what), Arc::clone(&self.place));
        let check = Self::new(what, place, self.described.clone(), self.length);
        let content = Arc::clone(&check.content);
        (check, content)
    }

    /// Judges the source before anything is sent; without its ends, as far as that goes. Says
    /// whether it starts as a disk.
    pub(crate) fn look(&mut self, ends: Option<&Ends>) -> Result<bool> {
        if self.length == 0 && self.described.format == Format::StreamOptimized {
            return Err(self.malformed("it is empty".into()));
        }
        let Some(ends) = ends else { return Ok(false) };
        self.check_size(&ends.head)?;
        if let Some(rule) = self.described.format.rule() {
            StreamCheck::judge(rule, &ends.head, &ends.tail, self.length)
                .map_err(|flaw| self.flawed(flaw))?;
        }
        Ok(stream::capacity(&ends.head).is_some())
    }

    /// Judges a source before its upload is there, and gives what the disk in it can hold. What must be
    /// a disk is worth a request to where it is.
    pub fn look_ahead(&mut self, source: &dyn Source) -> Result<Option<u64>> {
        let must_be_disk = self.described.format == Format::StreamOptimized;
        let most = if must_be_disk {
            Cost::Request
        } else {
            Cost::Nothing
        };
        let ends = source.ends(most)?;
        self.look(ends.as_ref())?;
        Ok(ends.and_then(|ends| stream::capacity(&ends.head)))
    }

    /// Judges the next bytes before they are sent.
    pub(crate) fn update(&mut self, bytes: &[u8]) -> Result<()> {
        if self.seen == 0 {
            self.check_size(bytes)?;
        }
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        let is_last = self.seen >= self.length;
        let mut judged = self.disk.update(bytes);
        if is_last && judged.is_ok() {
            judged = self.disk.finish();
            if let Some(content) = self.disk.content() {
                let _ = self.content.set(content);
            }
        }
        judged.map_err(|flaw| self.flawed(flaw))
    }

    /// Some descriptors state what a disk can hold, or what all of them can, in place of the file's
    /// size.
    fn check_size(&mut self, head: &[u8]) -> Result<()> {
        let Some(expected) = self.described.size.take_if(|size| *size != self.length) else {
            return Ok(());
        };
        let own = stream::capacity(head);
        let is_capacity = expected == self.described.capacity
            || own.is_some_and(|own| {
                expected == own || (expected > own && expected.is_multiple_of(CAPACITY_UNIT))
            });
        let what = &self.what;
        if is_capacity || self.described.verify_size == VerifySize::No {
            let length = self.length;
            said_at!(
                warn,
                self.place,
                "{what}: its descriptor says {expected} bytes, the source has {length}"
            );
            return Ok(());
        }
        Err(Error::DescribedSize {
            what: what.into(),
            expected,
            actual: self.length,
        })
    }

    fn flawed(&self, flaw: Flaw) -> Error {
        match flaw {
            Flaw::Format(reason) => self.malformed(reason),
            Flaw::Cut(reason) => self.malformed(format!("it is not whole: {reason}")),
            Flaw::Damaged(reason) => Error::DamagedDisk {
                what: (&self.what).into(),
                reason: reason.into(),
            },
        }
    }

    fn malformed(&self, reason: String) -> Error {
        Error::DiskFormat {
            what: (&self.what).into(),
            reason: reason.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISK: u64 = 4 << 20;

    fn header() -> Vec<u8> {
        let mut head = vec![0u8; 512];
        head[..4].copy_from_slice(b"KDMV");
        head[12..20].copy_from_slice(&(DISK / 512).to_le_bytes());
        head
    }

    fn judge(size: Option<u64>, verify_size: VerifySize, head: &[u8]) -> Result<()> {
        let described = Described {
            format: Format::Any,
            depth: Depth::Ends,
            size,
            verify_size,
            capacity: 3 * DISK + 512,
        };
        SourceCheck::new("disk".into(), Arc::default(), described, 1000).update(head)
    }

    #[test]
    fn a_size_is_the_file_s_or_a_capacity() {
        let (yes, head) = (VerifySize::Yes, header());
        let capacities = [DISK, 2 * DISK, 1 << 40, 3 * DISK + 512];
        for size in [None, Some(1000)].into_iter().chain(capacities.map(Some)) {
            assert!(judge(size, yes, &head).is_ok(), "{size:?}");
        }
        for size in [
            999,
            1001,
            500,
            DISK - 512,
            DISK / 2,
            DISK + 512,
            2 * DISK + 1,
        ] {
            assert!(
                matches!(
                    judge(Some(size), yes, &head),
                    Err(Error::DescribedSize { expected, actual: 1000, .. }) if expected == size
                ),
                "{size}"
            );
            assert!(judge(Some(size), VerifySize::No, &head).is_ok());
        }
    }

    #[test]
    fn a_file_that_is_no_disk_has_no_capacity() {
        assert!(judge(Some(DISK), VerifySize::Yes, b"\0\0\0\0").is_err());
        assert!(judge(Some(3 * DISK + 512), VerifySize::Yes, b"").is_ok());
    }
}
