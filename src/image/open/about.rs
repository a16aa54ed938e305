//! What a disk is, by its header, its descriptor and its tables.

use super::tables::TableWalk;
use super::{MARKER, OpenDisk};
use crate::error::Result;
use crate::vmdk::{Entry, Layout, SECTOR, descriptor};

/// Parts of the disk in the picture of what is stored.
const CELLS: usize = 64;

/// What is known of a disk without reading its grains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Bytes that it can hold.
    pub capacity: u64,
    /// Bytes of a grain.
    pub grain_size: u64,
    /// Of the format.
    pub version: u32,
    /// Where tables and directory are.
    pub layout: Layout,
    /// Whether an end-of-stream marker is where its grains or its footer end.
    pub has_end_marker: bool,
    /// Grains that are stored.
    pub grains: u64,
    /// Grains that the tables say are of zeros.
    pub zero_grains: u64,
    /// The text in it, by its names.
    pub descriptor: Vec<(String, String)>,
    /// Of each 64th of the disk, which part is stored, in thousandths.
    pub cells: Vec<u16>,
}

impl OpenDisk {
    /// Reads all tables, and no grain.
    pub fn about(&self) -> Result<About> {
        let mut cells = [0_u64; CELLS];
        let (mut grains, mut zero_grains, mut last) = (0_u64, 0_u64, None);
        let mut walk = TableWalk::default();
        while let Some(table) = walk.next(self)? {
            for (number, entry) in (table.first..).zip(table.entries.unwrap_or_default()) {
                match entry {
                    Entry::Absent => {}
                    Entry::Zero => zero_grains = zero_grains.saturating_add(1),
                    Entry::Stored(place) => {
                        grains = grains.saturating_add(1);
                        last = last.max(Some((place, number)));
                        if let Some(cell) = cells.get_mut(self.cell_of(number)) {
                            *cell = cell.saturating_add(1);
                        }
                    }
                }
            }
        }
        Ok(About {
            capacity: self.size(),
            grain_size: self.index.header.grain_bytes() as u64,
            version: self.index.header.version,
            layout: self.index.layout(),
            has_end_marker: self.has_end_marker(last)?,
            grains,
            zero_grains,
            descriptor: descriptor::fields(&self.descriptor),
            cells: self.shares(&cells),
        })
    }

    fn cell_of(&self, number: u64) -> usize {
        let grains = self.index.grains().max(1);
        let cell = number.saturating_mul(CELLS as u64).checked_div(grains);
        usize::try_from(cell.unwrap_or_default()).unwrap_or(usize::MAX)
    }

    /// A disk with fewer grains than cells has cells without a grain of their own: they show that of
    /// the grain that they lie in.
    fn shares(&self, cells: &[u64]) -> Vec<u16> {
        let grains = self.index.grains();
        let first = |cell: u64| cell.saturating_mul(grains).div_ceil(CELLS as u64);
        let mut shares: Vec<u16> = Vec::with_capacity(cells.len());
        for (cell, stored) in (0_u64..).zip(cells) {
            let own = first(cell.saturating_add(1)).saturating_sub(first(cell));
            let share = stored.saturating_mul(1000).checked_div(own);
            let before = shares.last().copied().unwrap_or_default();
            shares.push(share.map_or(before, |share| u16::try_from(share).unwrap_or(1000)));
        }
        shares
    }

    /// Behind the footer one was found when the disk was opened; else it comes behind the last grain.
    fn has_end_marker(&self, last: Option<(u64, u64)>) -> Result<bool> {
        if self.index.layout() == Layout::AtEnd {
            return Ok(true);
        }
        let end = match last {
            Some((place, number)) => {
                let (start, size) = self.data_of(number, place)?;
                let end = start.saturating_add(size);
                end.checked_next_multiple_of(SECTOR).unwrap_or(u64::MAX)
            }
            None => self.index.header.overhead.saturating_mul(SECTOR),
        };
        if end.saturating_add(MARKER) > self.index.length() {
            return Ok(false);
        }
        let marker = self.slice.read(end, MARKER)?;
        Ok(marker.iter().all(|byte| *byte == 0))
    }
}
