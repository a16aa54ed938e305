//! How often each cluster of a new image is used: its refcount table and the blocks that it lists.
//!
//! In memory are the places of the blocks and the counts of the last one: those of clusters further in
//! front do not change any more, so that their blocks are written.

use super::space::{CLUSTER, ENTRIES, listed, too_large};
use crate::error::{Error, Result};
use crate::image::file::ImageFile;

/// Counts of 16 bits in a block.
pub(super) const COUNTS: u64 = CLUSTER / 2;

/// The counts of an image as far as it has grown.
pub(super) struct Counts {
    file: ImageFile,
    /// Where the table goes, and the clusters that it has.
    pub(super) table_at: u64,
    pub(super) table_clusters: u64,
    /// Where the blocks are.
    blocks: Vec<u64>,
    /// Counts of the last block.
    last: Vec<u16>,
}

impl Counts {
    /// Of at most so many clusters beside the blocks; the first block is this cluster.
    pub(super) fn new(file: ImageFile, most: u64, block: u64) -> Result<Self> {
        let blocks = most.div_ceil(COUNTS - 1);
        let mut counts = Self {
            file,
            table_at: 0,
            table_clusters: blocks.div_ceil(ENTRIES),
            blocks: vec![block * CLUSTER],
            last: vec![0; usize::try_from(COUNTS).map_err(|_| too_large())?],
        };
        counts.count(block)?;
        Ok(counts)
    }

    /// Whether a cluster is the first of those that a block counts. It is that block itself.
    pub(super) fn begins_block(cluster: u64) -> bool {
        cluster.is_multiple_of(COUNTS)
    }

    /// One more use of a cluster of the last block.
    pub(super) fn count(&mut self, cluster: u64) -> Result<()> {
        let index = usize::try_from(cluster % COUNTS).unwrap_or(usize::MAX);
        let count = self.last.get_mut(index);
        let counted = count.and_then(|count| {
            *count = count.checked_add(1)?;
            Some(())
        });
        counted.ok_or_else(|| Error::internal("a cluster has fewer parts than 65,536"))
    }

    /// The next block begins, in this cluster: the counts of the one before it are final.
    pub(super) fn next_block(&mut self, cluster: u64) -> Result<()> {
        self.write()?;
        if self.blocks.len() as u64 >= self.table_clusters * ENTRIES {
            return Err(Error::internal(
                "an image has as many clusters as were expected",
            ));
        }
        self.last.fill(0);
        self.blocks.push(cluster * CLUSTER);
        self.count(cluster)
    }

    /// Writes the last block and the table.
    pub(super) fn finish(&self) -> Result<()> {
        self.write()?;
        self.file.write(&listed(&self.blocks, 0), self.table_at)
    }

    fn write(&self) -> Result<()> {
        let counts = self.last.iter().flat_map(|count| count.to_be_bytes());
        let at = self.blocks.last().copied().unwrap_or(CLUSTER);
        self.file.write(&counts.collect::<Vec<_>>(), at)
    }
}
