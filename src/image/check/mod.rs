//! A stream that is checked to the grain while it passes.

#[cfg(test)]
mod tests;

use std::fmt;

use crate::error::Result;
use crate::image::pool::GrainPool;
use crate::image::worker::{Nothing, Wrong};
use crate::vmdk::{Finding, Header, Layout, Walk};

/// What is known of a disk, all of which was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Bytes that it can hold; `None` without a header.
    pub capacity: Option<u64>,
    /// Bytes of it that have a grain.
    pub populated: u64,
    /// Its grains.
    pub grains: u64,
    /// Where its grain directory is.
    pub layout: Layout,
    /// Whether an end-of-stream marker came.
    pub has_end_marker: bool,
    /// The first thing that is wrong, if anything is.
    pub finding: Option<Finding>,
}

impl Disk {
    pub(super) fn new(walk: &Walk, finding: Option<Finding>) -> Self {
        let grain = walk
            .header()
            .map_or(0, |header| header.grain_bytes() as u64);
        Self {
            capacity: walk.header().map(Header::capacity_bytes),
            populated: walk.grains().saturating_mul(grain),
            grains: walk.grains(),
            layout: walk.layout(),
            has_end_marker: walk.has_end_marker(),
            finding,
        }
    }
}

/// The walk, and the threads that inflate.
pub(crate) struct GrainCheck {
    walk: Walk,
    pool: GrainPool<Nothing>,
    /// Of the walk: nothing behind it is looked at.
    finding: Option<Finding>,
}

impl fmt::Debug for GrainCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrainCheck")
            .field("finding", &self.finding)
            .finish_non_exhaustive()
    }
}

impl GrainCheck {
    /// Nothing has come yet. `threads` beside the caller's; None is one less than there are cores.
    pub(crate) fn new(threads: Option<usize>) -> Self {
        Self {
            walk: Walk::new(),
            pool: GrainPool::new(&Nothing, threads),
            finding: None,
        }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if self.finding.is_none() {
            let pool = &mut self.pool;
            self.finding = self.walk.update(bytes, &mut |grain| pool.add(&grain)).err();
        }
    }

    /// Whether bytes came.
    pub(crate) fn has_begun(&self) -> bool {
        self.walk.has_begun()
    }

    /// Whether something is wrong, so far as it is known.
    pub(crate) fn is_wrong(&self) -> bool {
        self.finding.is_some() || self.pool.is_wrong()
    }

    /// Judges the whole: of what is wrong, the first in the stream.
    pub(crate) fn finish(mut self) -> Result<Disk> {
        if self.finding.is_none() {
            let pool = &mut self.pool;
            self.finding = self.walk.finish(&mut |grain| pool.add(&grain)).err();
        }
        match self.pool.finish() {
            Ok(()) => {}
            Err(Wrong::Failed(error)) => return Err(error),
            Err(Wrong::Damaged(grain)) => {
                let walked = self.finding.take();
                let is_first = walked
                    .as_ref()
                    .is_some_and(|walked| walked.offset < grain.offset);
                self.finding = if is_first { walked } else { Some(grain) };
            }
        }
        Ok(Disk::new(&self.walk, self.finding))
    }
}
