//! Pieces that a task sends, for a thread that reads them.

use std::io;
use std::path::PathBuf;

use bytes::{Buf as _, Bytes};
use tokio::sync::mpsc;

use super::reader::Reader;
use crate::error::{Error, Result};

/// What arrives, for a thread that may wait. Whatever is to end with it is its guard.
pub(crate) struct PieceReader<G> {
    name: PathBuf,
    pieces: mpsc::Receiver<Result<Bytes>>,
    piece: Bytes,
    error: Option<Error>,
    _guard: G,
}

impl<G> PieceReader<G> {
    /// Reads what comes there.
    pub(crate) fn new(name: PathBuf, pieces: mpsc::Receiver<Result<Bytes>>, guard: G) -> Self {
        Self {
            name,
            pieces,
            piece: Bytes::new(),
            error: None,
            _guard: guard,
        }
    }
}

impl<G> io::Read for PieceReader<G> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => {
                    self.error = Some(error);
                    return Err(io::ErrorKind::Other.into());
                }
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        self.piece
            .split_to(count)
            .copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

impl<G: Send> Reader for PieceReader<G> {
    fn name(&self) -> PathBuf {
        self.name.clone()
    }

    fn kept(&mut self) -> Option<Error> {
        self.error.take()
    }
}
