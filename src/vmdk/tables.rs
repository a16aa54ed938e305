//! Grain tables and the grain directory, compared with the grains that were seen.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::finding::Finding;
use super::header::{HEADER_BYTES, Header, SECTOR, TABLE_ENTRIES, u32_at};

/// Bytes of a grain table.
pub(super) const TABLE_BYTES: usize = 2048;

/// Bytes of an entry of table and directory.
const ENTRY: usize = 4;

/// Where a grain is, by its number.
type Place = (u64, u32);

/// Tables that follow their grains, and the directory that follows them all.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// Grains whose table has not come, all of one table.
    pending: Vec<Place>,
    /// Tables that came: their number, where that is known, and their sector.
    seen: Vec<(Option<u64>, u32)>,
    /// How many of them the directory has named.
    named: usize,
}

impl Tables {
    /// A grain came.
    pub(super) fn grain(&mut self, number: u64, sector: u32, at: u64) -> Result<(), Finding> {
        let table = number / TABLE_ENTRIES;
        match self.pending.first() {
            Some((first, _)) if first / TABLE_ENTRIES != table => Err(Finding::damaged(
                at,
                format!(
                    "table {} is missing before this grain",
                    first / TABLE_ENTRIES
                ),
            )),
            _ => {
                self.pending.push((number, sector));
                Ok(())
            }
        }
    }

    /// Which table comes next, if one is missing.
    pub(super) fn missing(&self) -> Option<u64> {
        self.pending
            .first()
            .map(|(number, _)| number / TABLE_ENTRIES)
    }

    /// A table came: it must say what was seen.
    pub(super) fn table(&mut self, bytes: &[u8], at: u64, header: &Header) -> Result<(), Finding> {
        let number = self.missing();
        let mut expected = self.pending.drain(..).peekable();
        for (index, entry) in entries(bytes).enumerate() {
            let is_here = |place: &Place| place.0 % TABLE_ENTRIES == index as u64;
            let place = expected.next_if(is_here).map_or(0, |(_, sector)| sector);
            if entry == place {
                continue;
            }
            let grain = number.map(|number| {
                let first = number.saturating_mul(TABLE_ENTRIES);
                sectors(first.saturating_add(index as u64), header)
            });
            let at = at.saturating_add(index.saturating_mul(ENTRY) as u64);
            let finding = Finding::damaged(
                at,
                format!("a grain table has sector {entry} where the grain is at {place} (0: none)"),
            );
            return Err(match grain {
                Some(grain) => finding.of_sectors(grain),
                None => finding,
            });
        }
        drop(expected);
        self.seen.push((number, sector_of(at)));
        Ok(())
    }

    /// A sector of the directory came, whose first entry has this number.
    pub(super) fn directory(
        &mut self,
        first: u64,
        bytes: &[u8],
        at: u64,
        header: &Header,
    ) -> Result<(), Finding> {
        for (index, entry) in (first..).zip(entries(bytes)) {
            let (number, sector) = self.seen.get(self.named).copied().unwrap_or_default();
            let is_next =
                self.named < self.seen.len() && number.is_none_or(|number| number == index);
            if entry == 0 && !(is_next && number.is_some()) {
                continue;
            }
            if !is_next || entry != sector {
                let start = index.saturating_mul(header.table_sectors());
                let end = start.saturating_add(header.table_sectors());
                let at =
                    at.saturating_add(index.saturating_sub(first).saturating_mul(ENTRY as u64));
                return Err(Finding::damaged(
                    at,
                    format!("the grain directory has sector {entry} for table {index}, which is not there"),
                )
                .of_sectors(start.min(header.capacity)..end.min(header.capacity)));
            }
            self.named = self.named.saturating_add(1);
        }
        Ok(())
    }

    /// The directory is over: it must have named them all.
    pub(super) fn directory_ends(&self, at: u64) -> Result<(), Finding> {
        let is_used = |table: &(Option<u64>, u32)| table.0.is_some();
        match self
            .seen
            .get(self.named..)
            .and_then(|rest| rest.iter().find(|table| is_used(table)))
        {
            None => Ok(()),
            Some((_, sector)) => Err(Finding::damaged(
                at,
                format!("the grain directory lacks the table at sector {sector}"),
            )),
        }
    }
}

/// Tables in front of their grains, as qemu-img and open-vmdk write them. They may be far larger than
/// what is to be kept: a sum over them is compared with one over the grains.
#[derive(Debug, Default)]
pub(super) struct FrontTables {
    /// The directory as far as it came.
    directory: Vec<u32>,
    /// Which table is read, and how many of its entries were.
    reading: (usize, u64),
    listed: Places,
    found: Places,
}

#[derive(Debug, Default)]
struct Places {
    sum: Sha256,
    count: u64,
}

impl Places {
    fn add(&mut self, (number, sector): Place) {
        self.sum.update(number.to_le_bytes());
        self.sum.update(sector.to_le_bytes());
        self.count = self.count.saturating_add(1);
    }
}

impl FrontTables {
    /// A sector before the first marker.
    pub(super) fn sector(&mut self, sector: u64, bytes: &[u8], header: &Header) {
        let tables = usize::try_from(header.tables()).unwrap_or(usize::MAX);
        if sector >= header.directory && self.directory.len() < tables {
            let left = tables.saturating_sub(self.directory.len());
            self.directory.extend(entries(bytes).take(left));
            return;
        }
        // An absent table has no sector.
        while self.directory.get(self.reading.0) == Some(&0) {
            self.reading = (self.reading.0.saturating_add(1), 0);
        }
        let (table, done) = self.reading;
        let Some(start) = self.directory.get(table) else {
            return;
        };
        let here = u64::from(*start).saturating_add(done.saturating_mul(ENTRY as u64) / SECTOR);
        if here != sector {
            return;
        }
        let first = (table as u64)
            .saturating_mul(TABLE_ENTRIES)
            .saturating_add(done);
        for (number, entry) in (first..).zip(entries(bytes)) {
            if entry > 1 || (entry == 1 && !header.has_zero_grains()) {
                self.listed.add((number, entry));
            }
        }
        let done = done.saturating_add((HEADER_BYTES / ENTRY) as u64);
        self.reading = if done >= TABLE_ENTRIES {
            (table.saturating_add(1), 0)
        } else {
            (table, done)
        };
    }

    /// A grain came.
    pub(super) fn grain(&mut self, number: u64, sector: u32) {
        self.found.add((number, sector));
    }

    /// The grains are over: they must be those that are listed.
    pub(super) fn ends(self, at: u64) -> Result<(), Finding> {
        let (listed, found) = (self.listed, self.found);
        if found.count < listed.count {
            return Err(Finding::cut(
                at,
                format!(
                    "its grain tables list {} grains, {} are there",
                    listed.count, found.count
                ),
            ));
        }
        if found.count != listed.count || found.sum.finalize() != listed.sum.finalize() {
            return Err(Finding::damaged(
                header_end(),
                "its grain tables, which are in front, list other grains than those that follow",
            ));
        }
        Ok(())
    }
}

fn header_end() -> u64 {
    SECTOR
}

/// The sectors of the disk that a grain has.
pub(super) fn sectors(number: u64, header: &Header) -> Range<u64> {
    let start = number.saturating_mul(header.grain).min(header.capacity);
    start..start.saturating_add(header.grain).min(header.capacity)
}

fn entries(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.chunks_exact(ENTRY).map(|entry| u32_at(entry, 0))
}

fn sector_of(at: u64) -> u32 {
    u32::try_from(at / SECTOR).unwrap_or(u32::MAX)
}
