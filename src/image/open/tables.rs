//! All tables of a disk, one after the other.

use std::collections::HashSet;

use super::OpenDisk;
use crate::error::Result;
use crate::vmdk::{ENTRY, Entry, TABLE_ENTRIES, entries};

/// A walk over the tables. None of them is read twice, so that its time is that of the stream's length.
#[derive(Default)]
pub(super) struct TableWalk {
    /// The next table.
    table: u64,
    /// Where tables are.
    places: HashSet<u64>,
}

/// What a table says.
pub(super) struct Table {
    /// Its first grain, and how many it speaks of.
    pub(super) first: u64,
    pub(super) count: u64,
    /// The entry of each; none where the table is absent, and all its grains with it.
    pub(super) entries: Option<Vec<Entry>>,
}

impl TableWalk {
    /// The next table; `None` after the last.
    pub(super) fn next(&mut self, disk: &OpenDisk) -> Result<Option<Table>> {
        let (index, table) = (&disk.index, self.table);
        if table >= index.header.tables() {
            return Ok(None);
        }
        self.table = table.saturating_add(1);
        let (first, count) = (
            table.saturating_mul(TABLE_ENTRIES),
            index.grains_of_table(table),
        );
        let Some(start) = disk.table(table)? else {
            return Ok(Some(Table {
                first,
                count,
                entries: None,
            }));
        };
        if !self.places.insert(start) {
            return Err(disk.refused(&index.twice(table)));
        }
        let bytes = disk.slice.read(start, count.saturating_mul(ENTRY))?;
        let entries = (first..).zip(entries(&bytes)).map(|(number, entry)| {
            let before = number.saturating_sub(first).saturating_mul(ENTRY);
            index.grain(number, entry, start.saturating_add(before))
        });
        let entries: std::result::Result<Vec<_>, _> = entries.collect();
        Ok(Some(Table {
            first,
            count,
            entries: Some(entries.map_err(|finding| disk.refused(&finding))?),
        }))
    }
}
