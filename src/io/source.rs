//! What an upload sends: a stream whose length is known, from a file, from memory or from a reader.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::digests::Digests;
use super::reader::{self, Reader};
use super::steady::{Stamp, Steady};
use super::stored::{Cost, open_regular};
use crate::error::{Error, Result};

/// A source whose length is known before the first byte, as an upload must announce it.
pub trait Source: Send {
    /// The length in bytes that will be announced.
    fn length(&self) -> u64;
    /// Whether it can be started from its beginning again.
    fn is_repeatable(&self) -> bool;
    /// Both ends, where they can be read without moving anything that another reader shares, and cost
    /// no more than `most`.
    fn ends(&self, _most: Cost) -> Result<Option<Ends>> {
        Ok(None)
    }
    /// Starts it from its beginning, by a thread or by a task as suits it. What the feed holds was
    /// seen by `watch` and is in the digests; `what` names the upload in messages.
    fn start(&mut self, digests: Digests, what: &str, watch: Option<Watch>) -> Result<Feed>;
}

/// A source that runs. Its writer waits while nobody takes, and stops when it is dropped.
pub struct Feed {
    /// The pieces in order. Nothing comes after the last, or earlier when reading failed.
    pub(crate) next: Next,
    /// The first digest of everything, or why it could not be read. It is there before nothing comes.
    pub(crate) end: oneshot::Receiver<Result<String>>,
}

/// Polls for the next piece.
pub(crate) type Next = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<Bytes>> + Send + Sync>;

/// The first 512 and the last 1024 bytes of a source.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    /// The first bytes.
    pub(crate) head: Vec<u8>,
    /// The last bytes.
    pub(crate) tail: Vec<u8>,
}

pub(super) const HEAD_BYTES: u64 = 512;
pub(super) const TAIL_BYTES: u64 = 1024;

impl Ends {
    /// Learns the next bytes of what is read in order.
    pub(crate) fn follow(&mut self, bytes: &[u8]) {
        let (head, tail) = (bytes_of(HEAD_BYTES), bytes_of(TAIL_BYTES));
        let missing = head.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..missing]);
        let last = &bytes[bytes.len().saturating_sub(tail)..];
        let excess = self
            .tail
            .len()
            .saturating_add(last.len())
            .saturating_sub(tail);
        self.tail.drain(..excess.min(self.tail.len()));
        self.tail.extend_from_slice(last);
    }
}

fn bytes_of(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Sees every piece before it is handed over, and may refuse it. With the last one it gets the digests
/// of all.
pub(crate) type Watch = Box<dyn FnMut(&[u8], Option<&Digests>) -> Result<()> + Send>;

/// A regular file.
pub struct FileSource {
    path: PathBuf,
    /// The file that was opened first, until it is read.
    first: Option<File>,
    length: u64,
    stamp: Stamp,
}

impl FileSource {
    /// Opens a regular file for reading.
    pub fn open(path: &Path) -> Result<Self> {
        let file = open_regular(path)?;
        let metadata = file.metadata().map_err(|e| Error::io(path, e))?;
        Ok(Self {
            path: path.to_owned(),
            first: Some(file),
            length: metadata.len(),
            stamp: Stamp::of(&metadata),
        })
    }
}

impl Source for FileSource {
    fn length(&self) -> u64 {
        self.length
    }

    fn is_repeatable(&self) -> bool {
        true
    }

    fn ends(&self, _most: Cost) -> Result<Option<Ends>> {
        let Some(file) = &self.first else {
            return Ok(None);
        };
        let ends = ends_of(file, self.length).map_err(|e| Error::io(&self.path, e))?;
        Ok(Some(ends))
    }

    fn start(&mut self, digests: Digests, what: &str, watch: Option<Watch>) -> Result<Feed> {
        let path = &self.path;
        let file = match self.first.take() {
            Some(file) => file,
            None => File::open(path).map_err(|e| Error::io(path, e))?,
        };
        let now = file.metadata().map_err(|e| Error::io(path, e))?;
        self.stamp.check(path, &now)?;
        let (steady, _) = Steady::of(file, path)?;
        let reader = Box::new(NamedFile(steady));
        reader::start(reader, self.length, digests, what, watch)
    }
}

/// Bytes in memory.
pub struct MemorySource(Bytes);

impl MemorySource {
    /// Copies nothing.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }
}

impl Source for MemorySource {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn is_repeatable(&self) -> bool {
        true
    }

    fn ends(&self, _most: Cost) -> Result<Option<Ends>> {
        let ends = ends_of(io::Cursor::new(&self.0), self.length());
        Ok(Some(ends.map_err(|e| Error::io("<bytes>", e))?))
    }

    fn start(&mut self, digests: Digests, what: &str, watch: Option<Watch>) -> Result<Feed> {
        let reader = Box::new(Memory(io::Cursor::new(self.0.clone())));
        reader::start(reader, self.length(), digests, what, watch)
    }
}

/// A reader, which is read once.
pub struct ReaderSource {
    reader: Option<Box<dyn Reader>>,
    length: u64,
}

impl ReaderSource {
    /// Reads `length` bytes.
    pub fn new(reader: Box<dyn Reader>, length: u64) -> Self {
        Self {
            reader: Some(reader),
            length,
        }
    }
}

impl Source for ReaderSource {
    fn length(&self) -> u64 {
        self.length
    }

    fn is_repeatable(&self) -> bool {
        false
    }

    fn start(&mut self, digests: Digests, what: &str, watch: Option<Watch>) -> Result<Feed> {
        let reader = self.reader.take();
        let reader = reader.ok_or_else(|| Error::internal("a reader is started once only"))?;
        reader::start(reader, self.length, digests, what, watch)
    }
}

fn ends_of(mut source: impl Read + Seek, length: u64) -> io::Result<Ends> {
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    source.rewind()?;
    source.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    source.by_ref().take(TAIL_BYTES).read_to_end(&mut tail)?;
    source.rewind()?;
    Ok(Ends { head, tail })
}

struct NamedFile(Steady);

impl Read for NamedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.file.read(buffer)
    }
}

impl Reader for NamedFile {
    fn name(&self) -> PathBuf {
        self.0.path.clone()
    }

    fn unchanged(&mut self) -> Result<()> {
        self.0.check()
    }
}

struct Memory(io::Cursor<Bytes>);

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Reader for Memory {
    fn name(&self) -> PathBuf {
        PathBuf::from("<bytes>")
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use std::fs;
    use std::future::poll_fn;

    use tokio::sync::mpsc;

    use super::*;
    use crate::io::ChecksumType;

    const LENGTH: usize = 3 * 256 * 1024 + 5;

    fn sha1() -> Digests {
        Digests::new(ChecksumType::Sha1, None)
    }

    async fn all_of(source: &mut dyn Source) -> (Vec<u8>, Result<String>) {
        let mut feed = source.start(sha1(), "test", None).unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = poll_fn(&mut feed.next).await {
            bytes.extend_from_slice(&piece);
        }
        (bytes, feed.end.await.unwrap())
    }

    fn content() -> (Vec<u8>, String) {
        let bytes: Vec<u8> = (0..=255).cycle().take(LENGTH).collect();
        let mut digests = sha1();
        digests.update(&bytes);
        (bytes, digests.first())
    }

    #[tokio::test]
    async fn each_kind_gives_all_of_it() {
        let (bytes, sum) = content();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &bytes).unwrap();
        let reader = Memory(io::Cursor::new(bytes.clone().into()));
        let sources: [Box<dyn Source>; 3] = [
            Box::new(FileSource::open(file.path()).unwrap()),
            Box::new(MemorySource::new(bytes.clone())),
            Box::new(ReaderSource::new(Box::new(reader), LENGTH as u64)),
        ];
        for mut source in sources {
            assert_eq!(source.length(), LENGTH as u64);
            assert_eq!(
                source.ends(Cost::Nothing).unwrap().is_some(),
                source.is_repeatable()
            );
            let rounds = if source.is_repeatable() { 2 } else { 1 };
            for _ in 0..rounds {
                let (read, end) = all_of(source.as_mut()).await;
                assert_eq!((read == bytes, end.unwrap()), (true, sum.clone()));
            }
        }
    }

    /// A source that no thread reads: what another service streams, or a converter makes.
    struct Streamed(Bytes);

    impl Source for Streamed {
        fn length(&self) -> u64 {
            self.0.len() as u64
        }
        fn is_repeatable(&self) -> bool {
            true
        }
        fn start(
            &mut self,
            mut digests: Digests,
            _what: &str,
            mut watch: Option<Watch>,
        ) -> Result<Feed> {
            let (sender, mut pieces) = mpsc::channel(1);
            let (told, end) = oneshot::channel();
            let mut left = self.0.clone();
            tokio::spawn(async move {
                while !left.is_empty() {
                    let piece = left.split_to(left.len().min(1000));
                    digests.update(&piece);
                    let all = left.is_empty().then_some(&digests);
                    let watched = watch.as_mut().map(|watch| watch(&piece, all));
                    if watched.is_some_and(|watched| watched.is_err()) {
                        return;
                    }
                    if sender.send(piece).await.is_err() {
                        return;
                    }
                }
                let _ = told.send(Ok(digests.first()));
            });
            let next = Box::new(move |cx: &mut Context<'_>| pieces.poll_recv(cx));
            Ok(Feed { next, end })
        }
    }

    #[tokio::test]
    async fn a_source_may_be_a_task() {
        let (bytes, sum) = content();
        let mut source = Streamed(bytes.clone().into());
        for _ in 0..2 {
            let (read, end) = all_of(&mut source).await;
            assert_eq!((read == bytes, end.unwrap()), (true, sum.clone()));
        }
    }
}
