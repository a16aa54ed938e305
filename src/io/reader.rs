//! A source that is read: a thread that fills recycled buffers ahead of the socket.
//!
//! Measured against streams that allocate or hop per chunk, this is the cheapest way to feed an
//! upload. Of an upload that is alone the digest runs on the reader's core while the socket's core
//! encrypts.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::digests::Digests;
use super::lanes::{Giver, Lanes};
use super::source::{Feed, Watch};
use crate::error::{Error, Result};
use crate::threads;

/// Large enough that a hand-over costs nothing, small enough to stay in the L2 cache.
const BUFFER_BYTES: usize = 256 * 1024;

/// Buffers in flight for each upload: one being filled, one being sent, two between.
const BUFFERS: usize = 4;

/// Of this process.
static LANES: OnceLock<Arc<Lanes>> = OnceLock::new();

/// A readable local thing, with its name for messages and its own way to report an error.
pub trait Reader: Read + Send {
    /// The name for messages.
    fn name(&self) -> PathBuf;
    /// An error of ours that the read has kept, since `io::Error` cannot hold it.
    fn kept(&mut self) -> Option<Error> {
        None
    }
    /// Turns a read error into ours.
    fn error(&mut self, error: io::Error) -> Error {
        let kept = self.kept();
        kept.unwrap_or_else(|| Error::io(self.name(), error))
    }
    /// Asked once all was read: an error where it is not what it was when it was opened.
    fn unchanged(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A filled buffer that returns itself to the reader thread when the transport drops it.
struct Buffer {
    bytes: Vec<u8>,
    home: mpsc::Sender<Vec<u8>>,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // The reader is gone when the upload ends; the buffer then simply dies.
        let _ = self.home.try_send(std::mem::take(&mut self.bytes));
    }
}

/// Starts the thread, from the reader's next byte. Each piece is checked before it is handed over,
/// and in the digests before it is sent.
pub(super) fn start(
    reader: Box<dyn Reader>,
    length: u64,
    digests: Digests,
    what: &str,
    watch: Option<Watch>,
) -> Result<Feed> {
    let (pieces, mut taker) = LANES.get_or_init(Arc::default).open(digests);
    let (end_sender, end) = oneshot::channel();
    let (home, returned) = mpsc::channel(BUFFERS);
    for _ in 0..BUFFERS {
        // The channel has just been made with this capacity.
        let _ = home.try_send(vec![0; BUFFER_BYTES]);
    }
    let name = reader.name();
    let pump = Pump {
        reader,
        length,
        watch,
        pieces,
        home,
        returned,
        what: what.to_owned(),
    };
    threads::spawn("nfclease-reader", move || pump.run(end_sender))
        .map_err(|e| Error::io(name, e))?;
    Ok(Feed {
        next: Box::new(move |cx| taker.poll(cx)),
        end,
    })
}

struct Pump {
    reader: Box<dyn Reader>,
    length: u64,
    watch: Option<Watch>,
    pieces: Giver,
    home: mpsc::Sender<Vec<u8>>,
    returned: mpsc::Receiver<Vec<u8>>,
    what: String,
}

impl Pump {
    fn run(mut self, end: oneshot::Sender<Result<String>>) {
        let read = self.read_all();
        let Self { reader, pieces, .. } = self;
        // Who is told of the end may use the source again.
        drop(reader);
        let sum = read.and_then(|()| pieces.add(&[], Digests::first));
        // Nobody listens after a cancelled upload.
        let _ = end.send(sum);
        drop(pieces);
    }

    fn read_all(&mut self) -> Result<()> {
        let mut sent = 0u64;
        while sent < self.length {
            let Some(mut buffer) = self.returned.blocking_recv() else {
                return Err(Error::Cancelled);
            };
            let rest = usize::try_from(self.length.saturating_sub(sent)).unwrap_or(usize::MAX);
            buffer.resize(rest.min(BUFFER_BYTES), 0);
            let filled =
                fill(self.reader.as_mut(), &mut buffer).map_err(|e| self.reader.error(e))?;
            if filled < buffer.len() {
                return Err(self.wrong_size(sent.saturating_add(filled as u64)));
            }
            sent = sent.saturating_add(filled as u64);
            self.give(buffer, sent == self.length)?;
        }
        match self.reader.read(&mut [0u8; 1]) {
            Ok(0) => self.reader.unchanged(),
            Ok(_) => Err(self.wrong_size(sent.saturating_add(1))),
            Err(e) => Err(self.reader.error(e)),
        }
    }

    /// Hands a buffer over, once it was looked at. The last one is looked at with its digests.
    fn give(&mut self, buffer: Vec<u8>, is_last: bool) -> Result<()> {
        let is_digested = is_last || self.pieces.is_alone();
        let watch = &mut self.watch;
        if is_digested {
            let all = |all: &Digests| look(watch, &buffer, is_last.then_some(all));
            self.pieces.add(&buffer, all)??;
        } else {
            look(watch, &buffer, None)?;
        }
        let piece = Buffer {
            bytes: buffer,
            home: self.home.clone(),
        };
        self.pieces.give(Bytes::from_owner(piece), is_digested)
    }

    fn wrong_size(&self, actual: u64) -> Error {
        let what = format!("{} (the source changed while it was read)", self.what);
        Error::SizeMismatch {
            what: what.into(),
            expected: self.length,
            actual,
        }
    }
}

fn look(watch: &mut Option<Watch>, piece: &[u8], all: Option<&Digests>) -> Result<()> {
    watch.as_mut().map_or(Ok(()), |watch| watch(piece, all))
}

pub(super) fn fill(reader: &mut dyn Reader, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0_usize;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled = filled.saturating_add(n),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}
