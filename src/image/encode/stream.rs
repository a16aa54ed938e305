//! A streamOptimized disk that is written once more.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::ops::Range;

use super::pieces::{PIECE_BYTES, Piece, Pieces, ReadPiece};
use crate::error::{Error, Result};
use crate::image::refused::refused;
use crate::io::{Reader, Slice};
use crate::vmdk::{Finding, Inflater, SECTOR, Shape, Walk};

/// Read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// A grain as it is stored.
pub(in crate::image) struct Stored {
    at: u64,
    sectors: Range<u64>,
    full: usize,
    length: usize,
    data: Vec<u8>,
}

impl Stored {
    fn piece(&self) -> u64 {
        let start = self.sectors.start.saturating_mul(SECTOR);
        (start / PIECE_BYTES).saturating_mul(PIECE_BYTES)
    }
}

/// The stream, as far as it was read.
pub(in crate::image) struct StreamDisk {
    name: String,
    reader: Box<dyn Reader>,
    buffer: Vec<u8>,
    walk: Walk,
    /// Grains that came and are of no piece yet.
    found: VecDeque<Stored>,
    seen: u64,
    /// How the walk ended.
    end: Option<Result<()>>,
}

impl StreamDisk {
    /// Reads what comes before the grains.
    pub(super) fn open(source: &Slice, name: String) -> Result<Self> {
        let mut disk = Self {
            name,
            reader: source.stored.open(source.offset, source.length)?,
            buffer: vec![0; BUFFER_BYTES],
            walk: Walk::new(),
            found: VecDeque::new(),
            seen: 0,
            end: None,
        };
        while disk.walk.descriptor().is_none() && disk.end.is_none() {
            disk.read();
        }
        Ok(disk)
    }

    /// What stands before the grains of the new stream.
    pub(super) fn shape(&mut self) -> Result<Shape> {
        if let (Some(header), Some(descriptor)) = (self.walk.header(), self.walk.descriptor()) {
            return Ok(Shape::again(header, descriptor));
        }
        let end = self.end.take().unwrap_or(Ok(()));
        end.and_then(|()| Err(Error::internal("a walk ends after the descriptor")))
    }

    /// Reads on.
    fn read(&mut self) {
        let found = &mut self.found;
        let mut keep = |grain: crate::vmdk::Grain<'_>| {
            found.push_back(Stored {
                at: grain.at,
                sectors: grain.sectors,
                full: grain.full,
                length: grain.length,
                data: grain.data.to_vec(),
            });
        };
        let walked = match self.reader.read(&mut self.buffer) {
            Ok(0) => self.walk.finish(&mut keep).map(|()| true),
            Ok(count) => {
                self.seen = self.seen.saturating_add(count as u64);
                let bytes = self.buffer.get(..count).unwrap_or_default();
                self.walk.update(bytes, &mut keep).map(|()| false)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => {
                self.end = Some(Err(self.reader.error(error)));
                return;
            }
        };
        match walked {
            Ok(false) => {}
            Ok(true) => self.end = Some(Ok(())),
            Err(finding) => self.end = Some(Err(refused(&self.name, &finding))),
        }
    }
}

impl Pieces for StreamDisk {
    type What = Vec<Stored>;
    type Reader = Grains;

    fn next(&mut self) -> Result<Option<Piece<Vec<Stored>>>> {
        loop {
            if let Some(at) = self.found.front().map(Stored::piece) {
                let behind = self.found.iter().position(|grain| grain.piece() != at);
                if behind.is_some() || self.end.is_some() {
                    let count = behind.unwrap_or(self.found.len());
                    let what = self.found.drain(..count).collect();
                    return Ok(Some(Piece { at, what }));
                }
            } else if let Some(end) = self.end.take() {
                return end.map(|()| None);
            }
            self.read();
        }
    }

    fn reader(&self) -> Grains {
        Grains {
            name: self.name.clone(),
            inflater: Inflater::new(),
        }
    }

    fn passed(&self) -> u64 {
        self.seen
    }
}

/// Inflates pieces on one thread.
pub(in crate::image) struct Grains {
    name: String,
    inflater: Inflater,
}

impl ReadPiece<Vec<Stored>> for Grains {
    fn read(&mut self, piece: &Piece<Vec<Stored>>, plain: &mut [u8]) -> Result<()> {
        plain.fill(0);
        for grain in &piece.what {
            let read = self.inflater.inflate(&grain.data, grain.full, grain.length);
            let read = read.map_err(|reason| {
                let finding = Finding::grain(grain.at, grain.sectors.clone(), &reason);
                refused(&self.name, &finding)
            })?;
            let read = read.get(..grain.length).unwrap_or(read);
            let start = grain.sectors.start.saturating_mul(SECTOR);
            let start = usize::try_from(start.saturating_sub(piece.at)).unwrap_or(usize::MAX);
            let here = start..start.saturating_add(read.len());
            if let Some(room) = plain.get_mut(here) {
                room.copy_from_slice(read);
            }
        }
        Ok(())
    }
}
