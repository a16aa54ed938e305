//! The header of a streamOptimized VMDK: a stream's first sector, and once more its footer.

use super::finding::Finding;

/// The unit of the format.
pub(crate) const SECTOR: u64 = 512;

/// Bytes of a header.
pub(crate) const HEADER_BYTES: usize = 512;

/// `gdOffset` of a stream whose grain directory comes last, followed by a footer.
pub(crate) const GD_AT_END: u64 = u64::MAX;

/// Entries of a grain table; VMware has no other number.
pub(crate) const TABLE_ENTRIES: u64 = 512;

const MAGIC: &[u8; 4] = b"KDMV";

/// Compressed grains and markers: what makes a sparse extent a stream.
const STREAM_FLAGS: u32 = 0x3_0000;

/// The four bytes of `NEWLINES` are to be looked at.
const HAS_NEWLINES: u32 = 1;

/// Tables may say of a grain that it is zero.
const ZERO_GRAINS: u32 = 4;

/// What a transfer as text would have changed.
const NEWLINES: [u8; 4] = *b"\n \r\n";

/// Deflate, the only algorithm there is.
const DEFLATE: u16 = 1;

/// In sectors. The largest disk of vSphere has 62 TiB.
const MOST_CAPACITY: u64 = (64 << 40) / SECTOR;

/// In sectors: 4 KiB and 64 KiB.
const GRAINS: std::ops::RangeInclusive<u64> = 8..=128;

/// What a reader needs of it. Offsets and sizes are in sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// 1 to 3; hosts write and want 3.
    pub(crate) version: u32,
    /// As they stand there.
    pub(crate) flags: u32,
    /// Of the disk.
    pub(crate) capacity: u64,
    /// Of a grain: a power of two.
    pub(crate) grain: u64,
    /// Where the descriptor is.
    pub(crate) descriptor: u64,
    /// How long it may be.
    pub(crate) descriptor_size: u64,
    /// Where a second grain directory is; 0 without one.
    pub(crate) redundant: u64,
    /// Where the grain directory is, or `GD_AT_END`.
    pub(crate) directory: u64,
    /// What comes before the first marker.
    pub(crate) overhead: u64,
}

impl Header {
    /// Reads and checks it. `at` is where it is, for the finding.
    pub(crate) fn parse(sector: &[u8; HEADER_BYTES], at: u64) -> Result<Self, Finding> {
        let refused = |reason: String| Err(Finding::format(at, reason));
        if !sector.starts_with(MAGIC) {
            return refused(format!(
                "it starts with \"{}\" instead of \"KDMV\"",
                sector[..16].escape_ascii()
            ));
        }
        let header = Self {
            version: u32_at(sector, 4),
            flags: u32_at(sector, 8),
            capacity: u64_at(sector, 12),
            grain: u64_at(sector, 20),
            descriptor: u64_at(sector, 28),
            descriptor_size: u64_at(sector, 36),
            redundant: u64_at(sector, 48),
            directory: u64_at(sector, 56),
            overhead: u64_at(sector, 64),
        };
        if !(1..=3).contains(&header.version) {
            return refused(format!("version {} is unknown", header.version));
        }
        if header.flags & STREAM_FLAGS != STREAM_FLAGS {
            return refused(format!(
                "flags {:#x} lack compression and markers",
                header.flags
            ));
        }
        let newlines = u32_at(sector, 73).to_le_bytes();
        if header.flags & HAS_NEWLINES != 0 && newlines != NEWLINES {
            return refused("its line ends were changed, as a transfer as text does".into());
        }
        let algorithm = u16::from_le_bytes([sector[77], sector[78]]);
        if algorithm != DEFLATE {
            return refused(format!("compression algorithm {algorithm} is unknown"));
        }
        let entries = u32_at(sector, 44);
        if u64::from(entries) != TABLE_ENTRIES {
            return refused(format!(
                "grain tables of {entries} entries, not {TABLE_ENTRIES}"
            ));
        }
        if !GRAINS.contains(&header.grain) || !header.grain.is_power_of_two() {
            return refused(format!("grains of {} sectors", header.grain));
        }
        if header.capacity > MOST_CAPACITY {
            return refused(format!("a capacity of {} sectors", header.capacity));
        }
        let described = header.descriptor.checked_add(header.descriptor_size);
        let is_inside = described.is_some_and(|end| end <= header.overhead);
        if header.descriptor == 0 || !is_inside {
            return refused("it has no descriptor before its grains".into());
        }
        if header.is_in_front() && header.redundant >= header.overhead {
            let at = header.redundant;
            return refused(format!("its second grain directory is at sector {at}"));
        }
        if sector[79..].iter().any(|byte| *byte != 0) {
            return refused("bytes of its header that nothing uses are not zero".into());
        }
        Ok(header)
    }

    /// Bytes of the disk.
    pub(crate) fn capacity_bytes(&self) -> u64 {
        self.capacity.saturating_mul(SECTOR)
    }

    /// Bytes of a grain.
    pub(crate) fn grain_bytes(&self) -> usize {
        usize::try_from(self.grain.saturating_mul(SECTOR)).unwrap_or(usize::MAX)
    }

    /// The number of the grain that begins at a sector; `None` where none does.
    pub(crate) fn grain_at(&self, sector: u64) -> Option<u64> {
        let number = sector.checked_div(self.grain)?;
        let is_here = sector < self.capacity && sector.is_multiple_of(self.grain);
        is_here.then_some(number)
    }

    /// Sectors that a grain table speaks of.
    pub(crate) fn table_sectors(&self) -> u64 {
        self.grain.saturating_mul(TABLE_ENTRIES)
    }

    /// Grain tables of such a disk.
    pub(crate) fn tables(&self) -> u64 {
        self.capacity.div_ceil(self.table_sectors())
    }

    /// Whether 1 in a table stands for a grain of zeros, which has no place.
    pub(crate) fn has_zero_grains(&self) -> bool {
        self.flags & ZERO_GRAINS != 0
    }

    /// Whether the tables come before their grains.
    pub(crate) fn is_in_front(&self) -> bool {
        self.directory < self.overhead
    }
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    found.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let found = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    found.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
