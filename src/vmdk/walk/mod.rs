//! A streamOptimized VMDK from its first byte to its last: each part is checked as it comes.
//!
//! Layouts: VMware's (tables behind their grains, directory, footer, end-of-stream marker, nothing
//! behind it), and that of qemu-img and open-vmdk, whose tables are in front and whose end may be a
//! marker, zeros or just the end.

mod end;
pub(super) mod marker;
mod parts;

use std::ops::Range;

use self::marker::{GRAIN_DATA, MARKER, Marker};
use super::descriptor;
use super::finding::Finding;
use super::front::FrontTables;
use super::header::{HEADER_BYTES, Header};
use super::tables::{TABLE_BYTES, Tables};

/// Bytes of a sector, as a length.
const SECTOR_BYTES: usize = HEADER_BYTES;

/// What a sector has that nothing is stored in.
const NOTHING: [u8; SECTOR_BYTES] = [0; SECTOR_BYTES];

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

impl Layout {
    /// As a header says it.
    pub(crate) fn of(header: &Header) -> Self {
        if header.is_in_front() {
            Self::InFront
        } else {
            Self::AtEnd
        }
    }
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

impl State {
    /// So many sectors are passed over.
    fn skip(sectors: u64, stage: Stage) -> Self {
        if sectors == 0 {
            Self::Marker(stage)
        } else {
            Self::Skip { sectors, stage }
        }
    }
}

/// Which markers may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Grains,
    /// The directory came, and where it was.
    Directory(u64),
    Footer,
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

    /// The descriptor and the zeros behind it, once they have come and were checked.
    pub(crate) fn descriptor(&self) -> Option<&[u8]> {
        let is_coming = matches!(self.state, State::Header | State::Preamble);
        (!is_coming).then_some(self.descriptor.as_slice())
    }

    /// How many grains came.
    pub(crate) fn grains(&self) -> u64 {
        self.grains
    }

    /// How its tables are placed, as its header says.
    pub(crate) fn layout(&self) -> Layout {
        self.header.as_ref().map_or(Layout::AtEnd, Layout::of)
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
            State::Skip { sectors, stage } => State::skip(sectors.saturating_sub(1), stage),
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

    fn grain_bytes(&self) -> usize {
        self.header.map_or(0, |header| header.grain_bytes())
    }

    fn zeros(&self, part: &[u8], from: usize) -> Result<(), Finding> {
        let rest = part.get(from..).unwrap_or_default();
        if NOTHING.starts_with(rest) {
            return Ok(());
        }
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
}
