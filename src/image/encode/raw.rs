//! A raw disk: what has holes is not read there.

use std::io::{self, Read as _};

use super::pieces::{PIECE_BYTES, Piece, Pieces, ReadPiece};
use crate::error::{Error, Result};
use crate::io::Slice;

/// A raw disk, as far as it was looked at.
pub(in crate::image) struct RawDisk {
    source: Slice,
    at: u64,
}

impl RawDisk {
    pub(in crate::image) fn new(source: Slice) -> Self {
        Self { source, at: 0 }
    }
}

impl Pieces for RawDisk {
    type What = ();
    type Reader = RawReader;

    fn next(&mut self) -> Result<Option<Piece<()>>> {
        let Slice { stored, offset, .. } = &self.source;
        let next = stored.next_data(offset.saturating_add(self.at))?;
        let next = next.saturating_sub(*offset);
        let at = (next / PIECE_BYTES)
            .saturating_mul(PIECE_BYTES)
            .max(self.at);
        if at >= self.source.length {
            self.at = self.source.length;
            return Ok(None);
        }
        self.at = at.saturating_add(PIECE_BYTES);
        Ok(Some(Piece { at, what: () }))
    }

    fn reader(&self) -> RawReader {
        RawReader(self.source.clone())
    }

    fn passed(&self) -> u64 {
        self.at.min(self.source.length)
    }
}

/// Reads pieces of it.
pub(in crate::image) struct RawReader(Slice);

impl ReadPiece<()> for RawReader {
    fn read(&mut self, piece: &Piece<()>, plain: &mut [u8]) -> Result<()> {
        let left = self.0.length.saturating_sub(piece.at);
        let there = usize::try_from(left).unwrap_or(usize::MAX).min(plain.len());
        let (here, behind) = plain.split_at_mut(there);
        behind.fill(0);
        read_at(&self.0, piece.at, here)
    }
}

/// Fills all of it from a place of a source.
pub(in crate::image) fn read_at(source: &Slice, at: u64, bytes: &mut [u8]) -> Result<()> {
    let wanted = bytes.len() as u64;
    let offset = source.offset.saturating_add(at);
    let mut reader = source.stored.open(offset, wanted)?;
    match reader.read_exact(bytes) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Error::Truncated {
            what: source.stored.name().into(),
            seen: at,
            reason: "it ends before that; it was changed while it was read".into(),
            cause: None,
        }),
        Err(error) => Err(reader.error(error)),
    }
}
