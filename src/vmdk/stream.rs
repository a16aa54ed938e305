//! Is this stream a streamOptimized VMDK, and did it end where such a disk ends?
//!
//! A host that stops early at a grain boundary and closes cleanly leaves well-formed HTTP; only
//! the missing footer and end-of-stream marker tell.

use super::grains::Grains;

/// The unit of the format.
pub(crate) const SECTOR: usize = 512;

/// `gdOffset` of a stream whose grain directory comes last, followed by a footer.
const GD_AT_END: u64 = u64::MAX;

const MAGIC: &[u8] = b"KDMV";

/// Where the header has the sector of the grain directory.
const GD_OFFSET: usize = 56;

/// Where the header has the disk's and the grain's sectors, of 8 bytes each.
const CAPACITY_AND_GRAIN: std::ops::Range<usize> = 12..28;

/// Compressed grains and markers: what makes a sparse extent a stream.
const STREAM_FLAGS: u32 = 0x3_0000;

/// Why a stream is not a whole streamOptimized VMDK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Another format: asking again gives the same.
    Format(String),
    /// The right format, cut short.
    Cut(String),
    /// The right format, with a part that is wrong.
    Damaged(String),
}

/// When a stream has to be a whole disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Whatever its first bytes are.
    #[default]
    Always,
    /// When its first bytes are those of a disk: nobody said what it is.
    WhenItStartsSo,
    /// Never; its first bytes are kept.
    Never,
}

/// What a disk can hold, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Bytes of the disk, as its header says.
    pub capacity: u64,
    /// Bytes of it that the stream has a grain for; `None` where its markers cannot be followed.
    pub populated: Option<u64>,
}

/// Watches the first sector and keeps the last two.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamCheck {
    rule: Rule,
    head: Vec<u8>,
    tail: Vec<u8>,
    seen: u64,
    grains: Grains,
}

impl StreamCheck {
    /// A check of a stream that is about to begin.
    pub(crate) fn new(rule: Rule) -> Self {
        Self {
            rule,
            ..Self::default()
        }
    }

    /// Judges a stream of which only the ends are at hand: its first sector and its last two.
    pub(crate) fn judge(rule: Rule, head: &[u8], tail: &[u8], length: u64) -> Result<(), Flaw> {
        let mut check = Self::new(rule);
        check.update(head)?;
        check.tail = tail.to_vec();
        check.seen = length;
        check.finish()
    }

    /// Whether it is to be judged as a disk.
    pub(crate) fn is_disk(&self) -> bool {
        match self.rule {
            Rule::Always => true,
            Rule::WhenItStartsSo => self.head.starts_with(MAGIC),
            Rule::Never => false,
        }
    }

    /// What the disk holds, once all of it has come; `None` where it is not a disk.
    pub(crate) fn content(&self) -> Option<Content> {
        Some(Content {
            capacity: capacity(&self.head)?,
            populated: self.grains.populated(),
        })
    }

    /// The first bytes, one sector at most.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Looks at the next bytes; an error as soon as the header is wrong.
    pub(crate) fn update(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        if self.head.len() < SECTOR {
            let take = bytes.len().min(SECTOR.saturating_sub(self.head.len()));
            self.head.extend_from_slice(&bytes[..take]);
            if self.is_disk() {
                check_header(&self.head)?;
            }
        }
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        self.grains.update(bytes);
        if let Some(before) = bytes.len().checked_sub(2 * SECTOR) {
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[before..]);
        } else {
            self.tail.extend_from_slice(bytes);
            let excess = self.tail.len().saturating_sub(2 * SECTOR);
            self.tail.drain(..excess);
        }
        Ok(())
    }

    /// Judges the end of the stream.
    pub(crate) fn finish(&self) -> Result<(), Flaw> {
        if !self.is_disk() {
            return Ok(());
        }
        if self.head.len() < SECTOR {
            return Err(Flaw::Cut(format!(
                "only {} bytes, less than a header",
                self.seen
            )));
        }
        if !self.seen.is_multiple_of(SECTOR as u64) {
            return Err(Flaw::Cut("the size is not a multiple of 512".into()));
        }
        let (footer, end) = self.tail.split_at(self.tail.len().saturating_sub(SECTOR));
        if end.iter().any(|byte| *byte != 0) {
            return Err(Flaw::Cut("no end-of-stream marker".into()));
        }
        let mut directory = u64_at(&self.head, GD_OFFSET);
        if directory == GD_AT_END {
            if !footer.starts_with(MAGIC) {
                return Err(Flaw::Cut(
                    "no footer before the end-of-stream marker".into(),
                ));
            }
            if footer.get(CAPACITY_AND_GRAIN) != self.head.get(CAPACITY_AND_GRAIN) {
                return Err(Flaw::Cut("its footer is that of another disk".into()));
            }
            directory = u64_at(footer, GD_OFFSET);
        }
        let sectors = self.seen.checked_div(SECTOR as u64);
        if sectors.is_none_or(|sectors| directory >= sectors) {
            return Err(Flaw::Cut(format!(
                "its grain directory would be at sector {directory}, beyond its end"
            )));
        }
        Ok(())
    }
}

/// What the header of a sparse VMDK says that the disk can hold, in bytes.
pub(crate) fn capacity(head: &[u8]) -> Option<u64> {
    let known = head.starts_with(MAGIC) && head.len() >= CAPACITY_AND_GRAIN.end;
    known.then(|| u64_at(head, CAPACITY_AND_GRAIN.start).saturating_mul(SECTOR as u64))
}

fn check_header(head: &[u8]) -> Result<(), Flaw> {
    let magic = head.len().min(MAGIC.len());
    if head[..magic] != MAGIC[..magic] {
        let start: String = head
            .iter()
            .take(16)
            .map(|b| char::from(*b).escape_default().to_string())
            .collect();
        return Err(Flaw::Format(format!(
            "it starts with \"{start}\" instead of \"KDMV\""
        )));
    }
    if head.len() < SECTOR {
        return Ok(());
    }
    let version = u32_at(head, 4);
    if !(1..=3).contains(&version) {
        return Err(Flaw::Format(format!("version {version} is unknown")));
    }
    let flags = u32_at(head, 8);
    if flags & STREAM_FLAGS != STREAM_FLAGS {
        return Err(Flaw::Format(format!(
            "flags {flags:#x} lack compression and markers"
        )));
    }
    Ok(())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..at.saturating_add(4))
        .and_then(|b| b.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at.saturating_add(8))
        .and_then(|b| b.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> Vec<u8> {
        let mut header = vec![0u8; SECTOR];
        header[..4].copy_from_slice(b"KDMV");
        header[4] = 3;
        header[8..12].copy_from_slice(&0x3_0001u32.to_le_bytes());
        header[56..64].copy_from_slice(&GD_AT_END.to_le_bytes());
        let mut disk = header.clone();
        disk.extend(vec![7u8; 5 * SECTOR]);
        header[56..64].copy_from_slice(&4u64.to_le_bytes());
        disk.extend(header);
        disk.extend(vec![0u8; SECTOR]);
        disk
    }

    fn judge(bytes: &[u8], step: usize) -> Result<(), Flaw> {
        let mut check = StreamCheck::default();
        for piece in bytes.chunks(step) {
            check.update(piece)?;
        }
        check.finish()
    }

    #[test]
    fn whole_disk_in_any_split() {
        for step in [1, 3, 511, 512, 513, 1024, 1 << 20] {
            assert_eq!(judge(&disk(), step), Ok(()), "step {step}");
        }
    }

    #[test]
    fn every_cut_is_seen() {
        let disk = disk();
        for length in 0..disk.len() {
            assert!(
                matches!(judge(&disk[..length], 700), Err(Flaw::Cut(_))),
                "cut at {length}"
            );
        }
    }

    #[test]
    fn a_directory_beyond_the_end_is_a_cut() {
        let whole = disk();
        let footer = whole.len() - 2 * SECTOR;
        for at in [GD_OFFSET + 1, footer + GD_OFFSET + 1] {
            let mut changed = whole.clone();
            changed[at] ^= 0x55;
            assert!(matches!(judge(&changed, 700), Err(Flaw::Cut(_))), "{at}");
        }
        let mut other = whole;
        other[footer + CAPACITY_AND_GRAIN.start] ^= 1;
        assert!(matches!(judge(&other, 700), Err(Flaw::Cut(_))));
    }

    #[test]
    fn the_ends_are_enough() {
        let disk = disk();
        let ends = |length: usize| {
            let tail = length.saturating_sub(2 * SECTOR);
            let head = &disk[..length.min(SECTOR)];
            StreamCheck::judge(Rule::Always, head, &disk[tail..length], length as u64)
        };
        assert_eq!(ends(disk.len()), Ok(()));
        for length in (0..disk.len()).step_by(100) {
            assert!(ends(length).is_err(), "{length}");
        }
    }

    #[test]
    fn what_nobody_named_is_judged_by_its_first_bytes() {
        let half = &disk()[..3 * SECTOR];
        for (bytes, whole) in [(b"KD".as_slice(), true), (b"\0\0\0\0", true), (half, false)] {
            for step in [1, 3, 4096] {
                let mut check = StreamCheck::new(Rule::WhenItStartsSo);
                let judged = bytes
                    .chunks(step)
                    .try_for_each(|piece| check.update(piece))
                    .and_then(|()| check.finish());
                assert_eq!(judged.is_ok(), whole, "{bytes:?} in steps of {step}");
            }
        }
    }

    #[test]
    fn html_is_refused_at_once() {
        let mut check = StreamCheck::default();
        assert!(matches!(check.update(b"<htm"), Err(Flaw::Format(_))));
    }

    #[test]
    fn monolithic_sparse_is_refused() {
        let mut disk = disk();
        disk[10] = 0;
        assert!(matches!(judge(&disk, 4096), Err(Flaw::Format(_))));
    }
}
