//! A streamOptimized disk, read once from its begin to its end, becomes a file of another format.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::check::Disk;
use super::pool::GrainPool;
use super::raw::Raw;
use super::worker::{Work, Wrong};
use crate::error::{Error, Result};
use crate::io::staged::Staged;
use crate::io::{Overwrite, Slice, Watched};
use crate::vmdk::{Finding, FindingKind, Walk};

/// Read at once.
const BUFFER_BYTES: usize = 1024 * 1024;

/// What is to be made of what.
pub struct Conversion {
    /// The stream.
    pub source: Slice,
    /// What it is called in messages.
    pub name: String,
    /// The new file, which gets its name when all of it is right and durable.
    pub target: PathBuf,
    /// Whether one that is there may be replaced.
    pub overwrite: Overwrite,
    /// Threads beside the one that reads; None is one less than there are cores.
    pub threads: Option<usize>,
}

impl Conversion {
    /// Makes a raw image, which is sparse where the file system can.
    pub fn to_raw(self, watched: &Watched) -> Result<Disk> {
        let mut staged = Staged::create(&self.target, self.overwrite, Arc::default())?;
        let made = self.fill(&mut staged, watched).and_then(|disk| {
            staged.sync()?;
            staged.publish()?;
            Ok(disk)
        });
        made.inspect_err(|_| {
            // What cannot be removed has `.part` in its name.
            staged.discard();
        })
    }

    fn fill(&self, staged: &mut Staged, watched: &Watched) -> Result<Disk> {
        let path = staged.path();
        let mut pool = GrainPool::new(&Raw::new(staged.file(), path.clone())?, self.threads);
        let mut walk = Walk::new();
        let mut reader = self
            .source
            .stored
            .open(self.source.offset, self.source.length)?;
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut length = None;
        loop {
            watched.goes_on()?;
            let count = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(reader.error(error)),
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            let walked = walk.update(bytes, &mut |grain| pool.add(&grain));
            walked.map_err(|finding| self.flawed(&finding, &mut pool))?;
            if let (None, Some(header)) = (length, walk.header()) {
                let bytes = header.capacity_bytes();
                let sized = staged.file().set_len(bytes);
                sized.map_err(|e| Error::io(&path, e))?;
                length = Some(bytes);
            }
            if pool.is_wrong() {
                break;
            }
            watched.count(count as u64);
        }
        let walked = if pool.is_wrong() {
            Ok(())
        } else {
            walk.finish(&mut |grain| pool.add(&grain))
        };
        match (pool.finish(), walked) {
            (Err(wrong), _) => Err(self.wrong(wrong)),
            (Ok(()), Err(finding)) => Err(self.refused(&finding)),
            (Ok(()), Ok(())) => Ok(Disk::new(&walk, None)),
        }
    }

    /// A grain before that place may be wrong, too.
    fn flawed<W: Work>(&self, finding: &Finding, pool: &mut GrainPool<W>) -> Error {
        match pool.finish() {
            Err(wrong) => self.wrong(wrong),
            Ok(()) => self.refused(finding),
        }
    }

    fn wrong(&self, wrong: Wrong) -> Error {
        match wrong {
            Wrong::Failed(error) => error,
            Wrong::Damaged(finding) => self.refused(&finding),
        }
    }

    fn refused(&self, finding: &Finding) -> Error {
        let what = self.name.as_str().into();
        let reason = finding.place().to_string().into();
        match finding.kind {
            FindingKind::Cut => Error::Truncated {
                what,
                seen: self.source.length,
                reason,
                cause: None,
            },
            FindingKind::Format | FindingKind::Damaged => Error::DiskFormat { what, reason },
        }
    }
}
