//! Every cut, every flipped bit, every number that lies, in each layout.

use std::ops::Range;

use super::*;
use crate::vmdk::testing::{self, CAPACITY, GRAIN, GRAIN_BYTES, GRAINS};
use crate::vmdk::{FindingKind, Inflater};

/// What is changed in it, nobody can tell: comments, a name, a number of chance.
const DESCRIPTOR: Range<usize> = 512..1536;

fn check(bytes: &[u8], step: usize, threads: usize) -> Disk {
    let mut check = GrainCheck::new(Some(threads));
    for piece in bytes.chunks(step) {
        check.update(piece);
    }
    check.finish().unwrap()
}

#[test]
fn a_whole_disk_in_any_split_on_any_number_of_threads() {
    for (disk, layout) in [
        (testing::at_end(), Layout::AtEnd),
        (testing::in_front(), Layout::InFront),
    ] {
        for step in [1, 7, 511, 512, 513, 4096, 1 << 20] {
            for threads in [0, 1, 3] {
                let found = check(&disk, step, threads);
                assert_eq!(found.finding, None, "{layout:?} {step} {threads}");
                assert_eq!((found.layout, found.grains), (layout, 3));
                assert_eq!(found.capacity, Some(CAPACITY * 512));
                assert_eq!(found.populated, 3 * GRAIN_BYTES as u64);
                assert_eq!(found.has_end_marker, layout == Layout::AtEnd);
            }
        }
    }
}

#[test]
fn every_cut_is_found() {
    let disk = testing::at_end();
    for end in 0..disk.len() {
        let finding = check(&disk[..end], 4096, 0).finding.unwrap();
        assert_eq!(finding.kind, FindingKind::Cut, "{end}: {finding}");
        assert!(finding.offset <= end as u64);
    }
}

#[test]
fn a_cut_is_found_where_tables_are_in_front() {
    let disk = testing::in_front();
    let last = disk.iter().rposition(|byte| *byte != 0).unwrap();
    for end in 0..=last {
        assert!(check(&disk[..end], 4096, 0).finding.is_some(), "{end}");
    }
    // Behind its data a grain has zeros only, which nobody misses.
    for end in last + 1..=disk.len() {
        assert_eq!(check(&disk[..end], 4096, 0).finding, None, "{end}");
    }
}

/// Where the data of each grain is.
fn data_of(disk: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut walk = Walk::new();
    walk.update(disk, &mut |grain| {
        let at = usize::try_from(grain.at).unwrap() + 12;
        found.push(at..at + grain.data.len());
    })
    .unwrap();
    found
}

/// What a bit may change without being seen: nothing of the disk. Deflate has some bits that it does
/// not read, and several ways to say the same.
#[test]
fn every_flipped_bit_is_found() {
    // Version, flags, room for the descriptor, redundant directory, unclean shutdown: a footer
    // would repeat them. Then room before the directory and behind it.
    let unproved = [4..5, 8..12, 36..44, 48..56, 72..73, 1536..2048, 2060..2560];
    for (whole, unproved) in [
        (testing::at_end(), &unproved[..0]),
        (testing::in_front(), &unproved[..]),
    ] {
        let grains = data_of(&whole);
        assert_eq!(grains.len(), 3);
        let (mut disk, mut unseen) = (whole.clone(), 0);
        let bits = 8 * grains.iter().map(ExactSizeIterator::len).sum::<usize>();
        let is_proved = |at: &usize| {
            !DESCRIPTOR.contains(at) && !unproved.iter().any(|range| range.contains(at))
        };
        for at in (0..disk.len()).filter(is_proved) {
            let grain = grains.iter().position(|data| data.contains(&at));
            for bit in 0..8 {
                disk[at] ^= 1 << bit;
                if check(&disk, 1 << 20, 0).finding.is_none() {
                    let grain = grain.unwrap_or_else(|| panic!("byte {at}, bit {bit}"));
                    let mut inflater = Inflater::new();
                    let data = &disk[grains[grain].clone()];
                    let plain = inflater.inflate(data, GRAIN_BYTES, GRAIN_BYTES).unwrap();
                    assert!(
                        plain == testing::plain(GRAINS[grain]),
                        "byte {at}, bit {bit}"
                    );
                    unseen += 1;
                }
                disk[at] ^= 1 << bit;
            }
        }
        assert!(unseen < bits / 100, "{unseen} of {bits}");
    }
}

#[test]
fn the_first_flaw_says_where_it_is() {
    let mut disk = testing::at_end();
    // The checksums of the last grain and of the second.
    for grain in [2, 1] {
        let end = data_of(&disk)[grain].end;
        disk[end - 1] ^= 0x10;
    }
    for threads in [0, 2] {
        let finding = check(&disk, 512, threads).finding.unwrap();
        assert_eq!(finding.kind, FindingKind::Damaged);
        let start = GRAINS[1] * GRAIN;
        assert_eq!(finding.sectors, Some(start..start + GRAIN));
        let text = finding.to_string();
        assert!(
            text.contains("Adler-32") && text.contains("sectors 16 to 23"),
            "{text}"
        );
    }
}

#[test]
fn numbers_that_lie() {
    let whole = testing::at_end();
    for at in (0..whole.len()).step_by(4) {
        for bytes in [[0xff; 4], [0xff, 0xff, 0xff, 0x7f], [1, 0, 0, 0]] {
            let mut disk = whole.clone();
            disk[at..at + 4].copy_from_slice(&bytes);
            check(&disk, 1 << 20, 0);
        }
    }
}
