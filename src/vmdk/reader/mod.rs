//! A stream that is read at any place: where its tables are, and what they say.
//!
//! Nothing is read here: callers have the bytes, and ask what they mean. Each number in them is checked
//! against the length of the stream before it is followed.

#[cfg(test)]
mod tests;

use super::finding::Finding;
use super::header::{GD_AT_END, HEADER_BYTES, Header, SECTOR, TABLE_ENTRIES};
use super::tables::{self, TABLE_BYTES, sectors};
use super::walk::Layout;
use super::walk::marker::{GRAIN_DATA, MARKER, Marker};

/// Bytes of an entry of table and directory.
pub(crate) const ENTRY: u64 = tables::ENTRY as u64;

/// The last bytes of a stream whose directory is at its end: footer and end-of-stream marker.
pub(crate) const TAIL: u64 = 2 * SECTOR;

/// What a table says of a grain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Nothing: nobody wrote there.
    Absent,
    /// That it is of zeros, which are stored nowhere.
    Zero,
    /// Where its marker is, in bytes.
    Stored(u64),
}

/// Where things are in a stream of a known length.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) header: Header,
    /// Bytes of the stream.
    length: u64,
    /// Where the directory begins, in bytes.
    directory: u64,
    /// As the header says, before the footer was asked.
    layout: Layout,
}

impl Index {
    /// `tail` is the last [`TAIL`] bytes, or all of a shorter stream.
    pub(crate) fn new(
        first: &[u8; HEADER_BYTES],
        tail: &[u8],
        length: u64,
    ) -> Result<Self, Finding> {
        let mut header = Header::parse(first, 0)?;
        let layout = Layout::of(&header);
        if header.directory == GD_AT_END {
            header.directory = directory_of_footer(first, tail, length, &header)?;
        }
        let directory = header.directory.saturating_mul(SECTOR);
        let size = header.tables().saturating_mul(ENTRY);
        if directory == 0 || directory.saturating_add(size) > length {
            return Err(Finding::damaged(
                56,
                format!("a grain directory of {size} bytes at byte {directory}, beyond its end"),
            ));
        }
        Ok(Self {
            header,
            length,
            directory,
            layout,
        })
    }

    /// Bytes of the stream.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Where the tables are.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Where the directory has a table.
    pub(crate) fn place_of(&self, table: u64) -> u64 {
        self.directory.saturating_add(table.saturating_mul(ENTRY))
    }

    /// Where a table begins, by its entry in the directory; `None` where it is absent.
    pub(crate) fn table(&self, table: u64, entry: u32) -> Result<Option<u64>, Finding> {
        if entry == 0 {
            return Ok(None);
        }
        let start = u64::from(entry).saturating_mul(SECTOR);
        if start.saturating_add(TABLE_BYTES as u64) <= self.length {
            return Ok(Some(start));
        }
        Err(self.beyond(
            table,
            &format!("it has grain table {table} at sector {entry}"),
        ))
    }

    /// Two tables would be at one place.
    pub(crate) fn twice(&self, table: u64) -> Finding {
        let reason = format!("the grain directory has another table where table {table} is");
        Finding::damaged(self.place_of(table), reason).of_sectors(self.sectors_of_table(table))
    }

    fn beyond(&self, table: u64, what: &str) -> Finding {
        let reason = format!("{what}, beyond its end: it is cut, or its tables are wrong");
        Finding::damaged(self.place_of(table), reason).of_sectors(self.sectors_of_table(table))
    }

    fn sectors_of_table(&self, table: u64) -> std::ops::Range<u64> {
        let size = self.header.table_sectors();
        let start = table.saturating_mul(size).min(self.header.capacity);
        start..start.saturating_add(size).min(self.header.capacity)
    }

    /// What the entry of a grain says; `at` is where it is.
    pub(crate) fn grain(&self, number: u64, entry: u32, at: u64) -> Result<Entry, Finding> {
        let start = u64::from(entry).saturating_mul(SECTOR);
        match entry {
            0 => Ok(Entry::Absent),
            1 if self.header.has_zero_grains() => Ok(Entry::Zero),
            _ if u64::from(entry) < self.header.overhead => {
                let reason =
                    format!("a grain table has a grain at sector {entry}, before the first");
                Err(Finding::damaged(at, reason).of_sectors(sectors(number, &self.header)))
            }
            _ if start.saturating_add(MARKER as u64) > self.length => {
                let reason = format!(
                    "a grain table has a grain at sector {entry}, beyond its end: \
                     it is cut, or its tables are wrong"
                );
                Err(Finding::damaged(at, reason).of_sectors(sectors(number, &self.header)))
            }
            _ => Ok(Entry::Stored(start)),
        }
    }

    /// Where the compressed data of a grain is, by its marker: the first byte, and how many.
    pub(crate) fn data(&self, number: u64, at: u64, marker: &[u8]) -> Result<(u64, u64), Finding> {
        let wrong = |reason: String| {
            Err(Finding::damaged(at, reason).of_sectors(sectors(number, &self.header)))
        };
        let Marker::Grain { lba, size } = Marker::parse(marker) else {
            return wrong("no grain is where a grain table has one".into());
        };
        if self.header.grain_at(lba) != Some(number) {
            return wrong(format!(
                "the grain of sector {lba} is where a grain table has that of sector {}",
                number.saturating_mul(self.header.grain)
            ));
        }
        let most = self.header.grain_bytes().saturating_mul(2);
        if size > most {
            return wrong(format!(
                "a grain of {size} compressed bytes; {most} are the most"
            ));
        }
        let start = at.saturating_add(GRAIN_DATA as u64);
        if start.saturating_add(size as u64) > self.length {
            let reason = "it ends within a grain";
            return Err(Finding::cut(self.length, reason).of_sectors(sectors(number, &self.header)));
        }
        Ok((start, size as u64))
    }

    /// The bytes of the disk that a grain has.
    pub(crate) fn grain_length(&self, number: u64) -> usize {
        let sectors = sectors(number, &self.header);
        let length = sectors.end.saturating_sub(sectors.start);
        usize::try_from(length.saturating_mul(SECTOR)).unwrap_or(usize::MAX)
    }

    /// A grain that cannot be inflated.
    pub(crate) fn damaged(&self, number: u64, at: u64, reason: &str) -> Finding {
        Finding::grain(at, sectors(number, &self.header), reason)
    }

    /// How many grains the disk has room for.
    pub(crate) fn grains(&self) -> u64 {
        self.header.capacity.div_ceil(self.header.grain)
    }

    /// How many of them a table speaks of.
    pub(crate) fn grains_of_table(&self, table: u64) -> u64 {
        let first = table.saturating_mul(TABLE_ENTRIES);
        self.grains().saturating_sub(first).min(TABLE_ENTRIES)
    }
}

/// What the footer says, which is the header but for this.
fn directory_of_footer(
    first: &[u8; HEADER_BYTES],
    tail: &[u8],
    length: u64,
    header: &Header,
) -> Result<u64, Finding> {
    let missing = || {
        let reason = "neither footer nor end-of-stream marker is at its end";
        Err(Finding::cut(length, reason).of_sectors(0..header.capacity))
    };
    let Some((sector, end)) = tail.split_first_chunk::<HEADER_BYTES>() else {
        return missing();
    };
    let is_end = end.len() == HEADER_BYTES && end.iter().all(|byte| *byte == 0);
    if !is_end || !sector.starts_with(&first[..4]) {
        return missing();
    }
    let at = length.saturating_sub(TAIL);
    let footer = Header::parse(sector, at)?;
    let said = Header {
        directory: header.directory,
        ..footer
    };
    if said != *header {
        let reason = "header and footer differ in more than the place of the directory";
        return Err(Finding::damaged(at, reason));
    }
    Ok(footer.directory)
}
