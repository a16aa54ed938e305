//! How long a new stream's disk is, and the descriptor inside it.

use super::GRAIN;
use crate::vmdk::descriptor::text as text_in;
use crate::vmdk::header::{GD_AT_END, Header, SECTOR, TABLE_ENTRIES};

/// Sectors that a new descriptor has. Tools that add a line to it do not look whether there is room.
const ROOM: u64 = 20;

/// Sectors before the first marker, as VMware has them.
const OVERHEAD: u64 = 128;

/// Geometry of a disk, as VMware computes it from the size.
const HEADS: u64 = 255;
const TRACK: u64 = 63;
const MOST_CYLINDERS: u64 = 65_535;

/// Longest name of an extent that is taken over.
const MOST_NAME: usize = 100;

/// What stands before the first marker.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(super) header: Header,
    /// Text, and zeros behind it.
    pub(super) descriptor: Vec<u8>,
}

impl Shape {
    /// Of a new disk of so many bytes, which are whole sectors. `name` is that of its file.
    pub(crate) fn new(capacity: u64, name: &str) -> Self {
        let capacity = capacity / SECTOR;
        Self::of(capacity, ROOM, OVERHEAD, text(capacity, name).into_bytes())
    }

    /// Of a stream that is written once more: its descriptor stays as it is, and its place.
    pub(crate) fn again(header: &Header, descriptor: &[u8]) -> Self {
        let (capacity, room) = (header.capacity, header.descriptor_size);
        let is_theirs = header.descriptor == 1 && !header.is_in_front();
        let text = text_in(descriptor);
        if is_theirs && (1..OVERHEAD).contains(&room) && header.overhead == OVERHEAD {
            return Self::of(capacity, room, OVERHEAD, text.to_vec());
        }
        let room = (text.len() as u64).div_ceil(SECTOR).max(ROOM);
        let overhead = room.saturating_add(1).next_multiple_of(GRAIN);
        Self::of(capacity, room, overhead, text.to_vec())
    }

    fn of(capacity: u64, room: u64, overhead: u64, descriptor: Vec<u8>) -> Self {
        let header = Header {
            version: 3,
            // Line ends to be looked at, compressed grains, markers.
            flags: 0x3_0001,
            capacity,
            grain: GRAIN,
            descriptor: 1,
            descriptor_size: room,
            redundant: 0,
            directory: GD_AT_END,
            overhead,
        };
        Self { header, descriptor }
    }

    /// Bytes of the disk.
    pub(crate) fn capacity(&self) -> u64 {
        self.header.capacity_bytes()
    }

    /// The first bytes of the stream, up to the first marker.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = sector(&self.header);
        bytes.extend_from_slice(&self.descriptor);
        let overhead = self.header.overhead.saturating_mul(SECTOR);
        bytes.resize(usize::try_from(overhead).unwrap_or(bytes.len()), 0);
        bytes
    }
}

/// A header's sector.
pub(super) fn sector(header: &Header) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    bytes.extend(b"KDMV");
    bytes.extend(header.version.to_le_bytes());
    bytes.extend(header.flags.to_le_bytes());
    for number in [
        header.capacity,
        header.grain,
        header.descriptor,
        header.descriptor_size,
    ] {
        bytes.extend(number.to_le_bytes());
    }
    let entries = u32::try_from(TABLE_ENTRIES).unwrap_or_default();
    bytes.extend(entries.to_le_bytes());
    for number in [header.redundant, header.directory, header.overhead] {
        bytes.extend(number.to_le_bytes());
    }
    // Clean shutdown, line ends, deflate.
    bytes.extend(b"\0\n \r\n\x01\0");
    bytes.resize(512, 0);
    bytes
}

/// The CID is that of a disk nobody has written to, so that the same disk gives the same bytes.
fn text(capacity: u64, name: &str) -> String {
    let cylinders = (capacity / (HEADS * TRACK)).clamp(1, MOST_CYLINDERS);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._- ".contains(c);
    let is_taken = name.len() <= MOST_NAME && name.chars().all(is_plain) && !name.is_empty();
    let name = if is_taken { name } else { "disk.vmdk" };
    format!(
        "# Disk DescriptorFile\n\
         version=1\n\
         CID=fffffffe\n\
         parentCID=ffffffff\n\
         createType=\"streamOptimized\"\n\
         \n\
         # Extent description\n\
         RW {capacity} SPARSE \"{name}\"\n\
         \n\
         # The Disk Data Base\n\
         #DDB\n\
         \n\
         ddb.adapterType = \"lsilogic\"\n\
         ddb.geometry.cylinders = \"{cylinders}\"\n\
         ddb.geometry.heads = \"{HEADS}\"\n\
         ddb.geometry.sectors = \"{TRACK}\"\n\
         ddb.toolsVersion = \"2147483647\"\n\
         ddb.virtualHWVersion = \"4\"\n"
    )
}
