//! A marker: what stands before a grain, and before each piece of metadata.

use crate::vmdk::header::{u32_at, u64_at};

/// Bytes of it: value, size, and the type or the first data.
pub(in crate::vmdk) const MARKER: usize = 16;

/// Where a grain's data begins, counted from its marker.
pub(in crate::vmdk) const GRAIN_DATA: usize = 12;

/// What a marker says.
pub(in crate::vmdk) enum Marker {
    Grain { lba: u64, size: usize },
    End,
    Table(u64),
    Directory(u64),
    Footer(u64),
    Progress(u64),
    Unknown,
}

impl Marker {
    pub(in crate::vmdk) fn parse(bytes: &[u8]) -> Self {
        let (value, size, kind) = (u64_at(bytes, 0), u32_at(bytes, 8), u32_at(bytes, 12));
        match (size, kind) {
            (0, 0) => Self::End,
            (0, 1) => Self::Table(value),
            (0, 2) => Self::Directory(value),
            (0, 3) => Self::Footer(value),
            (0, 4) => Self::Progress(value),
            (0, _) => Self::Unknown,
            (size, _) => Self::Grain {
                lba: value,
                size: size as usize,
            },
        }
    }
}
