//! Which parts of a disk are stored, as `qemu-img map` tells it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::OpenDisk;
use super::tables::{Table, TableWalk};
use crate::error::Result;
use crate::vmdk::Entry;

/// How a part of the disk is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Not at all: it reads as zeros.
    Absent,
    /// As a mark in the tables that it is of zeros.
    Zero,
    /// In grains, the first of which is there in the stream.
    Data {
        /// Where its marker is, in bytes.
        offset: u64,
    },
}

impl Stored {
    fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// Some bytes of the disk that are stored in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where they begin.
    pub start: u64,
    /// How many they are.
    pub length: u64,
    /// How they are stored.
    pub stored: Stored,
}

/// All extents of a disk, in order; two that follow each other differ.
pub struct Extents {
    disk: Arc<OpenDisk>,
    walk: TableWalk,
    whole: VecDeque<Extent>,
    /// The one that may still grow.
    last: Option<Extent>,
}

impl Extents {
    /// Of this disk.
    pub fn new(disk: Arc<OpenDisk>) -> Self {
        Self {
            disk,
            walk: TableWalk::default(),
            whole: VecDeque::new(),
            last: None,
        }
    }

    /// The next ones, about so many; none after the last.
    pub fn next(&mut self, count: usize) -> Result<Vec<Extent>> {
        while self.whole.len() < count {
            let Some(table) = self.walk.next(&self.disk)? else {
                self.whole.extend(self.last.take());
                break;
            };
            self.take(table);
        }
        let now = self.whole.len().min(count);
        Ok(self.whole.drain(..now).collect())
    }

    fn take(&mut self, table: Table) {
        let Some(entries) = table.entries else {
            return self.add(table.first, table.count, Stored::Absent);
        };
        for (number, entry) in (table.first..).zip(entries) {
            let stored = match entry {
                Entry::Absent => Stored::Absent,
                Entry::Zero => Stored::Zero,
                Entry::Stored(offset) => Stored::Data { offset },
            };
            self.add(number, 1, stored);
        }
    }

    /// So many grains from this one on.
    fn add(&mut self, number: u64, count: u64, stored: Stored) {
        let grain = self.disk.index.header.grain_bytes() as u64;
        let start = number.saturating_mul(grain);
        let end = start.saturating_add(count.saturating_mul(grain));
        let end = end.min(self.disk.size());
        match &mut self.last {
            Some(last) if last.stored.is_like(stored) => {
                last.length = end.saturating_sub(last.start);
            }
            _ => {
                let length = end.saturating_sub(start);
                let before = self.last.replace(Extent {
                    start,
                    length,
                    stored,
                });
                self.whole.extend(before);
            }
        }
    }
}
