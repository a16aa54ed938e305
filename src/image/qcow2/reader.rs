//! A qcow2 image that is read in pieces. Its tables are read once, in the order of the disk; nothing of
//! them is kept but the part at hand.

use super::budget::Budget;
use super::clusters::{Clusters, Extent};
use super::header::{Header, READ_BYTES};
use super::layout::{COMPRESSED, COMPRESSED_SECTOR, COPIED, OFFSET, ZERO, compressed_offset_bits};
use super::table::TableReader;
use crate::error::{Error, Result};
use crate::image::encode::pieces::{PIECE_BYTES, Piece, Pieces};
use crate::image::refused::damaged;
use crate::io::Slice;

/// An image, as far as its tables were looked at.
pub(in crate::image) struct Qcow2Disk {
    source: Slice,
    /// What it is called in messages.
    name: String,
    header: Header,
    l1: TableReader,
    l2: TableReader,
    /// Where the next cluster to be looked at is on the disk.
    at: u64,
    /// What the clusters that were found may take of the file.
    budget: Budget,
}

impl Qcow2Disk {
    /// Reads the header.
    pub(in crate::image) fn open(source: Slice, name: String) -> Result<Self> {
        let start = source.read(0, source.length.min(READ_BYTES))?;
        let header =
            Header::parse(&start, source.length).map_err(|reason| damaged(&name, &reason))?;
        Ok(Self {
            l1: TableReader::new(source.clone()),
            l2: TableReader::new(source.clone()),
            budget: Budget::new(source.length, header.cluster()),
            source,
            name,
            header,
            at: 0,
        })
    }

    /// Bytes of the disk: whole sectors.
    pub(in crate::image) fn size(&self) -> u64 {
        self.header.size
    }

    /// Where the L2 table of the disk's place is; 0 without one.
    fn l2_table(&mut self) -> Result<u64> {
        let index = self.at.checked_div(self.header.l2_covers()).unwrap_or(0);
        let entry = self.l1.entry(self.header.l1, index)?;
        let table = entry & OFFSET;
        let end = table.saturating_add(self.header.cluster());
        if !table.is_multiple_of(self.header.cluster()) || end > self.source.length {
            return Err(self.damaged(&format!("its L2 table is at byte {table}")));
        }
        if table != 0 && self.at.is_multiple_of(self.header.l2_covers()) {
            let spent = self.budget.spend(self.header.cluster());
            spent.map_err(|reason| self.damaged(reason))?;
        }
        Ok(table)
    }

    /// The next clusters, up to the end of the piece that they are in.
    fn extents(&mut self, table: u64, end: u64) -> Result<Vec<Extent>> {
        let cluster = self.header.cluster();
        let mut found: Vec<Extent> = Vec::new();
        while self.at < end {
            let in_table = self
                .at
                .saturating_sub(begin(self.at, self.header.l2_covers()));
            let index = in_table.checked_div(cluster).unwrap_or(0);
            let entry = self.l2.entry(table, index)?;
            if let Some(extent) = self.extent(entry)? {
                let spent = self.budget.spend(extent.least());
                spent.map_err(|reason| self.damaged(reason))?;
                match found.last_mut() {
                    Some(last) if last.joins(&extent) => last.grow(&extent),
                    _ => found.push(extent),
                }
            }
            self.at = self.at.saturating_add(cluster);
        }
        Ok(found)
    }

    /// What an entry says of the cluster at the disk's place; `None` where it has zeros only.
    fn extent(&self, entry: u64) -> Result<Option<Extent>> {
        let cluster = self.header.cluster();
        if entry & COMPRESSED != 0 {
            let bits = compressed_offset_bits(self.header.cluster_bits);
            let mask = 1_u64.checked_shl(bits).unwrap_or(0).wrapping_sub(1);
            let offset = entry & mask;
            let more = (entry & !(COMPRESSED | COPIED))
                .checked_shr(bits)
                .unwrap_or(0);
            let first = COMPRESSED_SECTOR.saturating_sub(offset % COMPRESSED_SECTOR);
            let length = more.saturating_mul(COMPRESSED_SECTOR).saturating_add(first);
            // The last image's last sector need not be there to its end.
            let there = self.source.length.saturating_sub(offset).min(length);
            if there == 0 {
                return Err(self.damaged(&format!("a compressed cluster is at byte {offset}")));
            }
            return Ok(Some(Extent::compressed(self.at, offset, there, cluster)));
        }
        let offset = entry & OFFSET;
        if entry & ZERO != 0 || offset == 0 {
            return Ok(None);
        }
        // The last cluster of a file need not be there to its end.
        if !offset.is_multiple_of(cluster) || offset >= self.source.length {
            return Err(self.damaged(&format!("a cluster is at byte {offset}")));
        }
        Ok(Some(Extent::plain(self.at, offset, cluster)))
    }

    fn damaged(&self, what: &str) -> Error {
        let (first, length) = (self.at / 512, self.source.length);
        damaged(
            &self.name,
            format!("it is damaged: {what}, of {length} (sector {first} of the disk)"),
        )
    }
}

impl Pieces for Qcow2Disk {
    type What = Vec<Extent>;
    type Reader = Clusters;

    fn next(&mut self) -> Result<Option<Piece<Vec<Extent>>>> {
        let (size, piece) = (self.header.size, self.piece_bytes());
        while self.at < size {
            let at = begin(self.at, piece);
            let end = at.saturating_add(piece).min(size);
            let mut what = Vec::new();
            // A piece may be of several tables where clusters are small.
            while self.at < end {
                let covers = self.header.l2_covers();
                let behind = begin(self.at, covers).saturating_add(covers);
                match self.l2_table()? {
                    0 => self.at = behind,
                    table => what.append(&mut self.extents(table, behind.min(end))?),
                }
            }
            if !what.is_empty() {
                return Ok(Some(Piece { at, what }));
            }
        }
        Ok(None)
    }

    fn reader(&self) -> Clusters {
        Clusters::new(self.source.clone(), self.name.clone(), self.header)
    }

    fn passed(&self) -> u64 {
        self.at.min(self.header.size)
    }

    /// A compressed cluster is read at once.
    fn piece_bytes(&self) -> u64 {
        self.header.cluster().max(PIECE_BYTES)
    }
}

/// Where the unit begins that a byte is in.
fn begin(at: u64, unit: u64) -> u64 {
    at.saturating_sub(at.checked_rem(unit).unwrap_or(0))
}
