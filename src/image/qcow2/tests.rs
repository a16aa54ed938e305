//! A small image whose every bit is flipped, and whose every number lies.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use libdeflater::{CompressionLvl, Compressor};

use super::Qcow2Disk;
use super::layout::{COMPRESSED, COPIED};
use crate::error::Result;
use crate::image::encode::pieces::{Pieces, ReadPiece};
use crate::io::{Reader, Slice, Stored};

const CLUSTER: usize = 1024;

/// Of the disk: the last cluster has only half of it.
const SIZE: u64 = 20 * CLUSTER as u64 + 512;

struct Memory(Arc<[u8]>);

struct Part(Cursor<Vec<u8>>);

impl std::io::Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Reader for Part {
    fn name(&self) -> PathBuf {
        "memory".into()
    }
}

impl Stored for Memory {
    fn name(&self) -> String {
        "memory".into()
    }

    fn length(&self) -> Option<u64> {
        Some(self.0.len() as u64)
    }

    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>> {
        let start = usize::try_from(offset).unwrap().min(self.0.len());
        let end = start.saturating_add(usize::try_from(length).unwrap());
        let bytes = self.0[start..end.min(self.0.len())].to_vec();
        Ok(Box::new(Part(Cursor::new(bytes))))
    }
}

/// Clusters 0, 7 and 20 are stored, 3 is compressed, 9 is said to be zero.
fn image() -> Vec<u8> {
    let mut bytes = vec![0; 4 * CLUSTER];
    bytes[..4].copy_from_slice(b"QFI\xfb");
    for (at, number) in [(4, 3_u32), (20, 10), (36, 1), (96, 4), (100, 104)] {
        bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
    }
    bytes[24..32].copy_from_slice(&SIZE.to_be_bytes());
    bytes[40..48].copy_from_slice(&(CLUSTER as u64).to_be_bytes());
    let mut entry = |table: usize, index: usize, value: u64| {
        let at = table * CLUSTER + index * 8;
        bytes[at..at + 8].copy_from_slice(&value.to_be_bytes());
    };
    let cluster = |number: u64| COPIED | (number * CLUSTER as u64);
    entry(1, 0, cluster(2));
    for (index, place) in [(0, 3), (7, 4), (20, 5)] {
        entry(2, index, cluster(place));
    }
    entry(2, 9, cluster(5) | 1);
    entry(2, 3, COMPRESSED | (6 * CLUSTER as u64 + 7));
    bytes.truncate(3 * CLUSTER);
    for letter in [b'a', b'b', b'c'] {
        bytes.extend([letter; CLUSTER]);
    }
    let plain: Vec<u8> = (0..=255).cycle().take(CLUSTER).collect();
    let mut compressed = vec![0; 2 * CLUSTER];
    let mut compressor = Compressor::new(CompressionLvl::best());
    let length = compressor.deflate_compress(&plain, &mut compressed);
    bytes.extend([0; 7]);
    bytes.extend(&compressed[..length.unwrap()]);
    bytes
}

/// The bytes of its disk, and how many were read for them.
fn read(bytes: &[u8]) -> Result<(Vec<u8>, u64)> {
    let source = Slice::all(Arc::new(Memory(bytes.into())));
    let mut disk = Qcow2Disk::open(source, "disk".into())?;
    let mut reader = disk.reader();
    let mut plain = vec![0xff; usize::try_from(disk.piece_bytes()).unwrap()];
    let (mut found, mut pieces) = (Vec::new(), 0);
    while let Some(piece) = disk.next()? {
        reader.read(&piece, &mut plain)?;
        if piece.at == 0 {
            found.clone_from(&plain);
        }
        pieces += 1;
    }
    Ok((found, pieces))
}

#[test]
fn each_cluster_is_where_it_belongs() {
    let (found, pieces) = read(&image()).unwrap();
    assert_eq!(pieces, 1);
    let cluster = |number: usize| &found[number * CLUSTER..(number + 1) * CLUSTER];
    assert!(cluster(0) == [b'a'; CLUSTER] && cluster(7) == [b'b'; CLUSTER]);
    assert!(
        cluster(3)
            .iter()
            .copied()
            .eq((0..=255).cycle().take(CLUSTER))
    );
    assert!(cluster(9) == [0; CLUSTER]);
    // What the cluster has behind the end of the disk is none of it.
    assert!(cluster(20)[..512] == [b'c'; 512]);
    assert!(found[20 * CLUSTER + 512..].iter().all(|byte| *byte == 0));
}

#[test]
fn flipped_bits_and_cuts() {
    let whole = image();
    let mut refused = 0;
    for at in 0..whole.len() {
        for bit in [0, 3, 7] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            match read(&bytes) {
                Ok((_, pieces)) => assert!(pieces <= 8, "byte {at}, bit {bit}: {pieces}"),
                Err(_) => refused += 1,
            }
        }
        let cut = read(&whole[..at]);
        assert!(at >= 3 * CLUSTER || cut.is_err(), "cut at {at}");
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn numbers_that_lie() {
    let whole = image();
    for at in (0..3 * CLUSTER).step_by(4) {
        for value in [0, 1, 0x200, 0x4000_0000, 0x7fff_ffff, u32::MAX] {
            let mut bytes = whole.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
            if let Ok((_, pieces)) = read(&bytes) {
                assert!(pieces <= 8, "{value:#x} at {at}: {pieces}");
            }
        }
    }
}
