//! An image that grows while its stream comes: each piece is walked, each grain put at its place.

use super::check::Disk;
use super::output::Output;
use super::pool::GrainPool;
use super::refused::judged;
use super::worker::Work as _;
use crate::error::Result;
use crate::vmdk::{Finding, SECTOR, Walk};

/// The walk, and the threads that inflate and write.
pub(super) struct ImageWriter {
    /// What the stream is called in messages.
    name: String,
    output: Output,
    walk: Walk,
    pool: GrainPool<Output>,
    seen: u64,
}

impl ImageWriter {
    /// `threads` beside the caller's; None is one less than there are cores.
    pub(super) fn new(name: String, output: Output, threads: Option<usize>) -> Self {
        Self {
            name,
            pool: GrainPool::new(&output, threads),
            output,
            walk: Walk::new(),
            seen: 0,
        }
    }

    /// Takes the next bytes of the stream; an error as soon as something is known to be wrong.
    pub(super) fn update(&mut self, bytes: &[u8]) -> Result<()> {
        // The header comes first, by itself: it says how large the image is.
        let missing = SECTOR.saturating_sub(self.seen);
        let missing = usize::try_from(missing).unwrap_or(usize::MAX);
        let (header, rest) = bytes.split_at(missing.min(bytes.len()));
        if !header.is_empty() {
            self.walk(header)?;
            if let Some(header) = self.walk.header() {
                self.output.begin(header.capacity_bytes())?;
            }
        }
        self.walk(rest)
    }

    fn walk(&mut self, bytes: &[u8]) -> Result<()> {
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        let pool = &mut self.pool;
        let walked = self.walk.update(bytes, &mut |grain| pool.add(&grain));
        if walked.is_err() || self.pool.is_wrong() {
            return self.judged(walked).map(|_| ());
        }
        Ok(())
    }

    /// All has come: waits until all is written.
    pub(super) fn finish(&mut self) -> Result<Disk> {
        let pool = &mut self.pool;
        let walked = self.walk.finish(&mut |grain| pool.add(&grain));
        let disk = self.judged(walked)?;
        let end = self.pool.next().saturating_mul(SECTOR);
        let capacity = disk.capacity.unwrap_or_default();
        self.output.absent(end..capacity)?;
        self.output.finish()?;
        Ok(disk)
    }

    fn judged(&mut self, walked: Result<(), Finding>) -> Result<Disk> {
        judged(&self.name, self.pool.finish(), walked)?;
        Ok(Disk::new(&self.walk, None))
    }
}
