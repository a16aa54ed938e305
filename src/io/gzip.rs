//! A part that is compressed with gzip, sent decompressed. An upload has to announce its length, which
//! only reading all of it tells.

use std::io::{self, Read};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;

use super::digest::ChecksumType;
use super::reader::{self, Reader};
use super::slice::Slice;
use super::source::{Ends, Feed, Source, Watch};
use crate::error::{Error, Result};

/// No disk of vSphere holds more, nor does its stream.
const MOST_BYTES: u64 = 64 << 40;

/// A compressed part whose decompressed length is known. It can be sent again from its beginning.
pub struct GzipSource {
    slice: Slice,
    length: u64,
    ends: Ends,
}

impl Source for GzipSource {
    fn length(&self) -> u64 {
        self.length
    }

    fn is_repeatable(&self) -> bool {
        true
    }

    fn ends(&self) -> Result<Option<Ends>> {
        Ok(Some(self.ends.clone()))
    }

    fn start(
        &mut self,
        checksum_type: ChecksumType,
        what: &str,
        watch: Option<Watch>,
    ) -> Result<Feed> {
        let reader = Box::new(Unzip::open(&self.slice)?);
        reader::start(reader, self.length, checksum_type, what, watch)
    }
}

/// Reads a compressed part to its end to learn how long it becomes, and whether it is whole.
pub struct GzipCount {
    slice: Slice,
    reader: Unzip,
    seen: u64,
    ends: Ends,
    buffer: Vec<u8>,
}

impl GzipCount {
    /// Before the first byte.
    pub fn start(slice: Slice) -> Result<Self> {
        Ok(Self {
            reader: Unzip::open(&slice)?,
            slice,
            seen: 0,
            ends: Ends::default(),
            buffer: vec![0; 256 * 1024],
        })
    }

    /// Reads up to so many bytes more; the source once that was all.
    pub fn step(&mut self, bytes: u64) -> Result<Option<GzipSource>> {
        let until = self.seen.saturating_add(bytes);
        while self.seen < until {
            let count = match self.reader.read(&mut self.buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.reader.error(error)),
            };
            if count == 0 {
                return Ok(Some(GzipSource {
                    slice: self.slice.clone(),
                    length: self.seen,
                    ends: std::mem::take(&mut self.ends),
                }));
            }
            self.ends.follow(&self.buffer[..count]);
            self.seen = self.seen.saturating_add(count as u64);
            if self.seen > MOST_BYTES {
                return Err(Error::LimitExceeded {
                    what: self.slice.stored.name().into(),
                    limit: "the decompressed size",
                    allowed: MOST_BYTES,
                    seen: self.seen,
                });
            }
        }
        Ok(None)
    }
}

/// A reader of what a part becomes.
struct Unzip(MultiGzDecoder<Inner>);

/// The compressed bytes; remembers whether it was they that could not be read.
struct Inner {
    reader: Box<dyn Reader>,
    failed: bool,
}

impl Unzip {
    fn open(slice: &Slice) -> Result<Self> {
        let reader = slice.stored.open(slice.offset, slice.length)?;
        Ok(Self(MultiGzDecoder::new(Inner {
            reader,
            failed: false,
        })))
    }
}

impl Read for Inner {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer);
        self.failed = read.is_err();
        read
    }
}

impl Read for Unzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Reader for Unzip {
    fn name(&self) -> PathBuf {
        self.0.get_ref().reader.name()
    }

    fn error(&mut self, error: io::Error) -> Error {
        let inner = self.0.get_mut();
        if inner.failed {
            return inner.reader.error(error);
        }
        Error::Package {
            what: inner.reader.name().display().to_string().into(),
            reason: format!(
                "a file that should be compressed with gzip is not, or is cut: {error}"
            )
            .into(),
        }
    }
}
