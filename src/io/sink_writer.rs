//! A sink as what a thread of its own writes to, one piece after the other.

use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use bytes::Bytes;

use super::digest::{ChecksumType, Digest};
use super::sink::Sink;
use crate::error::{Error, Result};

/// Handed over at once.
const PIECE: usize = 1024 * 1024;

/// Counts and sums what it writes. An error of the sink is kept, since `io::Error` cannot hold it.
pub(crate) struct SinkWriter {
    sink: Box<dyn Sink>,
    pending: Vec<u8>,
    written: u64,
    digest: Option<Digest>,
    kept: Option<Error>,
}

impl SinkWriter {
    /// With a sum of this type.
    pub(crate) fn new(sink: Box<dyn Sink>, sum: Option<ChecksumType>) -> Self {
        Self {
            sink,
            pending: Vec::with_capacity(PIECE),
            written: 0,
            digest: sum.map(Digest::new),
            kept: None,
        }
    }

    /// Whether about so many bytes fit there.
    pub(crate) fn expect(&mut self, bytes: u64) -> Result<()> {
        self.sink.expect(bytes)
    }

    /// Makes all of it durable.
    pub(crate) fn prepare(&mut self) -> Result<()> {
        self.hand_over()?;
        wait(self.sink.prepare())
    }

    /// Makes all of it durable and visible; says how many bytes there are, and their sum.
    pub(crate) fn commit(&mut self) -> Result<(u64, Option<String>)> {
        self.hand_over()?;
        wait(self.sink.commit())?;
        Ok((self.written, self.digest.take().map(Digest::finish)))
    }

    /// Removes what was written; returns what may still be there.
    pub(crate) fn discard(&mut self) -> Vec<PathBuf> {
        wait(self.sink.discard())
    }

    /// The error that a write had, in place of what `io::Error` says of it.
    pub(crate) fn kept(&mut self) -> Option<Error> {
        self.kept.take()
    }

    fn hand_over(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let bytes = Bytes::from(std::mem::replace(
            &mut self.pending,
            Vec::with_capacity(PIECE),
        ));
        if let Some(digest) = &mut self.digest {
            digest.update(&bytes);
        }
        self.written = self.written.saturating_add(bytes.len() as u64);
        wait(self.sink.write(bytes))
    }
}

impl Write for SinkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE.saturating_sub(self.pending.len());
        let (now, _) = bytes.split_at(room.min(bytes.len()));
        self.pending.extend_from_slice(now);
        if self.pending.len() >= PIECE {
            self.flush()?;
        }
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_over().map_err(|error| {
            let text = error.to_string();
            self.kept = Some(error);
            io::Error::other(text)
        })
    }
}

/// Waits in this thread, which does not belong to a runtime.
fn wait<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::io::{FileSink, Overwrite};

    #[test]
    fn a_thread_writes_to_a_sink() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        let sink = FileSink::create(&path, Overwrite::Never, Arc::default()).unwrap();
        let mut writer = SinkWriter::new(Box::new(sink), Some(ChecksumType::Sha1));
        let bytes: Vec<u8> = (0..=250).cycle().take(2 * PIECE + 77).collect();
        for piece in bytes.chunks(70_000) {
            writer.write_all(piece).unwrap();
        }
        assert!(!path.exists());
        let (length, sum) = writer.commit().unwrap();
        assert_eq!(length, bytes.len() as u64);
        let mut digest = Digest::new(ChecksumType::Sha1);
        digest.update(&bytes);
        assert_eq!(sum, Some(digest.finish()));
        assert!(fs::read(&path).unwrap() == bytes);
    }

    #[test]
    fn what_is_discarded_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        let sink = FileSink::create(&path, Overwrite::Never, Arc::default()).unwrap();
        let mut writer = SinkWriter::new(Box::new(sink), None);
        writer.write_all(&vec![1; PIECE]).unwrap();
        assert_eq!(writer.discard(), Vec::<PathBuf>::new());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
