//! Grains with their markers, filled up to whole sectors: what stands in a stream one behind the other.

use super::deflate::{Deflater, GrainCompression};
use super::{GRAIN, GRAIN_BYTES};
use crate::vmdk::header::HEADER_BYTES;

/// Grains of one table, ready to be written.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    /// Markers and data.
    pub(super) bytes: Vec<u8>,
    /// The number of each grain, and how many bytes are before it.
    pub(super) grains: Vec<(u64, usize)>,
}

impl Packed {
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
            if plain.chunks(4096).all(is_zero) {
                continue;
            }
            let start = packed.bytes.len();
            packed.grains.push((number, start));
            let sector = number.saturating_mul(GRAIN);
            packed.bytes.extend(sector.to_le_bytes());
            packed.bytes.extend([0; 4]);
            let data = packed.bytes.len();
            self.0.deflate(plain, &mut packed.bytes)?;
            let length = packed.bytes.len().saturating_sub(data);
            let length = u32::try_from(length).map_err(|_| "a grain of 4 GiB")?;
            let field = data.saturating_sub(4)..data;
            if let Some(field) = packed.bytes.get_mut(field) {
                field.copy_from_slice(&length.to_le_bytes());
            }
            let end = packed.bytes.len().next_multiple_of(HEADER_BYTES);
            packed.bytes.resize(end, 0);
        }
        Ok(())
    }
}

/// Whether nothing but zeros is in it.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |found, byte| found | byte) == 0
}
