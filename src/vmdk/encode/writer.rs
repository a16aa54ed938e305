//! The stream itself: grains in the order of the disk, tables, directory, footer, end.

use std::io::{self, Write};

use super::descriptor::{Shape, sector};
use super::packer::Packed;
use crate::vmdk::header::{Header, SECTOR, TABLE_ENTRIES};

/// Types of markers.
const END: u32 = 0;
const TABLE: u32 = 1;
const DIRECTORY: u32 = 2;
const FOOTER: u32 = 3;

/// Writes a stream. It never seeks, and keeps a table and the directory: four bytes for each 32 MiB.
pub(crate) struct StreamWriter<W> {
    out: W,
    header: Header,
    /// Bytes written.
    at: u64,
    /// The table that is filled, by its number.
    table: Option<(u64, Vec<u32>)>,
    directory: Vec<u32>,
    grains: u64,
}

impl<W: Write> StreamWriter<W> {
    /// Writes all that comes before the first grain.
    pub(crate) fn begin(out: W, shape: &Shape) -> io::Result<Self> {
        let tables = usize::try_from(shape.header.tables()).map_err(|_| too_large())?;
        let mut writer = Self {
            out,
            header: shape.header,
            at: 0,
            table: None,
            directory: vec![0; tables],
            grains: 0,
        };
        writer.write(&shape.bytes())?;
        Ok(writer)
    }

    /// How many grains were written.
    pub(crate) fn grains(&self) -> u64 {
        self.grains
    }

    /// Writes the next grains. All are of one table, and behind those that were written.
    pub(crate) fn add(&mut self, packed: &Packed) -> io::Result<()> {
        let Some((first, _)) = packed.grains.first() else {
            return Ok(());
        };
        let number = first / TABLE_ENTRIES;
        if self.table.as_ref().is_some_and(|(open, _)| *open != number) {
            self.end_table()?;
        }
        let entries = || vec![0; usize::try_from(TABLE_ENTRIES).unwrap_or(0)];
        let (_, entries) = self.table.get_or_insert_with(|| (number, entries()));
        for (number, before) in &packed.grains {
            let place = sector_of(self.at.saturating_add(*before as u64))?;
            let index = usize::try_from(number % TABLE_ENTRIES).unwrap_or(usize::MAX);
            if let Some(entry) = entries.get_mut(index) {
                *entry = place;
            }
            self.grains = self.grains.saturating_add(1);
        }
        self.write(&packed.bytes)
    }

    /// Writes what comes behind the last grain.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.end_table()?;
        let directory = std::mem::take(&mut self.directory);
        let place = self.entries(DIRECTORY, &directory)?;
        self.marker(FOOTER, 1)?;
        let footer = Header {
            directory: place.into(),
            ..self.header
        };
        self.write(&sector(&footer))?;
        self.marker(END, 0)?;
        self.out.flush()
    }

    fn end_table(&mut self) -> io::Result<()> {
        let Some((number, entries)) = self.table.take() else {
            return Ok(());
        };
        let place = self.entries(TABLE, &entries)?;
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        match self.directory.get_mut(index) {
            Some(entry) => *entry = place,
            None => return Err(io::Error::other("a grain beyond the end of its disk")),
        }
        Ok(())
    }

    /// Writes a marker and entries behind it; says in which sector they begin.
    fn entries(&mut self, kind: u32, entries: &[u32]) -> io::Result<u32> {
        let bytes = entries.iter().flat_map(|entry| entry.to_le_bytes());
        let mut bytes: Vec<u8> = bytes.collect();
        let sectors = (bytes.len() as u64).div_ceil(SECTOR);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        self.marker(kind, sectors)?;
        let place = sector_of(self.at)?;
        self.write(&bytes)?;
        Ok(place)
    }

    fn marker(&mut self, kind: u32, sectors: u64) -> io::Result<()> {
        let mut bytes = [0; 512];
        let (value, rest) = bytes.split_at_mut(8);
        value.copy_from_slice(&sectors.to_le_bytes());
        if let Some(field) = rest.get_mut(4..8) {
            field.copy_from_slice(&kind.to_le_bytes());
        }
        self.write(&bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at = self.at.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

/// Tables have 32 bits for a sector.
fn sector_of(at: u64) -> io::Result<u32> {
    u32::try_from(at / SECTOR).map_err(|_| too_large())
}

fn too_large() -> io::Error {
    let text = "a streamOptimized VMDK has at most 2 TiB of compressed data";
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}

#[cfg(test)]
mod tests {
    use super::super::{GRAIN_BYTES, GrainCompression, Packer};
    use super::*;
    use crate::vmdk::{Inflater, Walk};

    /// Grains in two tables, with an empty one between them.
    const NUMBERS: [u64; 4] = [0, 5, 511, 1024];
    const CAPACITY: u64 = 1025 * GRAIN_BYTES as u64;

    fn plain(number: u64) -> Vec<u8> {
        let text = format!("this is grain {number}. ");
        text.bytes().cycle().take(GRAIN_BYTES).collect()
    }

    fn written(numbers: &[u64]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = StreamWriter::begin(&mut out, &Shape::new(CAPACITY, "a.vmdk")).unwrap();
        let mut own = Packer::new(GrainCompression::Libdeflate);
        for number in numbers {
            let mut packed = Packed::default();
            own.pack(*number, &plain(*number), &mut packed).unwrap();
            writer.add(&packed).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(writer.grains(), numbers.len() as u64);
        out
    }

    #[test]
    fn the_walk_takes_it() {
        for numbers in [&NUMBERS[..], &[]] {
            let stream = written(numbers);
            let (mut walk, mut inflater) = (Walk::new(), Inflater::new());
            let mut found = Vec::new();
            let mut grain = |grain: crate::vmdk::Grain<'_>| {
                let number = grain.sectors.start / 128;
                let read = inflater.inflate(grain.data, grain.full, grain.length);
                assert!(read.unwrap() == plain(number));
                found.push(number);
            };
            walk.update(&stream, &mut grain).unwrap();
            walk.finish(&mut grain).unwrap();
            assert!(walk.has_end_marker());
            assert_eq!(walk.header().unwrap().capacity_bytes(), CAPACITY);
            assert_eq!(found, numbers);
        }
    }

    #[test]
    fn zeros_are_left_out() {
        let mut packed = Packed::default();
        let mut bytes = vec![0; 3 * GRAIN_BYTES];
        bytes[2 * GRAIN_BYTES - 1] = 1;
        let mut own = Packer::new(GrainCompression::Zlib);
        own.pack(7, &bytes, &mut packed).unwrap();
        assert_eq!(packed.grains, [(8, 0)]);
    }

    #[test]
    fn a_sector_beyond_what_a_table_can_say() {
        assert_eq!(sector_of((1 << 41) - 512).unwrap(), u32::MAX);
        assert!(sector_of(1 << 41).is_err());
    }
}
