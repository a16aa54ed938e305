//! Grains of another stream, which are moved as they are.

use super::GRAIN;
use super::packer::Packed;
use crate::vmdk::header::{HEADER_BYTES, TABLE_ENTRIES};

impl Packed {
    /// Adds a grain that is compressed already; false where it is of another table than those before
    /// it, which are to be written first.
    pub(crate) fn push(&mut self, number: u64, data: &[u8]) -> bool {
        let table = |number: u64| number / TABLE_ENTRIES;
        let first = self.grains.first();
        if first.is_some_and(|(first, _)| table(*first) != table(number)) {
            return false;
        }
        self.grains.push((number, self.bytes.len()));
        let sector = number.saturating_mul(GRAIN);
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        self.bytes.extend(sector.to_le_bytes());
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend_from_slice(data);
        let end = self.bytes.len().next_multiple_of(HEADER_BYTES);
        self.bytes.resize(end, 0);
        true
    }
}
