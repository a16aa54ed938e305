//! A file at an address whose server answers no Range: each reading is a download of its own.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::address::Address;
use super::opening::{Opened, open};
use super::whole::Whole;
use crate::error::{Error, Result};
use crate::io::{Cost, Reader, Stored};
use crate::sync::lock;
use crate::transfer::Engine;

/// A whole file, as often as it is asked for. Cheap to clone.
#[derive(Clone)]
pub(super) struct Repeated {
    engine: Arc<Engine>,
    address: Address,
    length: u64,
    /// The answer that told its length, until it is read.
    first: Arc<Mutex<Option<Whole>>>,
}

impl Repeated {
    pub(super) fn new(engine: Arc<Engine>, address: Address, first: Whole) -> Result<Self> {
        let length = first.length().ok_or_else(|| {
            let reason = "the server does not say how long it is, and an upload has to announce it";
            Error::protocol(first.name(), reason)
        })?;
        Ok(Self {
            engine,
            address,
            length,
            first: Arc::new(Mutex::new(Some(first))),
        })
    }

    /// A reader that has passed so many bytes.
    fn read(&self, passed: u64) -> Result<Box<dyn Reader>> {
        let first = lock(&self.first).take();
        let mut reader = first.map_or_else(|| self.again(), Ok)?.read()?;
        let copied = io::copy(&mut reader.by_ref().take(passed), &mut io::sink());
        copied.map_err(|error| reader.error(error))?;
        Ok(reader)
    }

    fn again(&self) -> Result<Whole> {
        let whole = match open(&self.engine, self.address.clone())? {
            Opened::InOrder(whole) if whole.length() == Some(self.length) => Some(*whole),
            _ => None,
        };
        whole.ok_or_else(|| {
            let reason = "the file changed at the server; start again";
            Error::protocol(self.address.what(), reason)
        })
    }
}

impl Stored for Repeated {
    fn name(&self) -> String {
        self.address.what().to_string()
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    /// Asks nobody before the first read, which may wait: it is for threads that may.
    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>> {
        Ok(Box::new(Part {
            file: self.clone(),
            offset,
            left: length,
            reader: None,
            error: None,
        }))
    }

    fn cost(&self, _offset: u64, _length: u64) -> Cost {
        Cost::All
    }
}

/// A part that is fetched when it is read, with all that is before it.
struct Part {
    file: Repeated,
    offset: u64,
    left: u64,
    reader: Option<Box<dyn Reader>>,
    error: Option<Error>,
}

impl Part {
    fn reader(&mut self) -> io::Result<&mut Box<dyn Reader>> {
        if self.reader.is_none() {
            match self.file.read(self.offset) {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => self.error = Some(error),
            }
        }
        self.reader
            .as_mut()
            .ok_or_else(|| io::ErrorKind::Other.into())
    }
}

impl io::Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left;
        if left == 0 {
            return Ok(0);
        }
        let count = self.reader()?.by_ref().take(left).read(buffer)?;
        self.left = left.saturating_sub(count as u64);
        Ok(count)
    }
}

impl Reader for Part {
    fn name(&self) -> PathBuf {
        PathBuf::from(self.file.name())
    }

    fn error(&mut self, error: io::Error) -> Error {
        match (self.error.take(), &mut self.reader) {
            (Some(kept), _) => kept,
            (None, Some(reader)) => reader.error(error),
            (None, None) => Error::io(self.name(), error),
        }
    }
}
