//! A disk becomes a file of another format: a streamOptimized one is read once from its begin to its end, a
//! raw one or a qcow2 image in pieces.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod pieces;
mod stream;

use std::path::Path;
use std::sync::Arc;

use super::check::Disk;
use super::encode::raw::RawDisk;
use super::encode::{SourceFormat, kind};
use super::output::{Compression, Format};
use super::qcow2::Qcow2Disk;
use super::target::{Kind, Target};
use crate::error::{Error, Result};
use crate::io::{Slice, Watched};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct ConversionOptions {
    /// What the source is; None finds it out by its first bytes, and by its name where it is raw.
    pub source_format: Option<SourceFormat>,
    /// What it becomes.
    pub format: Format,
    /// Threads beside the one that reads; None is one less than there are cores.
    pub threads: Option<usize>,
}

/// A source that was opened, and what is to be made of it.
pub struct Conversion {
    /// What it is called in messages.
    name: String,
    source: Slice,
    disk: Opened,
    /// How long the source is, in what its progress counts.
    length: u64,
    options: ConversionOptions,
}

enum Opened {
    Stream(Slice),
    Raw(RawDisk, u64),
    Qcow2(Box<Qcow2Disk>),
}

impl Conversion {
    /// Looks at the source. `name` is what it is called in messages.
    pub fn open(source: Slice, name: &str, options: ConversionOptions) -> Result<Self> {
        let found = kind::of(&source, name, options.source_format)?;
        if found != SourceFormat::Vmdk {
            check_moved(name, options.format)?;
        }
        let (whole, length) = (source.clone(), source.length);
        let (disk, length) = match found {
            SourceFormat::Vmdk => (Opened::Stream(source), length),
            SourceFormat::Raw => {
                let capacity = length.next_multiple_of(512);
                (Opened::Raw(RawDisk::new(source), capacity), length)
            }
            SourceFormat::Qcow2 => {
                let disk = Qcow2Disk::open(source, name.to_owned())?;
                let size = disk.size();
                (Opened::Qcow2(Box::new(disk)), size)
            }
        };
        if length == 0 && found != SourceFormat::Vmdk {
            let reason = format!("{name} is a disk of 0 bytes, and nothing is made of that").into();
            return Err(Error::InvalidArgument { reason });
        }
        Ok(Self {
            name: name.to_owned(),
            source: whole,
            disk,
            length,
            options,
        })
    }

    /// How much will be counted as seen.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Makes the image: a file, which gets its name when all of it is right and durable, or a device.
    pub fn run(self, target: &Path, kind: Kind, watched: &Watched) -> Result<Disk> {
        let mut target = Target::create(target, kind, Arc::default())?;
        let source = self.source.clone();
        let made = self.fill(&mut target, watched).and_then(|disk| {
            source.unchanged()?;
            target.sync()?;
            // Who gave it up meanwhile does not expect it.
            watched.goes_on()?;
            target.publish()?;
            Ok(disk)
        });
        made.inspect_err(|_| {
            // What cannot be removed has `.part` in its name, or is a device, of which is told.
            target.discard();
        })
    }

    fn fill(self, target: &mut Target, watched: &Watched) -> Result<Disk> {
        let ConversionOptions {
            format, threads, ..
        } = self.options;
        match self.disk {
            Opened::Stream(source) => {
                let writer = target.writer(&self.name, format, threads)?;
                stream::fill(writer, &source, watched)
            }
            Opened::Raw(disk, capacity) => {
                let output = target.output(format)?;
                pieces::fill(&output, disk, capacity, threads, watched)
            }
            Opened::Qcow2(disk) => {
                let (output, capacity) = (target.output(format)?, disk.size());
                pieces::fill(&output, *disk, capacity, threads, watched)
            }
        }
    }
}

/// Refuses to move what is not there.
fn check_moved(name: &str, format: Format) -> Result<()> {
    if !matches!(format, Format::Qcow2(Compression::Transplant { .. })) {
        return Ok(());
    }
    let text = format!(
        "a transplant moves the grains of a streamOptimized VMDK, and {name} is not one; \"deflate\" \
         compresses its clusters"
    );
    Err(Error::InvalidArgument {
        reason: text.into(),
    })
}
