//! What is read once, from its beginning, where a part of something stored is wanted.

use std::sync::Mutex;

use crate::error::{Error, Result};
use crate::io::{Cost, Reader, Stored};
use crate::sync::lock;

/// A reader of so many bytes.
pub(super) struct Once {
    name: String,
    length: u64,
    reader: Mutex<Option<Box<dyn Reader>>>,
}

impl Once {
    pub(super) fn new(name: String, length: u64, reader: Box<dyn Reader>) -> Self {
        Self {
            name,
            length,
            reader: Mutex::new(Some(reader)),
        }
    }
}

impl Stored for Once {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>> {
        let mut reader = lock(&self.reader);
        match reader.take() {
            Some(reader) if offset == 0 && length == self.length => Ok(reader),
            _ => Err(Error::internal("a member of a stream is read once")),
        }
    }

    fn cost(&self, _offset: u64, _length: u64) -> Cost {
        Cost::All
    }
}
