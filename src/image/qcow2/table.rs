//! Entries of tables, of which a part is kept.

use super::header::u64_at;
use super::layout::ENTRY;
use crate::error::{Error, Result};
use crate::image::encode::raw::read_at;
use crate::io::Slice;

/// Kept of a file: most tables are smaller than twice that.
const KEPT: u64 = 32 * 1024;

/// Reads entries at any place.
pub(super) struct TableReader {
    source: Slice,
    /// Where the part that is kept begins.
    start: u64,
    kept: Vec<u8>,
}

impl TableReader {
    pub(super) fn new(source: Slice) -> Self {
        Self {
            source,
            start: 0,
            kept: Vec::new(),
        }
    }

    /// An entry of the table that begins at this byte.
    pub(super) fn entry(&mut self, table: u64, index: u64) -> Result<u64> {
        let at = table.saturating_add(index.saturating_mul(ENTRY));
        let start = (at / KEPT).saturating_mul(KEPT);
        if self.kept.is_empty() || start != self.start {
            let length = self.source.length.saturating_sub(start).min(KEPT);
            self.kept.clear();
            self.kept.resize(usize::try_from(length).unwrap_or(0), 0);
            self.start = start;
            read_at(&self.source, start, &mut self.kept)?;
        }
        let here = usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
        if here.saturating_add(8) > self.kept.len() {
            return Err(Error::internal("a table lies inside its file"));
        }
        Ok(u64_at(&self.kept, here))
    }
}
