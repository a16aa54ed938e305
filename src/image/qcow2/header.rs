//! The header of a qcow2 image, and what is refused of it.

use std::ops::RangeInclusive;

use super::layout::{ENTRY, HEADER_BYTES, MAGIC};

/// Bytes of a header that anything is read of.
pub(super) const READ_BYTES: u64 = 112;

/// Clusters of 512 bytes to 2 MiB.
const CLUSTER_BITS: RangeInclusive<u32> = 9..=21;

/// Largest disk: as for a streamOptimized VMDK.
const MOST_BYTES: u64 = 64 << 40;

/// Largest L1 table, as QEMU has it.
const MOST_L1_BYTES: u64 = 32 << 20;

/// Incompatible features, by their bits. A dirty image has wrong reference counts, which no reader needs.
const DIRTY: u64 = 1;
const CORRUPT: u64 = 2;
const DATA_FILE: u64 = 4;
const COMPRESSION_TYPE: u64 = 8;
const EXTENDED_L2: u64 = 16;

/// What a reader needs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the disk, rounded up to whole sectors.
    pub(super) size: u64,
    /// A cluster has two to the power of this many bytes.
    pub(super) cluster_bits: u32,
    /// Where the L1 table is.
    pub(super) l1: u64,
}

impl Header {
    /// Reads and checks the first bytes of an image of this length. Else what is wrong, in words.
    pub(super) fn parse(bytes: &[u8], length: u64) -> Result<Self, String> {
        let cut = || Err("it ends within its header".into());
        if !bytes.starts_with(&MAGIC) || bytes.len() < HEADER_BYTES[0] {
            return cut();
        }
        let version = u32_at(bytes, 4);
        let least = match version {
            2 => HEADER_BYTES[0],
            3 => HEADER_BYTES[1],
            _ => return Err(format!("version {version} of qcow2 is unknown")),
        };
        if bytes.len() < least {
            return cut();
        }
        if u64_at(bytes, 8) != 0 {
            return Err("it has a backing file, which has the rest of the disk; \
                        make one image of both with \"qemu-img convert\""
                .into());
        }
        if u32_at(bytes, 32) != 0 {
            return Err("it is encrypted; decrypt it with \"qemu-img convert\"".into());
        }
        if version == 3 {
            check_features(bytes)?;
        }
        let header = Self {
            size: u64_at(bytes, 24),
            cluster_bits: u32_at(bytes, 20),
            l1: u64_at(bytes, 40),
        };
        header.checked(u32_at(bytes, 36).into(), length)
    }

    fn checked(self, entries: u64, length: u64) -> Result<Self, String> {
        if !CLUSTER_BITS.contains(&self.cluster_bits) {
            return Err(format!("clusters of 2^{} bytes", self.cluster_bits));
        }
        if self.size > MOST_BYTES {
            return Err(format!("a disk of {} bytes, more than 64 TiB", self.size));
        }
        let size = self.size.next_multiple_of(512);
        let wanted = size.div_ceil(self.l2_covers());
        let bytes = wanted.saturating_mul(ENTRY);
        if entries < wanted {
            return Err(format!(
                "an L1 table of {entries} entries where the disk needs {wanted}"
            ));
        }
        if bytes > MOST_L1_BYTES {
            return Err(format!(
                "an L1 table of {bytes} bytes; {MOST_L1_BYTES} are the most"
            ));
        }
        let end = self.l1.checked_add(bytes);
        if !self.l1.is_multiple_of(self.cluster()) || end.is_none_or(|end| end > length) {
            return Err(format!("its L1 table is at byte {}, of {length}", self.l1));
        }
        Ok(Self { size, ..self })
    }

    /// Bytes of a cluster.
    pub(super) fn cluster(self) -> u64 {
        1_u64.checked_shl(self.cluster_bits).unwrap_or(1)
    }

    /// Bytes of the disk that an L2 table speaks of.
    pub(super) fn l2_covers(self) -> u64 {
        self.cluster().saturating_mul(self.cluster() / ENTRY)
    }
}

fn check_features(bytes: &[u8]) -> Result<(), String> {
    let features = u64_at(bytes, 72);
    let has_type = u32_at(bytes, 100) > 104;
    let named = [
        (
            CORRUPT,
            "it is marked as corrupt; \"qemu-img check -r all\" may mend it",
        ),
        (
            DATA_FILE,
            "its data are in an external file; make one image of both with \"qemu-img convert\"",
        ),
        (
            EXTENDED_L2,
            "it has extended L2 entries (subclusters), which are not read; \
                       \"qemu-img convert -o extended_l2=off\" makes an image without",
        ),
    ];
    for (bit, text) in named {
        if features & bit != 0 {
            return Err(text.into());
        }
    }
    if features & COMPRESSION_TYPE != 0 && has_type {
        match bytes.get(104) {
            Some(0) => {}
            Some(1) => {
                return Err("its clusters are compressed with zstd, which is not read; \
                            \"qemu-img convert -o compression_type=zlib\" makes one that is"
                    .into());
            }
            other => return Err(format!("compression type {other:?} is unknown")),
        }
    }
    let known = DIRTY | CORRUPT | DATA_FILE | COMPRESSION_TYPE | EXTENDED_L2;
    if features & !known != 0 {
        return Err(format!(
            "it needs features that are unknown here ({:#x})",
            features & !known
        ));
    }
    Ok(())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    found.map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let found = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    found.map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: u64 = 1 << 20;

    /// Version 3, clusters of 64 KiB, a disk of 1 GiB and three bytes.
    fn header() -> Vec<u8> {
        let mut bytes = vec![0; 112];
        bytes[..4].copy_from_slice(&MAGIC);
        for (at, number) in [(4, 3_u32), (20, 16), (36, 3), (96, 4), (100, 112)] {
            bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
        }
        bytes[24..32].copy_from_slice(&((1_u64 << 30) + 3).to_be_bytes());
        bytes[40..48].copy_from_slice(&0x3_0000_u64.to_be_bytes());
        bytes
    }

    #[test]
    fn what_is_read() {
        let header = Header::parse(&header(), LENGTH).unwrap();
        assert_eq!(header.size, (1 << 30) + 512);
        assert_eq!((header.cluster(), header.l1), (65_536, 0x3_0000));
        assert_eq!(header.l2_covers(), 512 << 20);
    }

    #[test]
    fn what_is_refused_is_named() {
        let cases: [(usize, &[u8], &str); 18] = [
            (0, b"QFI\xfc", "header"),
            (7, &[4], "version 4"),
            (15, &[1], "backing file"),
            (35, &[1], "encrypted"),
            (35, &[2], "encrypted"),
            (79, &[2], "corrupt"),
            (79, &[4], "external file"),
            (79, &[16], "extended L2"),
            (79, &[32], "0x20"),
            (72, &[0x80], "unknown here"),
            (23, &[8], "2^8"),
            (23, &[22], "2^22"),
            (20, &[0xff], "clusters of 2^"),
            (24, &[1], "more than 64 TiB"),
            (39, &[2], "2 entries where the disk needs 3"),
            (47, &[1], "its L1 table is at byte"),
            (40, &[0xff], "its L1 table is at byte"),
            (45, &[0x10], "its L1 table is at byte"),
        ];
        for (at, changed, said) in cases {
            let mut bytes = header();
            bytes[at..at + changed.len()].copy_from_slice(changed);
            let found = Header::parse(&bytes, LENGTH).unwrap_err();
            assert!(found.contains(said), "{at}: {found}");
        }
        for end in 0..104 {
            let found = Header::parse(&header()[..end], LENGTH).unwrap_err();
            assert_eq!(found, "it ends within its header", "{end}");
        }
    }

    #[test]
    fn compression_of_clusters() {
        let mut bytes = header();
        bytes[79] = 8;
        assert!(Header::parse(&bytes, LENGTH).is_ok());
        bytes[104] = 1;
        assert!(Header::parse(&bytes, LENGTH).unwrap_err().contains("zstd"));
        bytes[104] = 2;
        assert!(
            Header::parse(&bytes, LENGTH)
                .unwrap_err()
                .contains("unknown")
        );
    }

    #[test]
    fn a_huge_disk_of_small_clusters() {
        let mut bytes = header();
        bytes[23] = 9;
        bytes[36..40].fill(0xff);
        bytes[24..32].copy_from_slice(&(1_u64 << 45).to_be_bytes());
        let found = Header::parse(&bytes, u64::MAX).unwrap_err();
        assert!(found.contains("33554432 are the most"), "{found}");
    }
}
