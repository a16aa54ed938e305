//! Where things are in a qcow2 image, and what the entries of its tables say (QEMU,
//! docs/interop/qcow2.rst). All numbers are big endian.

/// An image's first bytes.
pub(in crate::image) const MAGIC: [u8; 4] = *b"QFI\xfb";

/// Bytes of a header of version 2, and of what version 3 has at least.
pub(in crate::image) const HEADER_BYTES: [usize; 2] = [72, 104];

/// Bytes of a cluster as QEMU makes it, and we: as much as a grain.
pub(in crate::image) const CLUSTER_BITS: u32 = 16;

/// Bytes of an entry of a table, but for refcounts.
pub(in crate::image) const ENTRY: u64 = 8;

/// Deflate makes at most so many bytes of one: a code of a bit has 258 at most.
pub(in crate::image) const MOST_DEFLATED: u64 = 1032;

/// Of an entry of a table: nobody else refers to what it refers to.
pub(in crate::image) const COPIED: u64 = 1 << 63;

/// Of an L2 entry: its cluster is compressed.
pub(in crate::image) const COMPRESSED: u64 = 1 << 62;

/// Of an L2 entry: the cluster is of zeros.
pub(in crate::image) const ZERO: u64 = 1;

/// Where something begins, in an entry of a table.
pub(in crate::image) const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;

/// The unit of a compressed cluster's length.
pub(in crate::image) const COMPRESSED_SECTOR: u64 = 512;

/// Bits of a compressed cluster's L2 entry that say where it begins; those above have how many sectors
/// it touches beside the first.
pub(in crate::image) const fn compressed_offset_bits(cluster_bits: u32) -> u32 {
    62_u32.saturating_sub(cluster_bits.saturating_sub(8))
}
