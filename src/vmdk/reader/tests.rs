//! Tables of small streams, right and wrong.

use super::*;
use crate::vmdk::testing::{CAPACITY, GRAIN, GRAINS, at_end, open_vmdk, qemu};

fn index(disk: &[u8]) -> Result<Index, Finding> {
    let tail = disk.len() - usize::try_from(TAIL).unwrap();
    Index::new(
        disk[..512].try_into().unwrap(),
        &disk[tail..],
        disk.len() as u64,
    )
}

fn u32_in(disk: &[u8], at: u64) -> u32 {
    crate::vmdk::header::u32_at(disk, usize::try_from(at).unwrap())
}

/// What the tables of a disk say of a grain.
fn entry(disk: &[u8], index: &Index, number: u64) -> Result<Entry, Finding> {
    let place = index.place_of(number / TABLE_ENTRIES);
    let Some(table) = index.table(number / TABLE_ENTRIES, u32_in(disk, place))? else {
        return Ok(Entry::Absent);
    };
    let at = table + number % TABLE_ENTRIES * ENTRY;
    index.grain(number, u32_in(disk, at), at)
}

#[test]
fn each_grain_is_where_the_tables_say() {
    for disk in [at_end(), open_vmdk(), qemu()] {
        let index = index(&disk).unwrap();
        assert_eq!(index.grains(), CAPACITY.div_ceil(GRAIN));
        let found: Vec<u64> = (0..index.grains())
            .filter(|number| {
                let Entry::Stored(at) = entry(&disk, &index, *number).unwrap() else {
                    return false;
                };
                let marker = &disk[usize::try_from(at).unwrap()..];
                assert!(index.data(*number, at, marker).is_ok());
                assert!(index.data(number + 1, at, marker).is_err());
                true
            })
            .collect();
        assert_eq!(found, GRAINS);
    }
}

#[test]
fn no_number_leads_out_of_the_stream() {
    for disk in [at_end(), open_vmdk(), qemu()] {
        for at in (0..disk.len()).step_by(4) {
            let mut wrong = disk.clone();
            for value in [u32::MAX, 1, 2, 0x7fff_ffff] {
                wrong[at..at + 4].copy_from_slice(&value.to_le_bytes());
                let Ok(index) = index(&wrong) else { continue };
                for number in GRAINS.into_iter().chain([0, 600]) {
                    let length = wrong.len() as u64;
                    if index.place_of(number / TABLE_ENTRIES) + 4 > length {
                        continue;
                    }
                    if let Ok(Entry::Stored(place)) = entry(&wrong, &index, number) {
                        let marker = &wrong[usize::try_from(place).unwrap()..];
                        if let Ok((start, size)) = index.data(number, place, marker) {
                            assert!(start + size <= length);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_cut_stream_has_no_footer() {
    let disk = at_end();
    for length in (1024..disk.len()).step_by(512) {
        assert!(index(&disk[..length]).is_err(), "{length}");
    }
}
