//! Grain tables and the grain directory, compared with the grains that were seen.

use std::ops::Range;

use super::finding::Finding;
use super::header::{Header, SECTOR, TABLE_ENTRIES, u32_at};

/// Bytes of a grain table.
pub(super) const TABLE_BYTES: usize = 2048;

/// Bytes of an entry of table and directory.
pub(super) const ENTRY: usize = 4;

/// Where a grain is, by its number.
pub(super) type Place = (u64, u32);

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

/// The sectors of the disk that a grain has.
pub(super) fn sectors(number: u64, header: &Header) -> Range<u64> {
    let start = number.saturating_mul(header.grain).min(header.capacity);
    start..start.saturating_add(header.grain).min(header.capacity)
}

/// The entries of a table or a directory.
pub(crate) fn entries(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.chunks_exact(ENTRY).map(|entry| u32_at(entry, 0))
}

fn sector_of(at: u64) -> u32 {
    u32::try_from(at / SECTOR).unwrap_or(u32::MAX)
}
