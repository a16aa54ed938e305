//! A part of stored bytes as what an upload sends: a member of an archive, without unpacking it.

use std::io::Read;
use std::sync::Arc;

use super::digests::Digests;
use super::reader;
use super::source::{Ends, Feed, HEAD_BYTES, Source, TAIL_BYTES, Watch};
use super::stored::{Cost, Stored};
use super::watched::Watched;
use crate::error::{Error, Result};

/// What is set aside for a read before its bytes are there.
const MOST_ROOM: u64 = 1024 * 1024;

/// So many bytes at one place of something stored.
#[derive(Clone)]
pub struct Slice {
    /// What they are in.
    pub stored: Arc<dyn Stored>,
    /// Where they begin.
    pub offset: u64,
    /// How many they are.
    pub length: u64,
}

impl Slice {
    /// All of it, as far as its length is known.
    pub fn all(stored: Arc<dyn Stored>) -> Self {
        let length = stored.length().unwrap_or(0);
        Self {
            stored,
            offset: 0,
            length,
        }
    }

    /// A part of it, which must lie inside.
    pub(crate) fn part(&self, offset: u64, length: u64) -> Self {
        Self {
            stored: Arc::clone(&self.stored),
            offset: self.offset.saturating_add(offset),
            length,
        }
    }

    /// Some bytes of it; all of them or an error.
    pub fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        let at = self.offset.saturating_add(offset);
        let mut reader = self.stored.open(at, length)?;
        // Room for all of it makes one read of it.
        let mut bytes = Vec::with_capacity(to_usize(length.min(MOST_ROOM)));
        let read = reader.by_ref().take(length).read_to_end(&mut bytes);
        let read = read.map_err(|error| reader.error(error))? as u64;
        if read == length {
            return Ok(bytes);
        }
        Err(self.changed(length, read))
    }

    /// Reads all of it once, piece by piece.
    pub(crate) fn each(
        &self,
        watched: &Watched,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut reader = self.stored.open(self.offset, self.length)?;
        let mut buffer = vec![0; to_usize(MOST_ROOM)];
        let mut seen = 0_u64;
        while seen < self.length {
            watched.goes_on()?;
            let filled = reader::fill(reader.as_mut(), &mut buffer);
            let filled = filled.map_err(|error| reader.error(error))?;
            if filled == 0 {
                return Err(self.changed(self.length, seen));
            }
            take(buffer.get(..filled).unwrap_or_default())?;
            watched.count(filled as u64);
            seen = seen.saturating_add(filled as u64);
        }
        reader.unchanged()
    }

    /// An error where it is not what it was when it was opened.
    pub(crate) fn unchanged(&self) -> Result<()> {
        self.stored.unchanged()
    }

    fn changed(&self, expected: u64, actual: u64) -> Error {
        Error::SizeMismatch {
            what: format!("{} (it changed while it was read)", self.stored.name()).into(),
            expected,
            actual,
        }
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A slice as what an upload sends. It can be sent again from its beginning.
pub struct SliceSource(Slice);

impl SliceSource {
    /// `length` bytes at `offset`.
    pub fn new(stored: Arc<dyn Stored>, offset: u64, length: u64) -> Self {
        Self(Slice {
            stored,
            offset,
            length,
        })
    }
}

impl From<Slice> for SliceSource {
    fn from(slice: Slice) -> Self {
        Self(slice)
    }
}

impl Source for SliceSource {
    fn length(&self) -> u64 {
        self.0.length
    }

    fn is_repeatable(&self) -> bool {
        true
    }

    fn ends(&self, most: Cost) -> Result<Option<Ends>> {
        let Slice {
            stored,
            offset,
            length,
        } = &self.0;
        let tail = length.saturating_sub(TAIL_BYTES);
        let ends = [
            (0, *length.min(&HEAD_BYTES)),
            (tail, length.saturating_sub(tail)),
        ];
        let cost = |(at, length): (u64, u64)| stored.cost(offset.saturating_add(at), length);
        if ends.into_iter().map(cost).any(|cost| cost > most) {
            return Ok(None);
        }
        let [head, tail] = ends.map(|(at, length)| self.0.read(at, length));
        Ok(Some(Ends {
            head: head?,
            tail: tail?,
        }))
    }

    fn start(&mut self, digests: Digests, what: &str, watch: Option<Watch>) -> Result<Feed> {
        let reader = self.0.stored.open(self.0.offset, self.0.length)?;
        reader::start(reader, self.0.length, digests, what, watch)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use std::fs;
    use std::future::poll_fn;

    use super::*;
    use crate::io::ChecksumType;
    use crate::io::StoredFile;

    async fn sent(source: &mut SliceSource) -> (Vec<u8>, Result<String>) {
        let mut feed = source
            .start(Digests::new(ChecksumType::Sha1, None), "test", None)
            .unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = poll_fn(&mut feed.next).await {
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
        let ends = source.ends(Cost::Nothing).unwrap().unwrap();
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
        let ends = SliceSource::new(stored, 2, 3)
            .ends(Cost::Nothing)
            .unwrap()
            .unwrap();
        assert_eq!((ends.head, ends.tail), (b"abc".into(), b"abc".into()));
    }
}
