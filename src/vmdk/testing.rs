//! Small streams of each layout, for tests.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// Sectors of a grain: the smallest there are, so that a table is for 2 MiB.
pub(crate) const GRAIN: u64 = 8;

/// Bytes of it.
pub(crate) const GRAIN_BYTES: usize = 4096;

/// Three grains in two tables, and one table that is empty.
pub(crate) const GRAINS: [u64; 3] = [1, 2, 1030];

/// Sectors of the disk: the last grain is cut short by its end.
pub(crate) const CAPACITY: u64 = 1031 * GRAIN - 3;

/// Where the first marker is.
pub(crate) const OVERHEAD: u64 = 4;

/// The plain bytes of a grain: pieces of noise that come again. What is nearly the same at another
/// place, as words are, a wrong distance may give with the same Adler-32.
pub(crate) fn plain(number: u64) -> Vec<u8> {
    let mut chance = fastrand::Rng::with_seed(number);
    let pieces: Vec<[u8; 64]> = (0..8).map(|_| [0; 64].map(|_: u8| chance.u8(..))).collect();
    let mut plain = Vec::new();
    while plain.len() < GRAIN_BYTES {
        plain.extend(pieces[chance.usize(..8)]);
    }
    plain
}

/// A stream in VMware's layout.
pub(crate) fn at_end() -> Vec<u8> {
    let mut disk = start(u64::MAX, OVERHEAD);
    let mut directory = vec![0_u32; 3];
    for table in 0..3_u64 {
        let mut entries = vec![0_u32; 512];
        for number in GRAINS.into_iter().filter(|number| number / 512 == table) {
            entries[usize::try_from(number % 512).unwrap()] = sector(&disk);
            push_grain(&mut disk, number);
        }
        if entries.iter().any(|entry| *entry != 0) {
            push_marker(&mut disk, 4, 1);
            directory[usize::try_from(table).unwrap()] = sector(&disk);
            push_entries(&mut disk, &entries);
        }
    }
    push_marker(&mut disk, 1, 2);
    let at = sector(&disk);
    push_entries(&mut disk, &directory);
    push_marker(&mut disk, 1, 3);
    let mut footer = disk[..512].to_vec();
    footer[56..64].copy_from_slice(&u64::from(at).to_le_bytes());
    disk.extend(footer);
    push_marker(&mut disk, 0, 0);
    disk
}

/// One in the layout of open-vmdk: its tables are in front, and an end-of-stream marker is last.
pub(crate) fn open_vmdk() -> Vec<u8> {
    let mut disk = start(OVERHEAD, OVERHEAD + LISTING);
    push_listing(&mut disk);
    fill_listings(&mut disk, &[OVERHEAD]);
    push_marker(&mut disk, 0, 0);
    disk
}

/// One in the layout of qemu-img: the tables are in front twice, with room behind them, and zeros are
/// last.
pub(crate) fn qemu() -> Vec<u8> {
    let [one, other] = [OVERHEAD, OVERHEAD + LISTING];
    let mut disk = start(other, other + LISTING + 3);
    disk[8] |= 2;
    disk[48..56].copy_from_slice(&one.to_le_bytes());
    push_listing(&mut disk);
    push_listing(&mut disk);
    disk.resize(disk.len() + 3 * 512, 0);
    fill_listings(&mut disk, &[one, other]);
    disk.resize(disk.len() + 512, 0);
    disk
}

/// Sectors of a directory and its three tables.
const LISTING: u64 = 1 + 3 * 4;

/// A directory, and tables that are empty.
fn push_listing(disk: &mut Vec<u8>) {
    let at = sector(disk);
    push_entries(disk, &[at + 1, at + 5, at + 9]);
    disk.resize(disk.len() + 12 * 512, 0);
}

/// The grains, which the tables at these places get.
fn fill_listings(disk: &mut Vec<u8>, listings: &[u64]) {
    for number in GRAINS {
        let at = sector(disk).to_le_bytes();
        for listing in listings {
            let entry = usize::try_from((listing + 1) * 512 + number * 4).unwrap();
            disk[entry..entry + 4].copy_from_slice(&at);
        }
        push_grain(disk, number);
    }
}

fn start(directory: u64, overhead: u64) -> Vec<u8> {
    let mut header = vec![0_u8; 512];
    header[..4].copy_from_slice(b"KDMV");
    header[4] = 3;
    header[8..12].copy_from_slice(&0x3_0001_u32.to_le_bytes());
    for (at, value) in [
        (12, CAPACITY),
        (20, GRAIN),
        (28, 1),
        (36, 2),
        (56, directory),
        (64, overhead),
    ] {
        header[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    header[44..48].copy_from_slice(&512_u32.to_le_bytes());
    header[73..77].copy_from_slice(b"\n \r\n");
    header[77] = 1;
    let text = format!(
        "# Disk DescriptorFile\nversion=1\nCID=7b1a5f3c\nparentCID=ffffffff\n\
         createType=\"streamOptimized\"\n\n# Extent description\nRW {CAPACITY} SPARSE \"disk.vmdk\"\n"
    );
    header.extend(text.as_bytes());
    header.resize(usize::try_from(OVERHEAD).unwrap() * 512, 0);
    header
}

fn sector(disk: &[u8]) -> u32 {
    assert!(disk.len().is_multiple_of(512));
    u32::try_from(disk.len() / 512).unwrap()
}

fn push_grain(disk: &mut Vec<u8>, number: u64) {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&plain(number)).unwrap();
    let data = encoder.finish().unwrap();
    disk.extend((number * GRAIN).to_le_bytes());
    disk.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    disk.extend(data);
    disk.resize(disk.len().next_multiple_of(512), 0);
}

fn push_marker(disk: &mut Vec<u8>, value: u64, kind: u32) {
    disk.extend(value.to_le_bytes());
    disk.extend([0; 4]);
    disk.extend(kind.to_le_bytes());
    disk.resize(disk.len() + 496, 0);
}

fn push_entries(disk: &mut Vec<u8>, entries: &[u32]) {
    disk.extend(entries.iter().flat_map(|entry| entry.to_le_bytes()));
    disk.resize(disk.len().next_multiple_of(512), 0);
}
