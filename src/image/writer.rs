//! A raw image that grows while its stream comes: each piece is walked, each grain put at its place.

use std::fs::File;
use std::path::PathBuf;

use super::check::Disk;
use super::pool::GrainPool;
use super::raw::Raw;
use super::refused::refused;
use super::worker::Wrong;
use crate::error::{Error, Result};
use crate::vmdk::{Finding, Walk};

/// The walk, and the threads that inflate and write.
pub(super) struct RawWriter {
    /// What the stream is called in messages.
    name: String,
    file: File,
    path: PathBuf,
    walk: Walk,
    pool: GrainPool<Raw>,
    /// Whether the file is as long as the disk.
    is_sized: bool,
    seen: u64,
}

impl RawWriter {
    /// Into a file that is new; `path` is for messages. `threads` beside the caller's; None is one less
    /// than there are cores.
    pub(super) fn new(
        name: String,
        file: &File,
        path: PathBuf,
        threads: Option<usize>,
    ) -> Result<Self> {
        let own = file.try_clone().map_err(|e| Error::io(&path, e))?;
        Ok(Self {
            name,
            pool: GrainPool::new(&Raw::new(file, path.clone())?, threads),
            file: own,
            path,
            walk: Walk::new(),
            is_sized: false,
            seen: 0,
        })
    }

    /// Takes the next bytes of the stream; an error as soon as something is known to be wrong.
    pub(super) fn update(&mut self, bytes: &[u8]) -> Result<()> {
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        let pool = &mut self.pool;
        let walked = self.walk.update(bytes, &mut |grain| pool.add(&grain));
        if walked.is_err() || self.pool.is_wrong() {
            return self.judged(walked).map(|_| ());
        }
        if let (false, Some(header)) = (self.is_sized, self.walk.header()) {
            let sized = self.file.set_len(header.capacity_bytes());
            sized.map_err(|e| Error::io(&self.path, e))?;
            self.is_sized = true;
        }
        Ok(())
    }

    /// All has come: waits until all is written.
    pub(super) fn finish(&mut self) -> Result<Disk> {
        let pool = &mut self.pool;
        let walked = self.walk.finish(&mut |grain| pool.add(&grain));
        self.judged(walked)
    }

    /// A grain before the end of the walk may be wrong, too.
    fn judged(&mut self, walked: std::result::Result<(), Finding>) -> Result<Disk> {
        match (self.pool.finish(), walked) {
            (Err(Wrong::Failed(error)), _) => Err(error),
            (Err(Wrong::Damaged(finding)), _) | (Ok(()), Err(finding)) => {
                Err(refused(&self.name, self.seen, &finding))
            }
            (Ok(()), Ok(())) => Ok(Disk::new(&self.walk, None)),
        }
    }
}
