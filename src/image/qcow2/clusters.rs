//! Clusters that are read, and inflated where they are compressed.

use libdeflater::Decompressor;

use super::header::Header;
use super::layout::MOST_DEFLATED;
use crate::error::Result;
use crate::image::encode::pieces::{Piece, ReadPiece};
use crate::image::encode::raw::read_at;
use crate::image::refused::damaged;
use crate::io::Slice;

/// Clusters that are stored one behind the other, or one that is compressed.
#[derive(Debug)]
pub(in crate::image) struct Extent {
    /// Where on the disk.
    at: u64,
    /// Where in the file.
    offset: u64,
    /// Bytes of the disk.
    length: u64,
    /// Bytes in the file, of one that is compressed.
    compressed: Option<u64>,
}

impl Extent {
    pub(super) fn plain(at: u64, offset: u64, length: u64) -> Self {
        Self {
            at,
            offset,
            length,
            compressed: None,
        }
    }

    pub(super) fn compressed(at: u64, offset: u64, bytes: u64, length: u64) -> Self {
        Self {
            at,
            offset,
            length,
            compressed: Some(bytes),
        }
    }

    /// Bytes that it takes of the file at least.
    pub(super) fn least(&self) -> u64 {
        match self.compressed {
            Some(_) => (self.length / MOST_DEFLATED).max(1),
            None => self.length,
        }
    }

    /// Whether the other one goes on where it ends.
    pub(super) fn joins(&self, next: &Self) -> bool {
        let goes_on = |start: u64, next: u64| start.checked_add(self.length) == Some(next);
        let are_plain = self.compressed.is_none() && next.compressed.is_none();
        are_plain && goes_on(self.at, next.at) && goes_on(self.offset, next.offset)
    }

    /// Takes the other one in.
    pub(super) fn grow(&mut self, next: &Self) {
        self.length = self.length.saturating_add(next.length);
    }
}

/// Reads pieces on one thread.
pub(in crate::image) struct Clusters {
    source: Slice,
    name: String,
    header: Header,
    stored: Vec<u8>,
    decompressor: Decompressor,
}

impl Clusters {
    pub(super) fn new(source: Slice, name: String, header: Header) -> Self {
        Self {
            source,
            name,
            header,
            stored: Vec::new(),
            decompressor: Decompressor::new(),
        }
    }

    fn fill(&mut self, extent: &Extent, plain: &mut [u8]) -> Result<()> {
        let Some(bytes) = extent.compressed else {
            // What a file lacks of its last cluster is zero.
            let there = self.source.length.saturating_sub(extent.offset);
            let there = there.min(plain.len() as u64);
            let there = usize::try_from(there).unwrap_or(usize::MAX);
            let here = plain.get_mut(..there).unwrap_or_default();
            return read_at(&self.source, extent.offset, here);
        };
        self.stored.clear();
        self.stored.resize(usize::try_from(bytes).unwrap_or(0), 0);
        read_at(&self.source, extent.offset, &mut self.stored)?;
        let inflated = self.decompressor.deflate_decompress(&self.stored, plain);
        match inflated {
            Ok(count) if count == plain.len() => Ok(()),
            other => {
                let what = match other {
                    Ok(count) => format!("has {count} bytes, not {}", plain.len()),
                    Err(_) => "cannot be decompressed".into(),
                };
                let (offset, sector) = (extent.offset, extent.at / 512);
                Err(damaged(
                    &self.name,
                    format!(
                        "it is damaged: the compressed cluster at byte {offset} {what} \
                         (sector {sector} of the disk)"
                    ),
                ))
            }
        }
    }
}

impl ReadPiece<Vec<Extent>> for Clusters {
    fn read(&mut self, piece: &Piece<Vec<Extent>>, plain: &mut [u8]) -> Result<()> {
        plain.fill(0);
        for extent in &piece.what {
            let start = usize::try_from(extent.at.saturating_sub(piece.at)).unwrap_or(usize::MAX);
            let end = start.saturating_add(usize::try_from(extent.length).unwrap_or(usize::MAX));
            self.fill(extent, plain.get_mut(start..end).unwrap_or_default())?;
        }
        let left = self.header.size.saturating_sub(piece.at);
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        if let Some(behind) = plain.get_mut(left..) {
            behind.fill(0);
        }
        Ok(())
    }
}
