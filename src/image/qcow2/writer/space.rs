//! Where the parts of a new qcow2 image are: clusters are given out one after the other, and counted.
//!
//! In memory are the L1 table (1 MiB for 64 TiB) and what [`Counts`] keeps.

use super::counts::{COUNTS, Counts};
use crate::error::{Error, Result};
use crate::image::file::ImageFile;
use crate::image::qcow2::layout::{CLUSTER_BITS, COPIED, ENTRY, HEADER_BYTES, MAGIC};

/// Bytes of a cluster.
pub(super) const CLUSTER: u64 = 1 << CLUSTER_BITS;

/// Entries of an L2 table, and of a cluster of the refcount table.
pub(super) const ENTRIES: u64 = CLUSTER / ENTRY;

/// Bits of a count, as a power of two.
const REFCOUNT_ORDER: u32 = 4;

/// The image as far as it has grown.
pub(super) struct Space {
    file: ImageFile,
    capacity: u64,
    /// Where the L2 tables are, 0 for one that is absent; where that list goes.
    tables: Vec<u64>,
    tables_at: u64,
    counts: Counts,
    /// The next cluster that is free.
    next: u64,
    /// The cluster that compressed ones are put into, and how much of it they have.
    open: Option<(u64, u64)>,
}

impl Space {
    /// For a disk of so many bytes; the file is empty.
    pub(super) fn new(file: ImageFile, capacity: u64) -> Result<Self> {
        let tables = capacity.div_ceil(CLUSTER * ENTRIES);
        let tables_clusters = tables.div_ceil(ENTRIES);
        // A cluster of the disk has one of the file at most. What else there is fits into one block.
        let most = capacity.div_ceil(CLUSTER) + tables + COUNTS;
        // The header's cluster is the first.
        let counts = Counts::new(file.clone(), most, 1)?;
        let mut space = Self {
            file,
            capacity,
            tables: vec![0; usize::try_from(tables).map_err(|_| too_large())?],
            tables_at: 0,
            counts,
            next: 2,
            open: None,
        };
        space.counts.count(0)?;
        space.counts.table_at = space.clusters(space.counts.table_clusters)?;
        space.tables_at = space.clusters(tables_clusters)?;
        Ok(space)
    }

    /// So many in a row, all before the second block.
    fn clusters(&mut self, count: u64) -> Result<u64> {
        let start = self.next * CLUSTER;
        for _ in 0..count {
            self.cluster()?;
        }
        Ok(start)
    }

    /// Gives out a cluster.
    pub(super) fn cluster(&mut self) -> Result<u64> {
        if Counts::begins_block(self.next) {
            self.counts.next_block(self.next)?;
            self.open = None;
            self.next += 1;
        }
        let at = self.next * CLUSTER;
        self.counts.count(self.next)?;
        self.next += 1;
        Ok(at)
    }

    /// Gives out so many bytes, less than a cluster has, beside others.
    pub(super) fn packed(&mut self, length: u64) -> Result<u64> {
        let goes_on = |(cluster, used): &(u64, u64)| {
            let is_last = cluster + 1 == self.next && !Counts::begins_block(self.next);
            used + length <= CLUSTER || is_last
        };
        let (at, end) = if let Some((cluster, used)) = self.open.filter(goes_on) {
            self.counts.count(cluster)?;
            let at = cluster * CLUSTER + used;
            if used + length > CLUSTER {
                self.cluster()?;
            }
            (at, at + length)
        } else {
            let at = self.cluster()?;
            (at, at + length)
        };
        let used = end % CLUSTER;
        self.open = (used > 0).then_some((end / CLUSTER, used));
        Ok(at)
    }

    /// Where an L2 table is.
    pub(super) fn table(&mut self, number: u64) -> Result<u64> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        match self.tables.get(index) {
            Some(0) => {
                let at = self.cluster()?;
                self.tables[index] = at;
                Ok(at)
            }
            Some(at) => Ok(*at),
            None => Err(Error::internal("a grain is within its disk")),
        }
    }

    /// Writes the tables that find all that was given out, and last the header, which makes it an image.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.counts.finish()?;
        let tables = listed(&self.tables, COPIED);
        self.file.write(&tables, self.tables_at)?;
        self.file.set_len(self.next * CLUSTER)?;
        self.file.write(&self.header(), 0)
    }

    /// Of version 3, without a feature that a reader may lack, and without extensions.
    fn header(&self) -> Vec<u8> {
        let mut header = Vec::with_capacity(HEADER_BYTES[1]);
        header.extend(MAGIC);
        header.extend(3_u32.to_be_bytes());
        // No backing file: its place and its length.
        header.extend([0; 12]);
        header.extend(CLUSTER_BITS.to_be_bytes());
        header.extend(self.capacity.to_be_bytes());
        // Not encrypted.
        header.extend([0; 4]);
        header.extend(number(self.tables.len() as u64).to_be_bytes());
        header.extend(self.tables_at.to_be_bytes());
        header.extend(self.counts.table_at.to_be_bytes());
        header.extend(number(self.counts.table_clusters).to_be_bytes());
        // No snapshots: how many, and where; no features of three kinds.
        header.extend([0; 4 + 8 + 3 * 8]);
        header.extend(REFCOUNT_ORDER.to_be_bytes());
        header.extend(number(HEADER_BYTES[1] as u64).to_be_bytes());
        header
    }
}

/// Entries of a table; the flag is for those that are there.
pub(super) fn listed(places: &[u64], flag: u64) -> Vec<u8> {
    let entry = |at: &u64| if *at == 0 { 0 } else { at | flag };
    let entries = places.iter().map(entry);
    entries.flat_map(u64::to_be_bytes).collect()
}

/// Far below the most it can be: the disk has 64 TiB at most.
fn number(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

pub(super) fn too_large() -> Error {
    Error::internal("the tables of a disk fit into memory")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    const TIB: u64 = 1 << 40;

    fn space(capacity: u64) -> (File, Space) {
        let file = tempfile::tempfile().unwrap();
        let image = ImageFile::new(&file, "disk".into()).unwrap();
        (file, Space::new(image, capacity).unwrap())
    }

    fn numbers<const N: usize>(file: &File, at: u64, count: u64) -> Vec<u64> {
        let mut bytes = vec![0; usize::try_from(count).unwrap() * N];
        file.read_exact_at(&mut bytes, at).unwrap();
        let value = |entry: &[u8]| {
            entry
                .iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte))
        };
        bytes.chunks(N).map(value).collect()
    }

    /// How often each cluster is counted, by the file alone.
    fn counted(file: &File) -> Vec<u64> {
        let table = numbers::<8>(file, 48, 1)[0];
        let clusters = numbers::<4>(file, 56, 1)[0];
        let blocks = numbers::<8>(file, table, clusters * ENTRIES);
        let length = file.metadata().unwrap().len() / CLUSTER;
        let mut found = Vec::new();
        for at in blocks.into_iter().filter(|at| *at > 0) {
            found.extend(numbers::<2>(file, at, COUNTS));
        }
        assert!(
            found[usize::try_from(length).unwrap()..]
                .iter()
                .all(|count| *count == 0)
        );
        found.truncate(usize::try_from(length).unwrap());
        found
    }

    #[test]
    fn every_cluster_is_counted_as_often_as_it_is_used() {
        let (file, mut space) = space(10 * TIB);
        let mut used: HashMap<u64, u64> = HashMap::new();
        let mut ends = Vec::new();
        for number in 0..70_000_u64 {
            let length = match number % 3 {
                0 => CLUSTER,
                1 => 1 + number * 7919 % (CLUSTER - 1),
                _ => 100,
            };
            let at = match length {
                CLUSTER => space.cluster().unwrap(),
                _ => space.packed(length).unwrap(),
            };
            for cluster in at / CLUSTER..=(at + length - 1) / CLUSTER {
                *used.entry(cluster).or_default() += 1;
            }
            ends.push((at, at + length));
        }
        let tables = [0, 7, 20_479].map(|number| space.table(number).unwrap());
        assert_eq!(space.table(7).unwrap(), tables[1]);
        space.finish().unwrap();
        ends.sort_unstable();
        assert!(
            ends.windows(2).all(|two| two[0].1 <= two[1].0),
            "no byte twice"
        );
        let counted = counted(&file);
        assert!(counted.len() as u64 > COUNTS, "more than one block");
        let mut alone = 0;
        for (cluster, count) in (0..).zip(&counted) {
            alone += u64::from(!used.contains_key(&cluster));
            let times = used.get(&cluster).copied().unwrap_or(1);
            assert_eq!(*count, times, "cluster {cluster}");
        }
        // The header, a refcount table of a cluster, an L1 table of three, two blocks, and L2 tables.
        assert_eq!(alone, 1 + 1 + 3 + 2 + 3);
        let listed = numbers::<8>(&file, numbers::<8>(&file, 40, 1)[0], 20_480);
        let here = |at: &&u64| **at > 0;
        assert_eq!(listed.iter().filter(here).count(), 3);
        assert_eq!(listed[7], tables[1] | COPIED);
    }

    #[test]
    fn the_largest_disk_has_room_for_its_tables() {
        let (_, space) = space(64 * TIB);
        assert_eq!(space.tables.len(), 131_072);
        let most = 64 * TIB / CLUSTER + 131_072 + space.next;
        assert!(most.div_ceil(COUNTS - 1) <= space.counts.table_clusters * ENTRIES);
    }

    #[test]
    fn what_is_beyond_the_disk_has_no_table() {
        let (_, mut space) = space(CLUSTER);
        assert!(space.table(0).is_ok());
        assert!(space.table(1).is_err());
    }
}
