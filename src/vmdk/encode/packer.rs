//! Grains with their markers, filled up to whole sectors: what stands in a stream one behind the other.

use super::deflate::{Deflater, GrainCompression};
use super::{GRAIN, GRAIN_BYTES};
use crate::vmdk::header::{HEADER_BYTES, TABLE_ENTRIES};

/// Bytes of the length in a grain's marker, which ends it.
const LENGTH_BYTES: usize = 4;

/// Grains of one table, ready to be written.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    /// Markers and data.
    pub(super) bytes: Vec<u8>,
    /// The number of each grain, and how many bytes are before it.
    pub(super) grains: Vec<(u64, usize)>,
}

impl Packed {
    /// Adds a grain that is compressed already; false where it is of another table than those before
    /// it, which are to be written first.
    pub(crate) fn push(&mut self, number: u64, data: &[u8]) -> bool {
        let table = |number: u64| number / TABLE_ENTRIES;
        let first = self.grains.first();
        if first.is_some_and(|(first, _)| table(*first) != table(number)) {
            return false;
        }
        let start = self.begin(number);
        self.bytes.extend_from_slice(data);
        self.end(start);
        true
    }

    /// Writes the marker of a grain, whose data begin at the byte that it returns.
    fn begin(&mut self, number: u64) -> usize {
        self.grains.push((number, self.bytes.len()));
        let sector = number.saturating_mul(GRAIN);
        self.bytes.extend(sector.to_le_bytes());
        self.bytes.extend([0; LENGTH_BYTES]);
        self.bytes.len()
    }

    /// The data that begin at `start` have come: puts their length into the marker, and fills up the
    /// sector.
    fn end(&mut self, start: usize) {
        // No grain comes near 4 GiB.
        let length = u32::try_from(self.bytes.len().saturating_sub(start)).unwrap_or(u32::MAX);
        let field = start.saturating_sub(LENGTH_BYTES)..start;
        if let Some(field) = self.bytes.get_mut(field) {
            field.copy_from_slice(&length.to_le_bytes());
        }
        let end = self.bytes.len().next_multiple_of(HEADER_BYTES);
        self.bytes.resize(end, 0);
    }

    /// Nothing is in it any more; its room stays.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.grains.clear();
    }
}

/// One thread's part.
pub(crate) struct Packer(Deflater);

impl Packer {
    pub(crate) fn new(compression: GrainCompression) -> Self {
        Self(Deflater::new(compression))
    }

    /// Packs the grains of these plain bytes, which begin with the grain of this number and have whole
    /// ones. A grain of zeros is left out.
    pub(crate) fn pack(
        &mut self,
        first: u64,
        plain: &[u8],
        packed: &mut Packed,
    ) -> Result<(), String> {
        for (number, plain) in (first..).zip(plain.chunks_exact(GRAIN_BYTES)) {
            if is_zero(plain) {
                continue;
            }
            let start = packed.begin(number);
            self.0.deflate(plain, &mut packed.bytes)?;
            packed.end(start);
        }
        Ok(())
    }
}

/// Whether nothing but zeros is in it: what a hole has, too.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    // Piece by piece, since most that is not zero begins so.
    let is_zero = |piece: &[u8]| piece.iter().fold(0, |found, byte| found | byte) == 0;
    bytes.chunks(512).all(is_zero)
}
