//! A stream that some other tool wrote becomes one in VMware's layout, in one pass: what its grains have
//! is moved as it is. A file that is not a disk is copied.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod grains;
mod mover;

use self::mover::Mover;
use super::check::Disk;
use crate::error::Result;
use crate::io::sink_writer::SinkWriter;
use crate::io::{ChecksumType, Digest, Sink, Slice, Watched};

/// What is done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// It is copied.
    Copy,
    /// It is a disk, whose grains are moved. All but what is compressed is checked.
    Move,
    /// The same, and every grain is checked as well.
    Check,
}

/// One file that is read once, and written anew.
pub struct Rewriting {
    /// The file.
    pub source: Slice,
    /// What it is called in messages.
    pub name: String,
    /// What is done with it.
    pub treatment: Treatment,
    /// Sums of what is read.
    pub read_sums: Vec<ChecksumType>,
    /// The sum of what is written.
    pub written_sum: Option<ChecksumType>,
}

/// What was written.
pub struct Rewritten {
    /// Bytes of it.
    pub size: u64,
    /// The sums of what was read, in the order in which they were asked for.
    pub read_sums: Vec<String>,
    /// The sum of what was written.
    pub written_sum: Option<String>,
    /// The disk, as it was before.
    pub disk: Option<Disk>,
}

impl Rewriting {
    /// Writes it. What is there already is as it was, unless all went well.
    pub fn run(self, sink: Box<dyn Sink>, watched: &Watched) -> Result<Rewritten> {
        let mut out = SinkWriter::new(sink, self.written_sum);
        let written = self.write(&mut out, watched);
        let written = written.and_then(|(read_sums, disk)| {
            out.prepare()?;
            // Who stopped it meanwhile wants no new file.
            watched.goes_on()?;
            let (size, written_sum) = out.commit()?;
            Ok(Rewritten {
                size,
                read_sums,
                written_sum,
                disk,
            })
        });
        written.map_err(|error| {
            // What cannot be removed has `.part` in its name.
            out.discard();
            out.kept().unwrap_or(error)
        })
    }

    fn write(
        &self,
        out: &mut SinkWriter,
        watched: &Watched,
    ) -> Result<(Vec<String>, Option<Disk>)> {
        out.expect(self.source.length)?;
        let mut digests: Vec<_> = self.read_sums.iter().copied().map(Digest::new).collect();
        let mut way = match self.treatment {
            Treatment::Copy => Way::Copy(out, &self.name),
            Treatment::Move => Way::Move(Box::new(Mover::new(&self.name, out, false))),
            Treatment::Check => Way::Move(Box::new(Mover::new(&self.name, out, true))),
        };
        self.source.each(watched, |bytes| {
            for digest in &mut digests {
                digest.update(bytes);
            }
            way.take(bytes)
        })?;
        let disk = way.finish()?;
        Ok((digests.into_iter().map(Digest::finish).collect(), disk))
    }
}

enum Way<'a> {
    Copy(&'a mut SinkWriter, &'a str),
    Move(Box<Mover<'a>>),
}

impl Way<'_> {
    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Copy(out, name) => mover::written(name, std::io::Write::write_all(out, bytes)),
            Self::Move(mover) => mover.update(bytes),
        }
    }

    fn finish(self) -> Result<Option<Disk>> {
        match self {
            Self::Copy(..) => Ok(None),
            Self::Move(mover) => mover.finish().map(Some),
        }
    }
}

#[cfg(test)]
mod tests;
