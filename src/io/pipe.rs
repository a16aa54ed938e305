//! A download that an upload sends on, with no file between: its size must be known before.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::piece_reader::PieceReader;
use super::reader::Reader;
use super::sink::{Sink, Wait};
use super::source::ReaderSource;
use crate::error::{Error, Result};

/// Pieces on the way; each has at most what one read of a socket brings.
const PIECES: usize = 16;

/// Both ends of a file of so many bytes. The upload has not all of it before the download is verified;
/// where one of them fails, the other one is cancelled.
pub fn pipe(name: &str, length: u64) -> (PipeSink, ReaderSource) {
    let (sender, pieces) = mpsc::channel(PIECES);
    let is_whole = Arc::new(AtomicBool::new(false));
    let reader = PipeReader {
        pieces: PieceReader::new(PathBuf::from(name), pieces, ()),
        is_whole: Arc::clone(&is_whole),
        is_cut: false,
    };
    let sink = PipeSink {
        name: name.to_owned(),
        length,
        pieces: Some(sender),
        is_whole,
    };
    (sink, ReaderSource::new(Box::new(reader), length))
}

/// The end that a download writes to.
pub struct PipeSink {
    name: String,
    /// What the upload has announced.
    length: u64,
    /// Until the download is over.
    pieces: Option<mpsc::Sender<Result<Bytes>>>,
    /// Whether that was because it went well.
    is_whole: Arc<AtomicBool>,
}

impl Sink for PipeSink {
    fn expect(&mut self, bytes: u64) -> Result<()> {
        if bytes == self.length {
            return Ok(());
        }
        Err(Error::SizeMismatch {
            what: self.name.clone().into(),
            expected: self.length,
            actual: bytes,
        })
    }

    fn write(&mut self, bytes: Bytes) -> Wait<'_, Result<()>> {
        let Some(pieces) = &self.pieces else {
            return Wait::over(Err(Error::Cancelled));
        };
        match pieces.try_send(Ok(bytes)) {
            Ok(()) => Wait::over(Ok(())),
            // What the upload ended with says why.
            Err(mpsc::error::TrySendError::Closed(_)) => Wait::over(Err(Error::Cancelled)),
            Err(mpsc::error::TrySendError::Full(bytes)) => Wait::going(async move {
                let sent = pieces.send(bytes).await;
                sent.map_err(|_| Error::Cancelled)
            }),
        }
    }

    fn is_repeatable(&self) -> bool {
        false
    }

    fn restart(&mut self) -> Wait<'_, Result<()>> {
        Wait::over(Err(Error::internal("a pipe does not go back")))
    }

    fn commit(&mut self) -> Wait<'_, Result<()>> {
        self.is_whole.store(true, Ordering::Release);
        self.pieces = None;
        Wait::over(Ok(()))
    }

    fn discard(&mut self) -> Wait<'_, Vec<PathBuf>> {
        self.pieces = None;
        Wait::over(Vec::new())
    }
}

/// The end that an upload reads.
struct PipeReader {
    pieces: PieceReader<()>,
    is_whole: Arc<AtomicBool>,
    /// Whether it ended, and the download had not gone well.
    is_cut: bool,
}

impl io::Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.pieces.read(buffer)?;
        if count == 0 && !buffer.is_empty() && !self.is_whole.load(Ordering::Acquire) {
            self.is_cut = true;
            return Err(io::ErrorKind::Other.into());
        }
        Ok(count)
    }
}

impl Reader for PipeReader {
    fn name(&self) -> PathBuf {
        self.pieces.name()
    }

    fn kept(&mut self) -> Option<Error> {
        if self.is_cut {
            return Some(Error::Cancelled);
        }
        self.pieces.kept()
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use std::future::poll_fn;

    use super::super::source::Source as _;
    use super::*;
    use crate::io::{ChecksumType, Digests};

    const LENGTH: usize = 600_000;

    /// What an upload gets of it, and how the source ended.
    async fn read(mut source: ReaderSource) -> (usize, Result<String>) {
        let digests = Digests::new(ChecksumType::Sha1, None);
        let mut feed = source.start(digests, "test", None).unwrap();
        let mut bytes = 0;
        while let Some(piece) = poll_fn(&mut feed.next).await {
            bytes += piece.len();
        }
        (bytes, feed.end.await.unwrap())
    }

    async fn write(sink: &mut PipeSink, length: usize) -> Result<()> {
        for at in (0..length).step_by(10_000) {
            let piece = vec![7; (length - at).min(10_000)];
            sink.write(piece.into()).await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn what_is_written_is_read_once_it_is_committed() {
        let (mut sink, source) = pipe("disk", LENGTH as u64);
        let reading = tokio::spawn(read(source));
        sink.expect(LENGTH as u64).unwrap();
        write(&mut sink, LENGTH).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(!reading.is_finished(), "nobody has verified it");
        sink.commit().await.unwrap();
        let (bytes, end) = reading.await.unwrap();
        assert_eq!((bytes, end.is_ok()), (LENGTH, true));
    }

    #[tokio::test]
    async fn what_is_not_verified_is_not_sent_well() {
        for written in [0, LENGTH / 2, LENGTH] {
            let (mut sink, source) = pipe("disk", LENGTH as u64);
            let reading = tokio::spawn(read(source));
            write(&mut sink, written).await.unwrap();
            assert!(sink.discard().await.is_empty());
            let (_, end) = reading.await.unwrap();
            assert!(matches!(end, Err(Error::Cancelled)), "{written}: {end:?}");
        }
    }

    #[tokio::test]
    async fn an_upload_that_ends_stops_the_download() {
        let (mut sink, source) = pipe("disk", LENGTH as u64);
        drop(source);
        let written = write(&mut sink, LENGTH).await;
        assert!(matches!(written, Err(Error::Cancelled)));
    }

    #[test]
    fn another_size_is_refused_before_a_byte() {
        let (mut sink, _source) = pipe("disk", 5);
        let error = sink.expect(6).unwrap_err();
        assert!(matches!(error, Error::SizeMismatch { actual: 6, .. }));
    }
}
