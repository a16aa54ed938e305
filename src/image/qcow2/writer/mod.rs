//! A qcow2 image that grows by clusters in any order: each is written where there is room, and then its
//! entry in the L2 table.
//!
//! L2 tables are never in memory. They begin as holes of the file, whose zeros say that nothing is
//! there, and entries are written in place, those of one batch together.

mod counts;
mod deflate;
mod space;

use std::sync::{Arc, Mutex};

use self::deflate::Deflater;
use self::space::{CLUSTER, ENTRIES, Space};
use super::layout::{
    CLUSTER_BITS, COMPRESSED, COMPRESSED_SECTOR, COPIED, ENTRY, MOST_DEFLATED,
    compressed_offset_bits,
};
use crate::error::{Error, Result};
use crate::image::file::ImageFile;
use crate::image::output::Compression;
use crate::image::worker::{Compressed, Way, Work};
use crate::sync::lock;
use crate::vmdk::{is_zero, stored_blocks, unwrapped};

/// Bytes of a cluster, as a length.
const CLUSTER_BYTES: usize = 1 << CLUSTER_BITS;

/// Deflate makes no cluster of less.
const LEAST_DEFLATED: u64 = CLUSTER / MOST_DEFLATED;

/// A grain that its writer could not make shorter than this is not tried again.
const INCOMPRESSIBLE: usize = CLUSTER_BYTES / 32 * 31;

/// One thread's part of the image.
pub(in crate::image) struct Qcow2 {
    file: ImageFile,
    compression: Compression,
    /// Set when the header has come.
    space: Arc<Mutex<Option<Space>>>,
    deflater: Deflater,
    /// A cluster of several grains, or the last one of a disk, as far as it has come.
    part: Part,
    /// Clusters that were written, by number, and their entries.
    entries: Vec<(u64, u64)>,
}

#[derive(Default)]
struct Part {
    number: Option<u64>,
    plain: Vec<u8>,
    /// Compressed bytes of its grains.
    stored: usize,
}

impl Clone for Qcow2 {
    /// The same image for another thread.
    fn clone(&self) -> Self {
        Self::of(&self.file, self.compression, &self.space)
    }
}

impl Qcow2 {
    /// In a file that is empty.
    pub(in crate::image) fn new(file: &ImageFile, compression: Compression) -> Self {
        Self::of(file, compression, &Arc::default())
    }

    fn of(file: &ImageFile, compression: Compression, space: &Arc<Mutex<Option<Space>>>) -> Self {
        Self {
            file: file.clone(),
            compression,
            space: Arc::clone(space),
            deflater: Deflater::default(),
            part: Part::default(),
            entries: Vec::new(),
        }
    }

    /// The disk has so many bytes.
    pub(in crate::image) fn begin(&self, capacity: u64) -> Result<()> {
        *lock(&self.space) = Some(Space::new(self.file.clone(), capacity)?);
        Ok(())
    }

    /// All clusters were written by all threads.
    pub(in crate::image) fn finish(&self) -> Result<()> {
        self.space(Space::finish)
    }

    fn space<T>(&self, work: impl FnOnce(&mut Space) -> Result<T>) -> Result<T> {
        let mut space = lock(&self.space);
        let space = space.as_mut();
        work(space.ok_or_else(|| Error::internal("a disk has a header before its grains"))?)
    }

    /// Writes a whole cluster, whose grains had so many compressed bytes.
    fn cluster(&mut self, number: u64, plain: &[u8], stored: usize) -> Result<()> {
        let is_worth_it = self.compression != Compression::None && stored < INCOMPRESSIBLE;
        if is_worth_it && !is_zero(plain) {
            let mut own = std::mem::take(&mut self.deflater);
            let written = match own.deflate(plain)? {
                Some(deflated) => self.compressed(number, deflated).map(|()| true),
                None => Ok(false),
            };
            self.deflater = own;
            if written? {
                return Ok(());
            }
        }
        self.plain(number, &[plain])
    }

    /// Writes a cluster as it is, unless it has zeros alone.
    fn plain(&mut self, number: u64, pieces: &[&[u8]]) -> Result<()> {
        if pieces.iter().all(|piece| is_zero(piece)) {
            return Ok(());
        }
        let at = self.space(Space::cluster)?;
        self.file.write_pieces(pieces, at)?;
        self.entries.push((number, at | COPIED));
        Ok(())
    }

    fn compressed(&mut self, number: u64, deflated: &[u8]) -> Result<()> {
        let length = deflated.len() as u64;
        let at = self.space(|space| space.packed(length))?;
        self.file.write(deflated, at)?;
        let last = at.saturating_add(length).saturating_sub(1);
        let sectors = last / COMPRESSED_SECTOR - at / COMPRESSED_SECTOR;
        let entry = at | (sectors << compressed_offset_bits(CLUSTER_BITS)) | COMPRESSED;
        self.entries.push((number, entry));
        Ok(())
    }

    /// Writes the cluster that came in parts.
    fn part_ends(&mut self) -> Result<()> {
        let Some(number) = self.part.number.take() else {
            return Ok(());
        };
        let plain = std::mem::take(&mut self.part.plain);
        let written = self.cluster(number, &plain, self.part.stored);
        self.part.plain = plain;
        written
    }
}

impl Work for Qcow2 {
    fn way(&self, grain: &Compressed<'_>) -> Way {
        let Compression::Transplant { checked } = self.compression else {
            return Way::Inflate;
        };
        let is_whole = grain.length == CLUSTER_BYTES && grain.full == CLUSTER_BYTES;
        let deflated = unwrapped(grain.data).ok().filter(|_| is_whole);
        let Some((deflated, _)) = deflated else {
            return Way::Inflate;
        };
        let fits = deflated.len() as u64 >= LEAST_DEFLATED && deflated.len() < CLUSTER_BYTES;
        match (fits, checked) {
            (true, true) => Way::CheckAndMove,
            (true, false) => Way::Move,
            (false, false) if stored_blocks(deflated, CLUSTER_BYTES).is_some() => Way::Move,
            (false, _) => Way::Inflate,
        }
    }

    fn grain(&mut self, at: u64, plain: &[u8], stored: usize) -> Result<()> {
        let number = at / CLUSTER;
        if plain.len() == CLUSTER_BYTES {
            return self.cluster(number, plain, stored);
        }
        if self.part.number != Some(number) {
            self.part_ends()?;
            self.part.number = Some(number);
            self.part.stored = 0;
            self.part.plain.clear();
            self.part.plain.resize(CLUSTER_BYTES, 0);
        }
        self.part.stored = self.part.stored.saturating_add(stored);
        let start = usize::try_from(at % CLUSTER).unwrap_or(CLUSTER_BYTES);
        let place = self.part.plain.get_mut(start..);
        let place = place.and_then(|rest| rest.get_mut(..plain.len()));
        place
            .ok_or_else(|| Error::internal("a grain is within a cluster"))?
            .copy_from_slice(plain);
        Ok(())
    }

    fn moved(&mut self, at: u64, deflated: &[u8]) -> Result<()> {
        let number = at / CLUSTER;
        if deflated.len() < CLUSTER_BYTES {
            return self.compressed(number, deflated);
        }
        let plain = stored_blocks(deflated, CLUSTER_BYTES);
        let plain = plain.ok_or_else(|| Error::internal("what is moved fits or is stored"))?;
        self.plain(number, &plain)
    }

    /// Entries that follow each other in a table are written at once.
    fn batch_ends(&mut self) -> Result<()> {
        self.part_ends()?;
        let entries = std::mem::take(&mut self.entries);
        let follows = |one: &(u64, u64), next: &(u64, u64)| {
            next.0 == one.0 + 1 && !next.0.is_multiple_of(ENTRIES)
        };
        let mut bytes = Vec::new();
        for run in entries.chunk_by(follows) {
            let Some((first, _)) = run.first() else {
                continue;
            };
            bytes.clear();
            bytes.extend(run.iter().flat_map(|(_, entry)| entry.to_be_bytes()));
            let table = self.space(|space| space.table(first / ENTRIES))?;
            self.file.write(&bytes, table + first % ENTRIES * ENTRY)?;
        }
        self.entries = entries;
        self.entries.clear();
        Ok(())
    }
}
