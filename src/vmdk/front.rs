//! Grain tables and their directory in front of the grains, compared with the grains that were seen.

use sha2::{Digest as _, Sha256};

use super::finding::Finding;
use super::header::{HEADER_BYTES, Header, SECTOR, TABLE_ENTRIES};
use super::tables::{ENTRY, Place, entries};

/// Tables in front of their grains, as qemu-img and open-vmdk write them. They may be far larger than
/// what is to be kept: a sum over them is compared with one over the grains.
#[derive(Debug, Default)]
pub(super) struct FrontTables {
    first: Listing,
    /// A copy of all tables, which qemu-img writes.
    redundant: Listing,
    found: Places,
}

/// One directory and its tables.
#[derive(Debug, Default)]
struct Listing {
    /// The directory as far as it came.
    directory: Vec<u32>,
    /// Which table is read, and how many of its entries were.
    reading: (usize, u64),
    listed: Places,
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

impl Listing {
    /// A sector before the first marker; how many of its bytes are entries of these. `start` is the
    /// directory's first.
    fn sector(&mut self, start: u64, sector: u64, bytes: &[u8], header: &Header) -> usize {
        let tables = usize::try_from(header.tables()).unwrap_or(usize::MAX);
        if sector < start {
            return 0;
        }
        let left = tables.saturating_sub(self.directory.len());
        if left > 0 {
            self.directory.extend(entries(bytes).take(left));
            return left.saturating_mul(ENTRY).min(bytes.len());
        }
        self.pass_absent();
        let (table, done) = self.reading;
        let Some(start) = self.directory.get(table) else {
            return 0;
        };
        let here = u64::from(*start).saturating_add(done.saturating_mul(ENTRY as u64) / SECTOR);
        if here != sector {
            return 0;
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
        bytes.len()
    }

    /// An absent table has no sector.
    fn pass_absent(&mut self) {
        while self.directory.get(self.reading.0) == Some(&0) {
            self.reading = (self.reading.0.saturating_add(1), 0);
        }
    }

    /// The grains come: each table must have been where the directory has it.
    fn ends(&mut self, start: u64, header: &Header) -> Result<(), Finding> {
        self.pass_absent();
        let number = self.reading.0;
        if number as u64 == header.tables() {
            return Ok(());
        }
        let at = start.saturating_mul(SECTOR);
        Err(match self.directory.get(number) {
            Some(sector) => Finding::damaged(
                at.saturating_add(number.saturating_mul(ENTRY) as u64),
                format!("the grain directory has table {number} at sector {sector}, where none is"),
            ),
            None => Finding::damaged(at, "the grain directory is not whole before the grains"),
        })
    }
}

impl FrontTables {
    /// A sector before the first marker; how many of its bytes are entries of a directory or a table.
    pub(super) fn sector(&mut self, sector: u64, bytes: &[u8], header: &Header) -> usize {
        let of_first = self.first.sector(header.directory, sector, bytes, header);
        if of_first > 0 || header.redundant == 0 {
            return of_first;
        }
        self.redundant
            .sector(header.redundant, sector, bytes, header)
    }

    /// The grains come.
    pub(super) fn are_whole(&mut self, header: &Header) -> Result<(), Finding> {
        self.first.ends(header.directory, header)?;
        if header.redundant == 0 {
            return Ok(());
        }
        self.redundant.ends(header.redundant, header)?;
        let listed = [&self.first.listed, &self.redundant.listed];
        let [one, other] = listed.map(|places| (places.count, places.sum.clone().finalize()));
        if one == other {
            return Ok(());
        }
        let at = header.redundant.saturating_mul(SECTOR);
        let reason = "its second grain tables list other grains than the first";
        Err(Finding::damaged(at, reason))
    }

    /// A grain came.
    pub(super) fn grain(&mut self, number: u64, sector: u32) {
        self.found.add((number, sector));
    }

    /// The grains are over: they must be those that are listed.
    pub(super) fn ends(self, at: u64) -> Result<(), Finding> {
        let (listed, found) = (self.first.listed, self.found);
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
                SECTOR,
                "its grain tables, which are in front, list other grains than those that follow",
            ));
        }
        Ok(())
    }
}
