//! A caller's file object that is read at any place.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use super::fileobj::{PIECE_BYTES, attached};
use nfclease::error::{Error, Result};
use nfclease::io::{Reader, Stored};

/// A file object by its `StoredEnd` of `_local`, which takes its readers in turn.
pub(super) struct StoredEnd {
    end: Arc<Py<PyAny>>,
    length: u64,
}

impl StoredEnd {
    pub(super) fn new(end: Py<PyAny>, length: u64) -> Self {
        Self {
            end: Arc::new(end),
            length,
        }
    }
}

impl Stored for StoredEnd {
    fn name(&self) -> String {
        "<file object>".into()
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>> {
        Ok(Box::new(Part {
            end: Arc::clone(&self.end),
            at: offset,
            left: length,
            piece: None,
            taken: 0,
            error: None,
        }))
    }
}

struct Part {
    end: Arc<Py<PyAny>>,
    at: u64,
    left: u64,
    /// What was read last, and how much of it was handed on.
    piece: Option<PyBackedBytes>,
    taken: usize,
    error: Option<Error>,
}

impl Part {
    fn rest(&self) -> &[u8] {
        let piece = self.piece.as_ref();
        piece
            .and_then(|piece| piece.get(self.taken..))
            .unwrap_or_default()
    }

    fn fetch(&mut self) -> Result<()> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(PIECE_BYTES);
        let (end, at) = (&self.end, self.at);
        let piece = attached(|py| {
            Ok(end
                .call_method1(py, "read_at", (at, most))?
                .extract::<PyBackedBytes>(py)?)
        })?;
        let count = piece.len() as u64;
        (self.piece, self.taken) = (Some(piece), 0);
        self.at = self.at.saturating_add(count);
        self.left = self.left.saturating_sub(count);
        Ok(())
    }
}

impl io::Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest().is_empty()
            && self.left > 0
            && let Err(error) = self.fetch()
        {
            self.error = Some(error);
            return Err(io::ErrorKind::Other.into());
        }
        let rest = self.rest();
        let count = buffer.len().min(rest.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken = self.taken.saturating_add(count);
        Ok(count)
    }
}

impl Reader for Part {
    fn name(&self) -> PathBuf {
        PathBuf::from("<file object>")
    }

    fn kept(&mut self) -> Option<Error> {
        self.error.take()
    }
}
