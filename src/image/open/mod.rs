//! A streamOptimized disk that is read at any place, by many threads at once.
//!
//! Header, footer and descriptor are read when it is opened; of tables and grains only those that are
//! asked for, and some are kept.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod about;
mod cache;
mod extents;
mod tables;

use std::sync::{Arc, Mutex};

use self::cache::Cache;
use crate::error::{Error, Result};
use crate::image::refused::refused;
use crate::io::Slice;
use crate::sync::lock;
use crate::vmdk::descriptor::{self, MOST_SECTORS};
use crate::vmdk::{ENTRY, Entry, Finding, Index, Inflater, SECTOR, TABLE_ENTRIES, TAIL};

pub use self::about::About;
pub use self::extents::{Extent, Extents, Stored};

/// Bytes of the tables that are read and kept at once.
const PAGE: u64 = 4096;

/// How many of these are kept: 1 MiB, which tells of 4 GiB to 8 GiB of the disk.
const PAGES: usize = 256;

/// Bytes of grains that are kept.
const GRAIN_BYTES: usize = 4 * 1024 * 1024;

/// The most that one read gives.
const MOST_READ: u64 = 4 * 1024 * 1024;

/// Bytes of a marker, with the type.
const MARKER: u64 = 16;

/// A disk that is open.
pub struct OpenDisk {
    name: String,
    slice: Slice,
    index: Index,
    /// Its text.
    descriptor: Vec<u8>,
    pages: Cache,
    grains: Cache,
    /// Those that no thread uses.
    inflaters: Mutex<Vec<Inflater>>,
}

impl OpenDisk {
    /// Reads what says where the rest is. `name` is what messages call it.
    pub fn open(name: String, slice: Slice) -> Result<Self> {
        let length = slice.length;
        let refuse = |finding: &Finding| refused(&name, finding);
        let first = slice.read(0, length.min(SECTOR))?;
        let Some(first) = first.first_chunk() else {
            let reason = format!("only {length} bytes, less than a header");
            return Err(refuse(&Finding::cut(length, reason)));
        };
        let tail = length.saturating_sub(TAIL);
        let tail = slice.read(tail, length.saturating_sub(tail))?;
        let index = Index::new(first, &tail, length).map_err(|finding| refuse(&finding))?;
        let sectors = index.header.descriptor_size.min(MOST_SECTORS);
        let at = index.header.descriptor.saturating_mul(SECTOR);
        let size = sectors.saturating_mul(SECTOR);
        if at.saturating_add(size) > length {
            return Err(refuse(&Finding::cut(
                length,
                "it ends within its descriptor",
            )));
        }
        let descriptor = slice.read(at, size)?;
        descriptor::check(&descriptor, &index.header).map_err(|finding| refuse(&finding))?;
        let grains = GRAIN_BYTES.checked_div(index.header.grain_bytes());
        Ok(Self {
            grains: Cache::new(grains.unwrap_or_default().max(1)),
            pages: Cache::new(PAGES),
            inflaters: Mutex::default(),
            name,
            slice,
            index,
            descriptor,
        })
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of the disk.
    pub fn size(&self) -> u64 {
        self.index.header.capacity_bytes()
    }

    /// The bytes of the disk from there on: fewer than were asked for at its end, and 4 MiB at most.
    pub fn read_at(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        let end = offset
            .saturating_add(length.min(MOST_READ))
            .min(self.size());
        let grain = self.index.header.grain_bytes() as u64;
        let mut bytes = Vec::with_capacity(to_usize(end.saturating_sub(offset)));
        let mut at = offset;
        while at < end {
            let number = at.checked_div(grain).unwrap_or_default();
            let from = at.checked_rem(grain).unwrap_or_default();
            let count = grain.saturating_sub(from).min(end.saturating_sub(at));
            let (from, now) = (to_usize(from), to_usize(count));
            match self.entry(number)? {
                Entry::Absent | Entry::Zero => bytes.resize(bytes.len().saturating_add(now), 0),
                Entry::Stored(place) => {
                    let plain = self.grain(number, place)?;
                    let part = plain.get(from..from.saturating_add(now));
                    bytes.extend_from_slice(part.unwrap_or_default());
                }
            }
            at = at.saturating_add(count);
        }
        Ok(bytes)
    }

    /// What its table says of a grain.
    fn entry(&self, number: u64) -> Result<Entry> {
        let (table, within) = (number / TABLE_ENTRIES, number % TABLE_ENTRIES);
        let Some(start) = self.table(table)? else {
            return Ok(Entry::Absent);
        };
        let at = start.saturating_add(within.saturating_mul(ENTRY));
        let entry = self.index.grain(number, self.number_at(at)?, at);
        entry.map_err(|finding| self.refused(&finding))
    }

    /// Where a table begins.
    fn table(&self, table: u64) -> Result<Option<u64>> {
        let entry = self.number_at(self.index.place_of(table))?;
        let start = self.index.table(table, entry);
        start.map_err(|finding| self.refused(&finding))
    }

    /// An entry of a table or the directory.
    fn number_at(&self, at: u64) -> Result<u32> {
        let (page, within) = (at / PAGE, to_usize(at % PAGE));
        let bytes = if let Some(kept) = self.pages.get(page) {
            kept
        } else {
            let start = page.saturating_mul(PAGE);
            let left = self.index.length().saturating_sub(start);
            let read = Arc::from(self.slice.read(start, left.min(PAGE))?);
            self.pages.put(page, &read);
            read
        };
        let entry = bytes.get(within..).and_then(|rest| rest.first_chunk());
        let entry = entry.ok_or_else(|| Error::internal("a table lies inside its stream"))?;
        Ok(u32::from_le_bytes(*entry))
    }

    /// The plain bytes of a grain, whose marker is there.
    fn grain(&self, number: u64, place: u64) -> Result<Arc<[u8]>> {
        if let Some(kept) = self.grains.get(number) {
            return Ok(kept);
        }
        let (start, size) = self.data_of(number, place)?;
        let data = self.slice.read(start, size)?;
        let mut inflater = lock(&self.inflaters).pop().unwrap_or_else(Inflater::new);
        let full = self.index.header.grain_bytes();
        let plain = inflater
            .inflate(&data, full, self.index.grain_length(number))
            .map(Arc::<[u8]>::from)
            .map_err(|reason| self.refused(&self.index.damaged(number, place, &reason)))?;
        lock(&self.inflaters).push(inflater);
        self.grains.put(number, &plain);
        Ok(plain)
    }

    /// Where the data of a grain is, whose marker is there.
    fn data_of(&self, number: u64, place: u64) -> Result<(u64, u64)> {
        let marker = self.slice.read(place, MARKER)?;
        let data = self.index.data(number, place, &marker);
        data.map_err(|finding| self.refused(&finding))
    }

    fn refused(&self, finding: &Finding) -> Error {
        refused(&self.name, finding)
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
