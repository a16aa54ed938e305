//! One pass over a file of a package: its sums, and whether a disk's stream is whole.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::write::MultiGzDecoder;

use crate::error::{Error, Result};
use crate::io::{ChecksumType, Digest, Slice};
use crate::text::ServerText;
use crate::vmdk::{Flaw, Rule, StreamCheck};

/// How much is read at a time.
const BUFFER_BYTES: usize = 1024 * 1024;

/// What is asked about a file.
pub struct FileCheck {
    /// Its pieces by name, in order; most files have one.
    pub pieces: Vec<(String, Slice)>,
    /// The sums of each piece, as it is stored.
    pub sums: Vec<ChecksumType>,
    /// Whether it is compressed with gzip.
    pub is_gzip: bool,
    /// Whether it must be a streamOptimized VMDK.
    pub is_disk: bool,
}

/// What is known of a check from outside while it runs.
#[derive(Default)]
pub struct Watched {
    seen: AtomicU64,
    stopped: AtomicBool,
    ended: AtomicBool,
}

impl Watched {
    /// Bytes read so far.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Whether the outcome is there.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Said by who has handed on the outcome.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Ends the check soon.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// One piece of a file that was read.
pub struct Piece {
    /// Its name.
    pub name: String,
    /// Its length.
    pub size: u64,
    /// Its sums, in the order that they were asked for.
    pub sums: Vec<String>,
}

/// What was found.
pub struct Checked {
    /// All pieces.
    pub pieces: Vec<Piece>,
    /// What is wrong with the stream, if anything is.
    pub flaw: Option<String>,
}

impl FileCheck {
    /// How many bytes are to be read.
    pub fn length(&self) -> u64 {
        let lengths = self.pieces.iter().map(|(_, slice)| slice.length);
        lengths.fold(0, u64::saturating_add)
    }

    /// Reads all of it.
    pub fn run(self, watched: &Arc<Watched>) -> Result<Checked> {
        let rule = if self.is_disk {
            Rule::Always
        } else {
            Rule::Never
        };
        let mut content = Content::new(StreamCheck::new(rule), self.is_gzip);
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut pieces = Vec::new();
        for (name, slice) in self.pieces {
            let mut digests: Vec<_> = self.sums.iter().copied().map(Digest::new).collect();
            let mut reader = slice.stored.open(slice.offset, slice.length)?;
            let mut size = 0u64;
            loop {
                if watched.stopped.load(Ordering::Relaxed) {
                    return Err(Error::Cancelled);
                }
                let count = match reader.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(reader.error(error)),
                };
                let bytes = &buffer[..count];
                for digest in &mut digests {
                    digest.update(bytes);
                }
                content.update(bytes);
                size = size.saturating_add(count as u64);
                watched.seen.fetch_add(count as u64, Ordering::Relaxed);
            }
            if size != slice.length {
                return Err(Error::SizeMismatch {
                    what: format!("{} (it changed while it was read)", ServerText::from(&name))
                        .into(),
                    expected: slice.length,
                    actual: size,
                });
            }
            let sums = digests.into_iter().map(Digest::finish).collect();
            pieces.push(Piece { name, size, sums });
        }
        Ok(Checked {
            pieces,
            flaw: content.finish(),
        })
    }
}

/// The bytes of a file as they would be sent, judged in passing.
enum Content {
    Plain(Judge),
    Gzip(Box<MultiGzDecoder<Judge>>),
}

/// Keeps the first thing that is wrong, and looks no further.
struct Judge {
    stream: StreamCheck,
    flaw: Option<String>,
}

impl Content {
    fn new(stream: StreamCheck, is_gzip: bool) -> Self {
        let judge = Judge { stream, flaw: None };
        if is_gzip {
            return Self::Gzip(Box::new(MultiGzDecoder::new(judge)));
        }
        Self::Plain(judge)
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Plain(judge) => judge.update(bytes),
            Self::Gzip(decoder) if decoder.get_ref().flaw.is_none() => {
                if let Err(error) = decoder.write_all(bytes) {
                    decoder.get_mut().flaw = Some(not_gzip(&error));
                }
            }
            Self::Gzip(_) => {}
        }
    }

    fn finish(self) -> Option<String> {
        match self {
            Self::Plain(judge) => judge.finish(),
            Self::Gzip(decoder) if decoder.get_ref().flaw.is_some() => {
                decoder.get_ref().flaw.clone()
            }
            Self::Gzip(decoder) => match decoder.finish() {
                Ok(judge) => judge.finish(),
                Err(error) => Some(not_gzip(&error)),
            },
        }
    }
}

fn not_gzip(error: &io::Error) -> String {
    format!("it should be compressed with gzip and is not, or is cut: {error}")
}

impl Judge {
    fn update(&mut self, bytes: &[u8]) {
        if self.flaw.is_none() {
            self.flaw = self.stream.update(bytes).err().map(said);
        }
    }

    fn finish(self) -> Option<String> {
        self.flaw.or_else(|| self.stream.finish().err().map(said))
    }
}

impl Write for Judge {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn said(flaw: Flaw) -> String {
    match flaw {
        Flaw::Format(reason) => format!("it is not a streamOptimized VMDK: {reason}"),
        Flaw::Cut(reason) => format!("it is not whole: {reason}"),
    }
}
