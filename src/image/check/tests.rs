//! Every cut, every flipped bit, every number that lies, in the layouts of VMware, open-vmdk and qemu-img.

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
        (testing::open_vmdk(), Layout::InFront),
        (testing::qemu(), Layout::InFront),
    ] {
        for step in [1, 7, 511, 512, 513, 4096, 1 << 20] {
            for threads in [0, 1, 3] {
                let found = check(&disk, step, threads);
                assert_eq!(found.finding, None, "{layout:?} {step} {threads}");
                assert_eq!((found.layout, found.grains), (layout, 3));
                assert_eq!(found.capacity, Some(CAPACITY * 512));
                assert_eq!(found.populated, 3 * GRAIN_BYTES as u64);
                // Zeros behind the grains are one, too.
                assert!(found.has_end_marker);
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
fn every_cut_is_found_where_tables_are_in_front() {
    for disk in [testing::open_vmdk(), testing::qemu()] {
        let last = data_of(&disk)[2].end;
        for end in 0..last {
            assert!(check(&disk[..end], 4096, 0).finding.is_some(), "{end}");
        }
        // Behind the data of the last grain are zeros only, and nobody misses them.
        for end in last..=disk.len() {
            assert_eq!(check(&disk[..end], 4096, 0).finding, None, "{end}");
        }
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

/// Bits that say nothing of the disk, where tables are in front: no footer repeats the header, and no end has to
/// be there. They are 1 and 2 of the version, the flags but for those of a stream, the room for the descriptor,
/// whether the writer ended, and what makes the end a marker of progress.
fn is_free_in_front(at: usize, bit: u8, length: usize) -> bool {
    match at {
        4 => bit < 2,
        8..12 => !(at == 10 && bit < 2),
        36..44 | 72 => true,
        _ => at == length - 500 && bit == 2,
    }
}

/// Which bits of a byte are flipped: all eight. Between zeros it is one, a different one each time.
fn bits_of(whole: &[u8], at: usize) -> Range<u8> {
    let around = &whole[at.saturating_sub(8)..whole.len().min(at + 9)];
    if around.iter().any(|byte| *byte != 0) {
        return 0..8;
    }
    let bit = u8::try_from(at % 8).unwrap();
    bit..bit + 1
}

fn each_flipped_bit_is_found(whole: &[u8], is_free: fn(usize, u8, usize) -> bool) {
    let grains = data_of(whole);
    assert_eq!(grains.len(), 3);
    let (mut disk, mut unseen) = (whole.to_vec(), 0);
    let bits = 8 * grains.iter().map(ExactSizeIterator::len).sum::<usize>();
    for at in (0..disk.len()).filter(|at| !DESCRIPTOR.contains(at)) {
        let grain = grains.iter().position(|data| data.contains(&at));
        for bit in bits_of(whole, at) {
            disk[at] ^= 1 << bit;
            if !is_free(at, bit, whole.len()) && check(&disk, 1 << 20, 0).finding.is_none() {
                let grain = grain.unwrap_or_else(|| panic!("byte {at}, bit {bit}"));
                assert_same_grain(&disk[grains[grain].clone()], GRAINS[grain]);
                unseen += 1;
            }
            disk[at] ^= 1 << bit;
        }
    }
    assert!(unseen < bits / 100, "{unseen} of {bits}");
}

#[test]
fn every_flipped_bit_is_found_as_a_host_writes_it() {
    each_flipped_bit_is_found(&testing::at_end(), |_, _, _| false);
}

#[test]
fn every_flipped_bit_is_found_as_open_vmdk_writes_it() {
    each_flipped_bit_is_found(&testing::open_vmdk(), is_free_in_front);
}

#[test]
fn every_flipped_bit_is_found_as_qemu_writes_it() {
    each_flipped_bit_is_found(&testing::qemu(), is_free_in_front);
}

/// Deflate has some bits that nobody reads, and several ways to say the same.
fn assert_same_grain(data: &[u8], number: u64) {
    let mut inflater = Inflater::new();
    let plain = inflater.inflate(data, GRAIN_BYTES, GRAIN_BYTES).unwrap();
    assert!(plain == testing::plain(number), "grain {number}");
}

/// Of the text nobody can tell what a comment, a name or a number of chance was.
#[test]
fn a_flipped_bit_of_the_descriptor_is_found_or_changes_nothing() {
    let whole = testing::at_end();
    let text = |disk: &[u8]| {
        let bytes = &disk[DESCRIPTOR];
        let end = bytes.iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    };
    let length = text(&whole).len();
    let (mut disk, mut unseen) = (whole.clone(), Vec::new());
    for at in DESCRIPTOR {
        for bit in 0..8 {
            disk[at] ^= 1 << bit;
            if check(&disk, 1 << 20, 0).finding.is_none() {
                unseen.push(at - DESCRIPTOR.start);
                let text = text(&disk);
                let lines: Vec<_> = text.lines().map(str::trim).collect();
                let kind = lines
                    .iter()
                    .find_map(|line| line.strip_prefix("createType="));
                let kind = kind.unwrap().trim().trim_matches('"');
                assert_eq!(kind, "streamOptimized");
                let extent = format!("RW {CAPACITY} SPARSE");
                let extents = lines.iter().filter(|line| line.starts_with(&extent));
                assert_eq!(extents.count(), 1, "{text}");
                let parents = lines
                    .iter()
                    .filter_map(|line| line.strip_prefix("parentCID="));
                for parent in parents {
                    assert!(parent.eq_ignore_ascii_case("ffffffff"), "{text}");
                }
            }
            disk[at] ^= 1 << bit;
        }
    }
    // One byte behind the text may be more of it.
    assert!(unseen.iter().all(|at| *at <= length), "{unseen:?}");
    for part in ["createType", "streamOptimized", "SPARSE"] {
        let start = text(&whole).find(part).unwrap();
        let inside = unseen
            .iter()
            .filter(|at| (start..start + part.len()).contains(at));
        assert_eq!(inside.count(), 0, "{part}");
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
