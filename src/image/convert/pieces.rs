//! The image of a raw disk, or of one in qcow2: each piece is written by the thread that read it.

use crate::error::Result;
use crate::image::check::Disk;
use crate::image::encode::pieces::{Make, Piece, Pieces};
use crate::image::encode::ring;
use crate::image::output::Output;
use crate::image::worker::Work as _;
use crate::io::Watched;
use crate::vmdk::{GRAIN_BYTES, Layout, is_zero};

/// Reads and writes a disk of `capacity` bytes.
pub(super) fn fill<D: Pieces>(
    output: &Output,
    disk: D,
    capacity: u64,
    threads: Option<usize>,
    watched: &Watched,
) -> Result<Disk> {
    output.begin(capacity)?;
    let mut pieces = Gaps {
        disk,
        output: output.clone(),
        end: 0,
        capacity,
    };
    let maker = Written {
        output: output.clone(),
        capacity,
    };
    let mut grains = 0_u64;
    let mut count = |made: &u64| {
        grains = grains.saturating_add(*made);
        Ok(())
    };
    ring::run(&mut pieces, maker, threads, watched, &mut count)?;
    output.finish()?;
    Ok(Disk {
        capacity: Some(capacity),
        populated: grains.saturating_mul(GRAIN_BYTES as u64).min(capacity),
        grains,
        layout: Layout::AtEnd,
        has_end_marker: false,
        finding: None,
    })
}

/// The pieces of a disk; the image is told of what is between them.
struct Gaps<D> {
    disk: D,
    output: Output,
    /// Where the last piece ends.
    end: u64,
    capacity: u64,
}

impl<D: Pieces> Pieces for Gaps<D> {
    type What = D::What;
    type Reader = D::Reader;

    fn next(&mut self) -> Result<Option<Piece<D::What>>> {
        let next = self.disk.next()?;
        let at = next.as_ref().map_or(self.capacity, |piece| piece.at);
        if at > self.end {
            self.output.absent(self.end..at)?;
        }
        self.end = at.saturating_add(self.piece_bytes()).min(self.capacity);
        Ok(next)
    }

    fn reader(&self) -> D::Reader {
        self.disk.reader()
    }

    fn passed(&self) -> u64 {
        self.disk.passed()
    }

    fn piece_bytes(&self) -> u64 {
        self.disk.piece_bytes()
    }
}

/// Writes the grains of a piece, and counts those that are not all zeros.
struct Written {
    output: Output,
    capacity: u64,
}

impl Make for Written {
    type Made = u64;

    fn again(&self) -> Self {
        Self {
            output: self.output.clone(),
            capacity: self.capacity,
        }
    }

    fn make(&mut self, at: u64, plain: &[u8], made: &mut u64) -> Result<()> {
        *made = 0;
        let left = usize::try_from(self.capacity.saturating_sub(at)).unwrap_or(usize::MAX);
        let plain = plain.get(..left).unwrap_or(plain);
        let mut start = at;
        for grain in plain.chunks(GRAIN_BYTES) {
            let end = start.saturating_add(grain.len() as u64);
            if is_zero(grain) {
                self.output.absent(start..end)?;
            } else {
                *made = made.saturating_add(1);
                // Nobody has tried to compress it.
                self.output.grain(start, grain, 0)?;
            }
            start = end;
        }
        self.output.batch_ends()
    }
}
