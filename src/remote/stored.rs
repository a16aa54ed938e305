//! A remote file that is read by position.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use bytes::{Buf as _, Bytes};

use super::ask::{Asker, Version};
use super::blocks::{Blocks, SMALL, around};
use super::pump::{Stream, Stretch};
use crate::error::{Error, Result};
use crate::io::{Cost, Reader, Stored};
use crate::sync::lock;
use crate::transfer::Engine;

/// A file at an https address whose server answers Range requests. Cheap to clone.
#[derive(Clone)]
pub(super) struct Remote {
    pub(super) engine: Arc<Engine>,
    pub(super) asker: Arc<Asker>,
    pub(super) version: Version,
    pub(super) total: u64,
    pub(super) blocks: Arc<Mutex<Blocks>>,
}

impl Remote {
    fn stretch(&self, offset: u64, length: u64) -> Result<Stream> {
        let stretch = Stretch {
            asker: Arc::clone(&self.asker),
            version: self.version.clone(),
            total: self.total,
            at: offset,
            end: offset.saturating_add(length),
            moved: Instant::now(),
        };
        stretch.start(&self.engine)
    }

    /// A small part, from what is kept or with what is around it.
    fn small(&self, offset: u64, length: u64) -> Result<Bytes> {
        if let Some(bytes) = self.blocks().get(offset, length) {
            return Ok(bytes);
        }
        let (start, asked) = around(offset, length, self.total);
        let mut stream = self.stretch(start, asked)?;
        let mut block = Vec::new();
        let read = stream.read_to_end(&mut block);
        read.map_err(|error| stream.error(error))?;
        let mut blocks = self.blocks();
        blocks.keep(start, block.into());
        let found = blocks.get(offset, length);
        found.ok_or_else(|| Error::internal("what was asked for is in the block around it"))
    }

    fn blocks(&self) -> MutexGuard<'_, Blocks> {
        lock(&self.blocks)
    }
}

impl Stored for Remote {
    fn name(&self) -> String {
        self.asker.what.to_string()
    }

    fn length(&self) -> Option<u64> {
        Some(self.total)
    }

    /// Asks nobody before the first read, which may wait: it is for threads that may.
    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>> {
        let offset = offset.min(self.total);
        let length = length.min(self.total.saturating_sub(offset));
        Ok(Box::new(Part {
            remote: self.clone(),
            offset,
            length,
            bytes: Bytes::new(),
            stream: None,
            error: None,
        }))
    }

    fn cost(&self, offset: u64, length: u64) -> Cost {
        match self.blocks().get(offset, length) {
            Some(_) => Cost::Nothing,
            None => Cost::Request,
        }
    }
}

/// A part that is fetched when it is read.
struct Part {
    remote: Remote,
    offset: u64,
    /// What has not been asked for.
    length: u64,
    bytes: Bytes,
    stream: Option<Stream>,
    error: Option<Error>,
}

impl Part {
    /// Asks for it, once.
    fn fetch(&mut self) -> Result<()> {
        let length = std::mem::take(&mut self.length);
        if length > SMALL {
            self.stream = Some(self.remote.stretch(self.offset, length)?);
        } else if length > 0 {
            self.bytes = self.remote.small(self.offset, length)?;
        }
        Ok(())
    }
}

impl io::Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Err(error) = self.fetch() {
            self.error = Some(error);
            return Err(io::ErrorKind::Other.into());
        }
        if let Some(stream) = &mut self.stream {
            return stream.read(buffer);
        }
        let count = buffer.len().min(self.bytes.len());
        self.bytes
            .split_to(count)
            .copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

impl Reader for Part {
    fn name(&self) -> PathBuf {
        PathBuf::from(self.remote.name())
    }

    fn error(&mut self, error: io::Error) -> Error {
        match (self.error.take(), &mut self.stream) {
            (Some(kept), _) => kept,
            (None, Some(stream)) => stream.error(error),
            (None, None) => Error::io(self.name(), error),
        }
    }
}
