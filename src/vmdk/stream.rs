//! Is this stream a streamOptimized VMDK, and did it end where such a disk ends?
//!
//! A host that stops early at a grain boundary and closes cleanly leaves well-formed HTTP; only
//! the missing footer and end-of-stream marker tell.

/// The unit of the format.
pub const SECTOR: usize = 512;

/// `gdOffset` of a stream whose grain directory comes last, followed by a footer.
const GD_AT_END: u64 = u64::MAX;

/// Compressed grains and markers: what makes a sparse extent a stream.
const STREAM_FLAGS: u32 = 0x3_0000;

/// Why a stream is not a whole streamOptimized VMDK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// Another format: asking again gives the same.
    Format(String),
    /// The right format, cut short.
    Cut(String),
}

/// Watches the first sector and keeps the last two.
#[derive(Default)]
pub struct StreamCheck {
    head: Vec<u8>,
    tail: Vec<u8>,
    seen: u64,
}

impl StreamCheck {
    /// Looks at the next bytes; an error as soon as the header is wrong.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        if self.head.len() < SECTOR {
            let take = bytes.len().min(SECTOR - self.head.len());
            self.head.extend_from_slice(&bytes[..take]);
            check_header(&self.head)?;
        }
        self.seen += bytes.len() as u64;
        if bytes.len() >= 2 * SECTOR {
            self.tail.clear();
            self.tail
                .extend_from_slice(&bytes[bytes.len() - 2 * SECTOR..]);
        } else {
            self.tail.extend_from_slice(bytes);
            let excess = self.tail.len().saturating_sub(2 * SECTOR);
            self.tail.drain(..excess);
        }
        Ok(())
    }

    /// Judges the end of the stream.
    pub fn finish(&self) -> Result<(), Flaw> {
        if self.head.len() < SECTOR {
            return Err(Flaw::Cut(format!(
                "only {} bytes, less than a header",
                self.seen
            )));
        }
        if !self.seen.is_multiple_of(SECTOR as u64) {
            return Err(Flaw::Cut("the size is no multiple of 512".into()));
        }
        let (footer, end) = self.tail.split_at(self.tail.len().saturating_sub(SECTOR));
        if end.iter().any(|byte| *byte != 0) {
            return Err(Flaw::Cut("no end-of-stream marker".into()));
        }
        if u64_at(&self.head, 56) == GD_AT_END && !footer.starts_with(b"KDMV") {
            return Err(Flaw::Cut(
                "no footer before the end-of-stream marker".into(),
            ));
        }
        Ok(())
    }
}

fn check_header(head: &[u8]) -> Result<(), Flaw> {
    let magic = head.len().min(4);
    if head[..magic] != b"KDMV"[..magic] {
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
        .get(at..at + 4)
        .and_then(|b| b.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..at + 8)
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
