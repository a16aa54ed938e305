//! A disk becomes a streamOptimized VMDK: raw, qcow2, or such a stream once more.
//!
//! [`kind`] says what a source is, [`raw`], [`stream`] and the `qcow2` module read it in [`pieces`], which
//! [`ring`] has compressed on all cores and hands on in their order. A disk that becomes another image goes through the ring as well.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub(super) mod kind;
pub(super) mod pieces;
pub(super) mod raw;
pub(super) mod ring;
mod stream;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::kind::SourceFormat;
use self::pieces::{Make, Pieces};
use self::raw::RawDisk;
use self::stream::StreamDisk;
use super::check::Disk;
use super::qcow2::Qcow2Disk;
use crate::error::{Error, Result};
use crate::io::staged::Staged;
use crate::io::{Overwrite, Slice, Watched};
use crate::vmdk::{GrainCompression, Layout, Packed, Packer, Shape, StreamWriter};

/// A capacity is a whole number of grains: some readers go wrong where the last one is cut short.
const UNIT: u64 = crate::vmdk::GRAIN_BYTES as u64;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct EncodingOptions {
    /// What the source is; None finds it out by its first bytes, and by its name where it is raw.
    pub format: Option<SourceFormat>,
    /// Bytes of the new disk, a multiple of 512; None is the source's size, rounded up to 64 KiB. A stream
    /// keeps its own.
    pub capacity: Option<u64>,
    /// What compresses the grains.
    pub compression: GrainCompression,
    /// Threads beside the one that writes; None is one less than there are cores.
    pub threads: Option<usize>,
}

/// A source that was opened, and what is to be made of it.
pub struct Encoding {
    source: Slice,
    disk: Opened,
    /// How long the source is, in what its progress counts.
    length: u64,
    shape: Shape,
    options: EncodingOptions,
}

enum Opened {
    Raw(RawDisk),
    Qcow2(Box<Qcow2Disk>),
    Stream(Box<StreamDisk>),
}

impl Encoding {
    /// Looks at the source. `name` is what it is called in messages, `target` the name of the new file.
    pub fn open(
        source: Slice,
        name: &str,
        target: &Path,
        options: EncodingOptions,
    ) -> Result<Self> {
        let (whole, length) = (source.clone(), source.length);
        let (disk, length, shape) = match kind::of(&source, name, options.format)? {
            SourceFormat::Vmdk => {
                let mut disk = StreamDisk::open(&source, name.to_owned())?;
                let shape = disk.shape()?;
                (Opened::Stream(Box::new(disk)), length, shape)
            }
            SourceFormat::Raw => {
                let shape = shape(length, name, target, options.capacity)?;
                (Opened::Raw(RawDisk::new(source)), length, shape)
            }
            SourceFormat::Qcow2 => {
                let disk = Qcow2Disk::open(source, name.to_owned())?;
                let shape = shape(disk.size(), name, target, options.capacity)?;
                (Opened::Qcow2(Box::new(disk)), shape.capacity(), shape)
            }
        };
        Ok(Self {
            source: whole,
            disk,
            length,
            shape,
            options,
        })
    }

    /// How much will be counted as seen.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Bytes of the new disk.
    pub fn capacity(&self) -> u64 {
        self.shape.capacity()
    }

    /// Makes the file, which gets its name when it is whole and durable.
    pub fn run(self, target: &Path, overwrite: Overwrite, watched: &Watched) -> Result<Disk> {
        let mut staged = Staged::create(target, overwrite, Arc::default())?;
        let path = staged.path();
        let written = self.write_to(staged.file(), &path, watched);
        let made = written.and_then(|disk| {
            staged.sync()?;
            // Who gave it up meanwhile does not expect it.
            watched.goes_on()?;
            staged.publish()?;
            Ok(disk)
        });
        made.inspect_err(|_| {
            // What cannot be removed has `.part` in its name.
            staged.discard();
        })
    }

    /// Writes the stream; `path` is for messages.
    pub(crate) fn write_to(
        mut self,
        out: impl Write,
        path: &Path,
        watched: &Watched,
    ) -> Result<Disk> {
        let io = |error| Error::io(path, error);
        let mut writer = StreamWriter::begin(out, &self.shape).map_err(io)?;
        let mut add = |packed: &_| writer.add(packed).map_err(io);
        match &mut self.disk {
            Opened::Raw(disk) => encode(disk, &self.options, watched, &mut add),
            Opened::Qcow2(disk) => encode(disk.as_mut(), &self.options, watched, &mut add),
            Opened::Stream(disk) => encode(disk.as_mut(), &self.options, watched, &mut add),
        }?;
        self.source.unchanged()?;
        writer.finish().map_err(io)?;
        let grains = writer.grains();
        Ok(Disk {
            capacity: Some(self.shape.capacity()),
            populated: grains.saturating_mul(UNIT),
            grains,
            layout: Layout::AtEnd,
            has_end_marker: true,
            finding: None,
        })
    }
}

fn encode<D: Pieces>(
    disk: &mut D,
    options: &EncodingOptions,
    watched: &Watched,
    add: &mut impl FnMut(&Packed) -> Result<()>,
) -> Result<()> {
    let maker = Packing::new(options.compression);
    ring::run(disk, maker, options.threads, watched, add)
}

/// Compresses the grains of a piece.
struct Packing {
    compression: GrainCompression,
    packer: Packer,
}

impl Packing {
    fn new(compression: GrainCompression) -> Self {
        Self {
            compression,
            packer: Packer::new(compression),
        }
    }
}

impl Make for Packing {
    type Made = Packed;

    fn again(&self) -> Self {
        Self::new(self.compression)
    }

    fn make(&mut self, at: u64, plain: &[u8], packed: &mut Packed) -> Result<()> {
        packed.clear();
        let done = self.packer.pack(at / UNIT, plain, packed);
        done.map_err(Error::internal)
    }
}

/// Of a disk of this size.
fn shape(size: u64, name: &str, target: &Path, capacity: Option<u64>) -> Result<Shape> {
    if let Some(capacity) = capacity.filter(|capacity| *capacity < size) {
        let text = format!(
            "it is a disk of {size} bytes, and the descriptor makes one of only {capacity} of it; \
             its ovf:capacity is wrong"
        );
        return Err(Error::package(name, text));
    }
    let capacity = capacity.unwrap_or_else(|| size.next_multiple_of(UNIT));
    if size == 0 || !capacity.is_multiple_of(512) {
        return Err(Error::InvalidArgument {
            reason: format!(
                "{name} is a disk of {size} bytes, and cannot become one of {capacity}"
            )
            .into(),
        });
    }
    let file = PathBuf::from(target.file_name().unwrap_or_default());
    Ok(Shape::new(capacity, &file.to_string_lossy()))
}
