//! What an upload reads: a thread that fills and hashes recycled buffers ahead of the socket.
//!
//! Measured against streams that allocate or hop per chunk, this is the cheapest way to feed an
//! upload: the digest runs on the reader's core while the socket's core encrypts.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::digest::{ChecksumType, Digest};
use crate::error::{Error, Result};

/// Large enough that a hand-over costs nothing, small enough to stay in the L2 cache.
const BUFFER_BYTES: usize = 256 * 1024;

/// Buffers in flight for each upload: one being filled, one being sent, two between.
const BUFFERS: usize = 4;

/// A readable local thing, with its name for messages and its own way to report an error.
pub trait Reader: Read + Send {
    /// The name for messages.
    fn name(&self) -> PathBuf;
    /// Turns a read error into ours.
    fn error(&mut self, error: io::Error) -> Error {
        Error::io(self.name(), error)
    }
}

/// A source whose length is known before the first byte, as an upload must announce it.
pub struct Source {
    kind: Kind,
    length: u64,
}

enum Kind {
    File { path: PathBuf, first: Option<File> },
    Memory(Bytes),
    Once(Option<Box<dyn Reader>>),
}

/// A filled buffer that returns itself to the reader thread when the transport drops it.
pub struct Buffer {
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

/// The running end of a source.
pub struct Feed {
    /// Filled buffers in order. Closed after the last, or early when reading failed.
    pub chunks: mpsc::Receiver<Bytes>,
    /// The digest of everything, or why it could not be read. It is there before `chunks` closes.
    pub end: oneshot::Receiver<Result<String>>,
}

/// The first 512 and the last 1024 bytes of a source.
pub struct Ends {
    /// The first bytes.
    pub head: Vec<u8>,
    /// The last bytes.
    pub tail: Vec<u8>,
}

const HEAD_BYTES: u64 = 512;
const TAIL_BYTES: u64 = 1024;

/// Sees every piece before it is handed over, and may refuse it.
pub type Watch = Box<dyn FnMut(&[u8]) -> Result<()> + Send>;

impl Source {
    /// Opens a regular file for reading.
    pub fn open(path: &Path) -> Result<Self> {
        // Looked at first: opening a FIFO waits for its writer.
        let metadata = fs::metadata(path).map_err(|e| Error::io(path, e))?;
        if !metadata.is_file() {
            let kind = if metadata.is_dir() {
                io::Error::from(io::ErrorKind::IsADirectory)
            } else {
                io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
            };
            return Err(Error::io(path, kind));
        }
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let length = file.metadata().map_err(|e| Error::io(path, e))?.len();
        Ok(Self {
            kind: Kind::File {
                path: path.to_owned(),
                first: Some(file),
            },
            length,
        })
    }

    /// Reads from memory.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            length: bytes.len() as u64,
            kind: Kind::Memory(bytes),
        }
    }

    /// Reads `length` bytes from any reader, once.
    pub fn from_reader(reader: Box<dyn Reader>, length: u64) -> Self {
        Self {
            kind: Kind::Once(Some(reader)),
            length,
        }
    }

    /// The length in bytes that will be announced.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether the source can be read from its start again.
    pub fn is_repeatable(&self) -> bool {
        !matches!(self.kind, Kind::Once(_))
    }

    /// Both ends, where they can be read without moving anything that another reader shares.
    pub fn ends(&self) -> Result<Option<Ends>> {
        match &self.kind {
            Kind::File { path, first } => {
                let Some(file) = first else { return Ok(None) };
                let ends = ends_of(file, self.length).map_err(|e| Error::io(path, e))?;
                Ok(Some(ends))
            }
            Kind::Memory(bytes) => {
                let ends = ends_of(io::Cursor::new(bytes), self.length);
                Ok(Some(ends.map_err(|e| Error::io("<bytes>", e))?))
            }
            Kind::Once(_) => Ok(None),
        }
    }

    fn reader(&mut self) -> Result<Box<dyn Reader>> {
        match &mut self.kind {
            Kind::File { path, first } => {
                let file = match first.take() {
                    Some(file) => file,
                    None => File::open(&*path).map_err(|e| Error::io(&*path, e))?,
                };
                Ok(Box::new(NamedFile {
                    file,
                    path: path.clone(),
                }))
            }
            Kind::Memory(bytes) => Ok(Box::new(Memory(io::Cursor::new(bytes.clone())))),
            Kind::Once(reader) => reader
                .take()
                .ok_or_else(|| Error::internal("a reader is started once only")),
        }
    }

    /// Starts a reader thread from the source's start.
    pub fn start(
        &mut self,
        checksum_type: ChecksumType,
        what: &str,
        watch: Option<Watch>,
    ) -> Result<Feed> {
        let (chunk_sender, chunks) = mpsc::channel(BUFFERS);
        let (end_sender, end) = oneshot::channel();
        let (home, returned) = mpsc::channel(BUFFERS);
        for _ in 0..BUFFERS {
            // The channel has just been made with this capacity.
            let _ = home.try_send(vec![0; BUFFER_BYTES]);
        }
        let reader = self.reader()?;
        let name = reader.name();
        let pump = Pump {
            reader,
            length: self.length,
            digest: Digest::new(checksum_type),
            watch,
            chunks: chunk_sender,
            home,
            returned,
            what: what.to_owned(),
        };
        thread::Builder::new()
            .name("nfclease-reader".into())
            .spawn(move || pump.run(end_sender))
            .map_err(|e| Error::io(name, e))?;
        Ok(Feed { chunks, end })
    }
}

struct Pump {
    reader: Box<dyn Reader>,
    length: u64,
    digest: Digest,
    watch: Option<Watch>,
    chunks: mpsc::Sender<Bytes>,
    home: mpsc::Sender<Vec<u8>>,
    returned: mpsc::Receiver<Vec<u8>>,
    what: String,
}

impl Pump {
    fn run(mut self, end: oneshot::Sender<Result<String>>) {
        let read = self.read_all();
        let Self {
            reader,
            digest,
            chunks,
            ..
        } = self;
        // Who is told of the end may use the source again.
        drop(reader);
        // Nobody listens after a cancelled upload.
        let _ = end.send(read.map(|()| digest.finish()));
        drop(chunks);
    }

    fn read_all(&mut self) -> Result<()> {
        let mut sent = 0u64;
        while sent < self.length {
            let Some(mut buffer) = self.returned.blocking_recv() else {
                return Err(Error::Cancelled);
            };
            let rest = usize::try_from(self.length - sent).unwrap_or(usize::MAX);
            buffer.resize(rest.min(BUFFER_BYTES), 0);
            let filled =
                fill(self.reader.as_mut(), &mut buffer).map_err(|e| self.reader.error(e))?;
            if filled < buffer.len() {
                return Err(self.wrong_size(sent + filled as u64));
            }
            if let Some(watch) = &mut self.watch {
                watch(&buffer)?;
            }
            self.digest.update(&buffer);
            sent += filled as u64;
            let data = Bytes::from_owner(Buffer {
                bytes: buffer,
                home: self.home.clone(),
            });
            self.chunks
                .blocking_send(data)
                .map_err(|_| Error::Cancelled)?;
        }
        match self.reader.read(&mut [0u8; 1]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.wrong_size(sent + 1)),
            Err(e) => Err(self.reader.error(e)),
        }
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

fn ends_of(mut source: impl Read + Seek, length: u64) -> io::Result<Ends> {
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    source.rewind()?;
    source.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    source.by_ref().take(TAIL_BYTES).read_to_end(&mut tail)?;
    source.rewind()?;
    Ok(Ends { head, tail })
}

fn fill(reader: &mut dyn Reader, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

struct NamedFile {
    file: File,
    path: PathBuf,
}

impl Read for NamedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Reader for NamedFile {
    fn name(&self) -> PathBuf {
        self.path.clone()
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
