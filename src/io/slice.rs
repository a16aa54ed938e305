//! A part of stored bytes as what an upload sends: a member of an archive, without unpacking it.

use std::io::Read;
use std::sync::Arc;

use super::digest::ChecksumType;
use super::reader;
use super::source::{Ends, Feed, HEAD_BYTES, Source, TAIL_BYTES, Watch};
use super::stored::Stored;
use crate::error::Result;

/// So many bytes at one place of something stored. It can be sent again from its beginning.
pub struct SliceSource {
    stored: Arc<dyn Stored>,
    offset: u64,
    length: u64,
}

impl SliceSource {
    /// `length` bytes at `offset`.
    pub fn new(stored: Arc<dyn Stored>, offset: u64, length: u64) -> Self {
        Self {
            stored,
            offset,
            length,
        }
    }

    fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        let mut reader = self
            .stored
            .open(self.offset.saturating_add(offset), length)?;
        let mut bytes = Vec::new();
        match reader.by_ref().take(length).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(reader.error(error)),
        }
    }
}

impl Source for SliceSource {
    fn length(&self) -> u64 {
        self.length
    }

    fn is_repeatable(&self) -> bool {
        true
    }

    fn ends(&self) -> Result<Option<Ends>> {
        if !self.stored.is_near() {
            return Ok(None);
        }
        let tail = self.length.saturating_sub(TAIL_BYTES);
        Ok(Some(Ends {
            head: self.read(0, self.length.min(HEAD_BYTES))?,
            tail: self.read(tail, self.length.saturating_sub(tail))?,
        }))
    }

    fn start(
        &mut self,
        checksum_type: ChecksumType,
        what: &str,
        watch: Option<Watch>,
    ) -> Result<Feed> {
        let reader = self.stored.open(self.offset, self.length)?;
        reader::start(reader, self.length, checksum_type, what, watch)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use std::fs;

    use super::*;
    use crate::error::Error;
    use crate::io::StoredFile;

    async fn sent(source: &mut SliceSource) -> (Vec<u8>, Result<String>) {
        let mut feed = source.start(ChecksumType::Sha1, "test", None).unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = feed.chunks.recv().await {
            bytes.extend_from_slice(&piece);
        }
        (bytes, feed.end.await.unwrap())
    }

    #[tokio::test]
    async fn a_part_is_sent_as_often_as_asked() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..=250).cycle().take(900_000).collect();
        fs::write(file.path(), &bytes).unwrap();
        let stored: Arc<dyn Stored> = Arc::new(StoredFile::open(file.path()).unwrap());
        let part = &bytes[1000..800_000];
        let mut source = SliceSource::new(Arc::clone(&stored), 1000, part.len() as u64);
        let ends = source.ends().unwrap().unwrap();
        assert_eq!(ends.head, part[..512]);
        assert_eq!(ends.tail, part[part.len() - 1024..]);
        for _ in 0..2 {
            let (sent, end) = sent(&mut source).await;
            assert!(sent == part && end.is_ok());
        }
        let mut beyond = SliceSource::new(stored, 899_999, 2);
        let (_, end) = sent(&mut beyond).await;
        assert!(matches!(end, Err(Error::SizeMismatch { .. })));
    }

    #[test]
    fn the_ends_of_little_are_all_of_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"xxabcxx").unwrap();
        let stored = Arc::new(StoredFile::open(file.path()).unwrap());
        let ends = SliceSource::new(stored, 2, 3).ends().unwrap().unwrap();
        assert_eq!((ends.head, ends.tail), (b"abc".into(), b"abc".into()));
    }
}
