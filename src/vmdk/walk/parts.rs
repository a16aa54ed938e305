//! The parts of a stream, each checked against what came before it.

use super::marker::{GRAIN_DATA, MARKER, Marker};
use super::{Grain, Stage, State, Walk, descriptor};
use crate::vmdk::finding::Finding;
use crate::vmdk::header::{GD_AT_END, Header, SECTOR, u64_at};
use crate::vmdk::tables::{TABLE_BYTES, sectors};

/// Where a header has `gdOffset`.
const DIRECTORY: std::ops::Range<usize> = 56..64;

impl Walk {
    pub(super) fn take_header(&mut self, part: &[u8]) -> Result<State, Finding> {
        let Some(sector) = part.first_chunk() else {
            return Err(self.cut("less than a header"));
        };
        let header = Header::parse(sector, 0)?;
        self.first = part.to_vec();
        self.header = Some(header);
        self.preamble_ends(SECTOR)
    }

    pub(super) fn take_preamble(&mut self, part: &[u8]) -> Result<State, Finding> {
        let Some(header) = self.header else {
            return Ok(State::Header);
        };
        let sector = self.at / SECTOR;
        let described = header.descriptor..header.descriptor.saturating_add(header.descriptor_size);
        let is_described = described.contains(&sector);
        let is_read = sector.saturating_sub(header.descriptor) < descriptor::MOST_SECTORS;
        if is_described && is_read {
            self.descriptor.extend_from_slice(part);
        } else if !is_described {
            let listed = if header.is_in_front() {
                self.front.sector(sector, part, &header)
            } else {
                0
            };
            self.zeros(part, listed)?;
        }
        self.preamble_ends(self.at.saturating_add(SECTOR))
    }

    /// What comes after the sector that ends here.
    fn preamble_ends(&mut self, end: u64) -> Result<State, Finding> {
        match &self.header {
            Some(header) if end / SECTOR >= header.overhead => {
                descriptor::check(&self.descriptor, header)?;
                if header.is_in_front() {
                    self.front.are_whole(header)?;
                }
                Ok(State::Marker(Stage::Grains))
            }
            _ => Ok(State::Preamble),
        }
    }

    pub(super) fn take_marker(
        &mut self,
        stage: Stage,
        part: &[u8],
        grain: &mut impl FnMut(Grain<'_>),
    ) -> Result<State, Finding> {
        let marker = Marker::parse(part);
        if !matches!(marker, Marker::Grain { .. }) {
            self.zeros(part, MARKER)?;
        }
        let Some(header) = self.header else {
            return Ok(State::Header);
        };
        let after = self.at.saturating_add(SECTOR) / SECTOR;
        match (marker, stage) {
            (Marker::Grain { lba, size }, Stage::Grains) => {
                self.take_grain(lba, size, part, grain)?;
                Ok(State::Marker(Stage::Grains))
            }
            (Marker::Progress(sectors), _) => Ok(State::skip(sectors, stage)),
            (Marker::End, _) if u64_at(part, 0) != 0 => {
                Err(self.here("the end-of-stream marker has a value".into()))
            }
            (Marker::End, Stage::Grains) if header.is_in_front() => {
                self.has_end_marker = true;
                Ok(State::Zeros)
            }
            (Marker::End, Stage::Footer) => {
                self.has_end_marker = true;
                Ok(State::End)
            }
            (Marker::End, _) => Err(self.here(
                "an end-of-stream marker before the directory and the footer, or zeros".into(),
            )),
            (Marker::Table(sectors), Stage::Grains)
                if !header.is_in_front()
                    && sectors.saturating_mul(SECTOR) == TABLE_BYTES as u64 =>
            {
                Ok(State::Table)
            }
            (Marker::Directory(sectors), Stage::Grains)
                if !header.is_in_front() && sectors == directory_sectors(&header) =>
            {
                if let Some(table) = self.tables.missing() {
                    return Err(self.here(format!("grain table {table} is missing before this")));
                }
                self.directory_goes_on(sectors, 0, after)
            }
            (Marker::Footer(1), Stage::Directory(directory)) => Ok(State::Footer { directory }),
            _ => Err(self.here("a marker that is unknown, or may not stand here".into())),
        }
    }

    fn take_grain(
        &mut self,
        lba: u64,
        size: usize,
        part: &[u8],
        grain: &mut impl FnMut(Grain<'_>),
    ) -> Result<(), Finding> {
        let Some(header) = self.header else {
            return Ok(());
        };
        let Some(number) = header.grain_at(lba) else {
            return Err(self.here(format!(
                "a grain at sector {lba} of a disk of {}, or no grain",
                header.capacity
            )));
        };
        if number < self.next {
            let finding = self.here(format!("the grain of sector {lba} comes after a later one"));
            return Err(finding.of_sectors(sectors(number, &header)));
        }
        let end = GRAIN_DATA.saturating_add(size);
        self.zeros(part, end)
            .map_err(|finding| finding.of_sectors(sectors(number, &header)))?;
        let Ok(sector) = u32::try_from(self.at / SECTOR) else {
            return Err(self.here("a stream of more than 2 TiB".into()));
        };
        if header.is_in_front() {
            self.front.grain(number, sector);
        } else {
            self.tables.grain(number, sector, self.at)?;
        }
        self.next = number.saturating_add(1);
        self.grains = self.grains.saturating_add(1);
        let sectors = sectors(number, &header);
        let length = sectors.end.saturating_sub(sectors.start);
        grain(Grain {
            full: header.grain_bytes(),
            length: usize::try_from(length.saturating_mul(SECTOR)).unwrap_or(usize::MAX),
            sectors,
            at: self.at,
            data: part.get(GRAIN_DATA..end).unwrap_or_default(),
        });
        Ok(())
    }

    pub(super) fn take_directory(
        &mut self,
        sectors: u64,
        table: u64,
        start: u64,
        part: &[u8],
    ) -> Result<State, Finding> {
        if let Some(header) = &self.header {
            self.tables.directory(table, part, self.at, header)?;
        }
        let entries = (part.len() / 4) as u64;
        self.directory_goes_on(
            sectors.saturating_sub(1),
            table.saturating_add(entries),
            start,
        )
    }

    fn directory_goes_on(&self, sectors: u64, table: u64, start: u64) -> Result<State, Finding> {
        if sectors > 0 {
            return Ok(State::Directory {
                sectors,
                table,
                start,
            });
        }
        self.tables.directory_ends(start.saturating_mul(SECTOR))?;
        Ok(State::Marker(Stage::Directory(start)))
    }

    pub(super) fn take_footer(&mut self, directory: u64, part: &[u8]) -> Result<State, Finding> {
        let first = self.first.iter().zip(part).enumerate();
        let mut differing =
            first.filter(|(at, (one, other))| !DIRECTORY.contains(at) && one != other);
        if let Some((at, _)) = differing.next() {
            return Err(Finding::damaged(
                self.at.saturating_add(at as u64),
                "header and footer differ in more than the place of the directory",
            ));
        }
        let said = u64_at(part, DIRECTORY.start);
        let header = self.header.map_or(GD_AT_END, |header| header.directory);
        if said != directory || (header != GD_AT_END && header != directory) {
            return Err(self.here(format!(
                "the footer has the directory at sector {said}; it is at {directory}"
            )));
        }
        Ok(State::Marker(Stage::Footer))
    }
}

fn directory_sectors(header: &Header) -> u64 {
    header.tables().saturating_mul(4).div_ceil(SECTOR)
}
