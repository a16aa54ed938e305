//! The kinds of image that are made of a stream.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;

use super::file::ImageFile;
use super::qcow2::Qcow2;
use super::raw::Raw;
use super::target::Size;
use super::worker::{Compressed, Way, Work};
use crate::error::{Error, Result};

/// What becomes of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Each sector at its place, sparse where the file system can.
    Raw,
    /// QEMU's, version 3, with clusters of 64 KiB.
    Qcow2(Compression),
}

/// How the clusters of a qcow2 image are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// Compressed with a window of 4 KiB, as QEMU does.
    Deflate,
    /// The grains' own deflate streams, whose window has up to 32 KiB.
    Transplant {
        /// Whether each is inflated before, and compared with its checksum.
        checked: bool,
    },
}

impl Format {
    /// How many threads pay beside the caller's; None for as many as there are. A transplant is nearly all
    /// writes, and a file takes one at a time.
    pub(super) fn threads(self) -> Option<usize> {
        let is_moved = self == Self::Qcow2(Compression::Transplant { checked: false });
        is_moved.then_some(0)
    }
}

/// One image while it is written.
#[derive(Clone)]
pub(super) enum Output {
    Raw(Raw),
    Qcow2(Box<Qcow2>),
}

impl Output {
    /// Into a file that is empty; `path` is for messages.
    pub(super) fn new(format: Format, file: &File, path: PathBuf) -> Result<Self> {
        let file = ImageFile::new(file, path)?;
        Ok(match format {
            Format::Raw => Self::Raw(Raw::new(file, None)),
            Format::Qcow2(compression) => Self::Qcow2(Box::new(Qcow2::new(&file, compression))),
        })
    }

    /// Onto a device of this size.
    pub(super) fn of_device(
        format: Format,
        file: &File,
        path: PathBuf,
        size: Size,
    ) -> Result<Self> {
        match format {
            Format::Raw => Ok(Self::Raw(Raw::new(ImageFile::new(file, path)?, Some(size)))),
            Format::Qcow2(_) => Err(Error::internal("a device gets a raw image")),
        }
    }

    /// The disk can hold so many bytes: said before its first grain.
    pub(super) fn begin(&self, capacity: u64) -> Result<()> {
        match self {
            Self::Raw(raw) => raw.begin(capacity),
            Self::Qcow2(qcow2) => qcow2.begin(capacity),
        }
    }

    /// All grains were written.
    pub(super) fn finish(&self) -> Result<()> {
        match self {
            Self::Raw(_) => Ok(()),
            Self::Qcow2(qcow2) => qcow2.finish(),
        }
    }
}

impl Work for Output {
    fn way(&self, grain: &Compressed<'_>) -> Way {
        match self {
            Self::Raw(raw) => raw.way(grain),
            Self::Qcow2(qcow2) => qcow2.way(grain),
        }
    }

    fn grain(&mut self, at: u64, plain: &[u8], stored: usize) -> Result<()> {
        match self {
            Self::Raw(raw) => raw.grain(at, plain, stored),
            Self::Qcow2(qcow2) => qcow2.grain(at, plain, stored),
        }
    }

    fn moved(&mut self, at: u64, deflated: &[u8]) -> Result<()> {
        match self {
            Self::Raw(raw) => raw.moved(at, deflated),
            Self::Qcow2(qcow2) => qcow2.moved(at, deflated),
        }
    }

    fn absent(&mut self, bytes: Range<u64>) -> Result<()> {
        match self {
            Self::Raw(raw) => raw.absent(bytes),
            Self::Qcow2(qcow2) => qcow2.absent(bytes),
        }
    }

    fn batch_ends(&mut self) -> Result<()> {
        match self {
            Self::Raw(raw) => raw.batch_ends(),
            Self::Qcow2(qcow2) => qcow2.batch_ends(),
        }
    }
}
