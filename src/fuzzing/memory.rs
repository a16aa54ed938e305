//! Bytes in memory as something stored, as something that arrives, and as a slice.

use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::Result;
use crate::io::{Reader, Slice, Stored};

/// What it is called in messages.
pub(super) const NAME: &str = "fuzz";

/// The bytes, to be read at any place.
pub(super) struct Memory(Bytes);

impl Memory {
    pub(super) fn of(data: &[u8]) -> Arc<Self> {
        Arc::new(Self(Bytes::copy_from_slice(data)))
    }

    pub(super) fn slice(data: &[u8]) -> Slice {
        Slice::all(Self::of(data))
    }
}

impl Stored for Memory {
    fn name(&self) -> String {
        NAME.into()
    }

    fn length(&self) -> Option<u64> {
        Some(self.0.len() as u64)
    }

    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>> {
        let within = |place: u64| {
            usize::try_from(place)
                .unwrap_or(usize::MAX)
                .min(self.0.len())
        };
        let part = within(offset)..within(offset.saturating_add(length));
        Ok(Box::new(Arriving::of(self.0.slice(part))))
    }
}

/// The bytes, in order and once.
pub(super) struct Arriving(Cursor<Bytes>);

impl Arriving {
    pub(super) fn of(bytes: Bytes) -> Self {
        Self(Cursor::new(bytes))
    }
}

impl Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Reader for Arriving {
    fn name(&self) -> PathBuf {
        NAME.into()
    }
}
