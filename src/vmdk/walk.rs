//! A streamOptimized VMDK from its first byte to its last: each part is checked as it comes.
//!
//! Layouts: VMware's (tables behind their grains, directory, footer, end-of-stream marker, nothing
//! behind it), and that of qemu-img and open-vmdk, whose tables are in front and whose end may be a
//! marker, zeros or just the end.

use std::ops::Range;

use super::descriptor;
use super::finding::Finding;
use super::header::{GD_AT_END, HEADER_BYTES, Header, SECTOR, u32_at, u64_at};
use super::tables::{FrontTables, TABLE_BYTES, Tables, sectors};

/// Bytes of a sector, as a length.
const SECTOR_BYTES: usize = HEADER_BYTES;

/// Of a marker: value, size, and the type or the first data.
const MARKER: usize = 16;

/// Where a grain's data begins.
const GRAIN_DATA: usize = 12;

/// Where a header has `gdOffset`.
const DIRECTORY: Range<usize> = 56..64;

/// One grain as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Grain<'a> {
    /// Which sectors of the disk it has.
    pub(crate) sectors: Range<u64>,
    /// How many plain bytes a grain has, and how many of them the disk has: less only at its end.
    pub(crate) full: usize,
    pub(crate) length: usize,
    /// Where its marker is in the stream, in bytes.
    pub(crate) at: u64,
    /// Its compressed data.
    pub(crate) data: &'a [u8],
}

/// Where grain tables and directory are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Behind the grains, as VMware writes it.
    AtEnd,
    /// In front, as qemu-img and open-vmdk do.
    InFront,
}

/// A walk over one stream.
#[derive(Debug)]
pub(crate) struct Walk {
    header: Option<Header>,
    /// The first sector, which the footer repeats.
    first: Vec<u8>,
    descriptor: Vec<u8>,
    /// Where the next part begins.
    at: u64,
    /// The next part, as far as it has come.
    part: Vec<u8>,
    state: State,
    tables: Tables,
    front: FrontTables,
    /// The grain after the last one that came.
    next: u64,
    grains: u64,
    has_end_marker: bool,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    /// Sectors before the first marker.
    Preamble,
    /// A marker, with its grain where it is one's.
    Marker(Stage),
    Table,
    /// Sectors of the directory: how many are left, and which table the next entry is for.
    Directory {
        sectors: u64,
        table: u64,
        start: u64,
    },
    /// The progress of a writer, which nobody documents.
    Skip {
        sectors: u64,
        stage: Stage,
    },
    /// The footer; where the directory was.
    Footer {
        directory: u64,
    },
    /// Zeros to the end.
    Zeros,
    /// Nothing.
    End,
}

/// Which markers may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Grains,
    /// The directory came, and where it was.
    Directory(u64),
    Footer,
}

/// What a marker says.
enum Marker {
    Grain { lba: u64, size: usize },
    End,
    Table(u64),
    Directory(u64),
    Footer(u64),
    Progress(u64),
    Unknown,
}

impl Marker {
    fn parse(bytes: &[u8]) -> Self {
        let (value, size, kind) = (u64_at(bytes, 0), u32_at(bytes, 8), u32_at(bytes, 12));
        match (size, kind) {
            (0, 0) => Self::End,
            (0, 1) => Self::Table(value),
            (0, 2) => Self::Directory(value),
            (0, 3) => Self::Footer(value),
            (0, 4) => Self::Progress(value),
            (0, _) => Self::Unknown,
            (size, _) => Self::Grain {
                lba: value,
                size: size as usize,
            },
        }
    }
}

impl Walk {
    /// Nothing has come yet.
    pub(crate) fn new() -> Self {
        Self {
            header: None,
            first: Vec::new(),
            descriptor: Vec::new(),
            at: 0,
            part: Vec::new(),
            state: State::Header,
            tables: Tables::default(),
            front: FrontTables::default(),
            next: 0,
            grains: 0,
            has_end_marker: false,
        }
    }

    /// Whether bytes came.
    pub(crate) fn has_begun(&self) -> bool {
        self.at > 0 || !self.part.is_empty()
    }

    /// The header, once it has come.
    pub(crate) fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// How many grains came.
    pub(crate) fn grains(&self) -> u64 {
        self.grains
    }

    /// How its tables are placed, as its header says.
    pub(crate) fn layout(&self) -> Layout {
        match &self.header {
            Some(header) if header.is_in_front() => Layout::InFront,
            _ => Layout::AtEnd,
        }
    }

    /// Whether an end-of-stream marker came.
    pub(crate) fn has_end_marker(&self) -> bool {
        self.has_end_marker
    }

    /// Takes the next bytes of the stream, and hands on each grain that is whole.
    pub(crate) fn update(
        &mut self,
        mut bytes: &[u8],
        grain: &mut impl FnMut(Grain<'_>),
    ) -> Result<(), Finding> {
        while !bytes.is_empty() {
            if self.part.is_empty() {
                let wanted = self.wanted(bytes)?;
                if let Some((part, rest)) = bytes.split_at_checked(wanted) {
                    self.take(part, grain)?;
                    bytes = rest;
                    continue;
                }
            }
            let wanted = self.wanted(&self.part)?;
            let missing = wanted.saturating_sub(self.part.len()).min(bytes.len());
            let (now, rest) = bytes.split_at(missing);
            self.part.extend_from_slice(now);
            bytes = rest;
            if self.part.len() == self.wanted(&self.part)? {
                let mut part = std::mem::take(&mut self.part);
                self.take(&part, grain)?;
                part.clear();
                self.part = part;
            }
        }
        Ok(())
    }

    /// How long the part is that begins so; no more than what is needed to say it, while that is
    /// not there.
    fn wanted(&self, start: &[u8]) -> Result<usize, Finding> {
        match self.state {
            State::Marker(_) if start.len() < MARKER => Ok(MARKER),
            State::Marker(_) => match Marker::parse(start) {
                Marker::Grain { size, .. } => {
                    let most = self.grain_bytes().saturating_mul(2);
                    if size > most {
                        return Err(self.here(format!(
                            "a grain of {size} compressed bytes, or no grain; {most} are the most"
                        )));
                    }
                    Ok(GRAIN_DATA
                        .saturating_add(size)
                        .next_multiple_of(SECTOR_BYTES))
                }
                _ => Ok(SECTOR_BYTES),
            },
            State::Table => Ok(TABLE_BYTES),
            State::End => Err(Finding::damaged(
                self.at,
                "bytes follow the end-of-stream marker",
            )),
            _ => Ok(SECTOR_BYTES),
        }
    }

    /// Takes one part.
    fn take(&mut self, part: &[u8], grain: &mut impl FnMut(Grain<'_>)) -> Result<(), Finding> {
        let at = self.at;
        self.state = match self.state {
            State::Header => self.take_header(part)?,
            State::Preamble => self.take_preamble(part)?,
            State::Marker(stage) => self.take_marker(stage, part, grain)?,
            State::Table => {
                if let Some(header) = &self.header {
                    self.tables.table(part, at, header)?;
                }
                State::Marker(Stage::Grains)
            }
            State::Directory {
                sectors,
                table,
                start,
            } => self.take_directory(sectors, table, start, part)?,
            State::Skip { sectors, stage } => skip(sectors.saturating_sub(1), stage),
            State::Footer { directory } => self.take_footer(directory, part)?,
            State::Zeros => {
                self.zeros(part, 0)?;
                State::Zeros
            }
            State::End => State::End,
        };
        self.at = at.saturating_add(part.len() as u64);
        Ok(())
    }

    fn take_header(&mut self, part: &[u8]) -> Result<State, Finding> {
        let Some(sector) = part.first_chunk() else {
            return Err(self.cut("less than a header"));
        };
        let header = Header::parse(sector, 0)?;
        self.first = part.to_vec();
        self.header = Some(header);
        self.preamble_ends(SECTOR)
    }

    fn take_preamble(&mut self, part: &[u8]) -> Result<State, Finding> {
        let Some(header) = self.header else {
            return Ok(State::Header);
        };
        let sector = self.at / SECTOR;
        let described = header.descriptor..header.descriptor.saturating_add(header.descriptor_size);
        let is_described = described.contains(&sector);
        let is_read = sector.saturating_sub(header.descriptor) < descriptor::MOST_SECTORS;
        if is_described && is_read {
            self.descriptor.extend_from_slice(part);
        } else if !is_described && header.is_in_front() {
            self.front.sector(sector, part, &header);
        } else if !is_described {
            self.zeros(part, 0)?;
        }
        self.preamble_ends(self.at.saturating_add(SECTOR))
    }

    /// What comes after the sector that ends here.
    fn preamble_ends(&self, end: u64) -> Result<State, Finding> {
        match &self.header {
            Some(header) if end / SECTOR >= header.overhead => {
                descriptor::check(&self.descriptor, header)?;
                Ok(State::Marker(Stage::Grains))
            }
            _ => Ok(State::Preamble),
        }
    }

    fn take_marker(
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
            (Marker::Progress(sectors), _) => Ok(skip(sectors, stage)),
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

    fn take_directory(
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

    fn take_footer(&mut self, directory: u64, part: &[u8]) -> Result<State, Finding> {
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

    /// Judges the end of the stream.
    pub(crate) fn finish(&mut self, grain: &mut impl FnMut(Grain<'_>)) -> Result<(), Finding> {
        if self.header.is_none() {
            let seen = self.part.len();
            return Err(self.cut(&format!("only {seen} bytes, less than a header")));
        }
        if self.layout() == Layout::InFront {
            return self.finish_front(grain);
        }
        let missing = match self.state {
            State::End => return Ok(()),
            State::Preamble => "it ends before its first grain",
            State::Marker(Stage::Footer) => "the end-of-stream marker is missing",
            State::Marker(Stage::Directory(_)) | State::Footer { .. } => "the footer is missing",
            _ => "neither a footer nor an end-of-stream marker came",
        };
        Err(self.cut(missing))
    }

    /// There may be no marker at the end, and the last grain may lack what fills its sector up.
    fn finish_front(&mut self, grain: &mut impl FnMut(Grain<'_>)) -> Result<(), Finding> {
        let mut part = std::mem::take(&mut self.part);
        let is_grain = self.state == State::Marker(Stage::Grains) && part.len() >= MARKER;
        match Marker::parse(&part) {
            Marker::Grain { size, .. }
                if is_grain && part.len() >= GRAIN_DATA.saturating_add(size) =>
            {
                part.resize(self.wanted(&part)?, 0);
                self.take(&part, grain)?;
            }
            _ if part.iter().any(|byte| *byte != 0) => {
                return Err(self.cut("it ends amid a grain"));
            }
            _ => {}
        }
        match self.state {
            State::Marker(Stage::Grains) | State::Zeros => {
                std::mem::take(&mut self.front).ends(self.at)
            }
            _ => Err(self.cut("it ends before its first grain")),
        }
    }

    fn grain_bytes(&self) -> usize {
        self.header.map_or(0, |header| header.grain_bytes())
    }

    fn zeros(&self, part: &[u8], from: usize) -> Result<(), Finding> {
        let rest = part.get(from..).unwrap_or_default();
        match rest.iter().position(|byte| *byte != 0) {
            None => Ok(()),
            Some(found) => {
                let at = self
                    .at
                    .saturating_add(from as u64)
                    .saturating_add(found as u64);
                Err(Finding::damaged(
                    at,
                    "a byte that is not zero where nothing is stored",
                ))
            }
        }
    }

    fn here(&self, reason: String) -> Finding {
        Finding::damaged(self.at, reason)
    }

    /// It ends here: all that follows the last grain may be missing.
    fn cut(&self, reason: &str) -> Finding {
        let at = self.at.saturating_add(self.part.len() as u64);
        let finding = Finding::cut(at, reason);
        match &self.header {
            Some(header) => {
                let start = self.next.saturating_mul(header.grain).min(header.capacity);
                finding.of_sectors(start..header.capacity)
            }
            None => finding,
        }
    }
}

fn skip(sectors: u64, stage: Stage) -> State {
    if sectors == 0 {
        State::Marker(stage)
    } else {
        State::Skip { sectors, stage }
    }
}

fn directory_sectors(header: &Header) -> u64 {
    header.tables().saturating_mul(4).div_ceil(SECTOR)
}
