//! The file of an image, which several threads write to, each at a place of its own.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Zeros that are written at once.
const ZEROS: usize = 1024 * 1024;

/// An open file, and its path for messages.
#[derive(Clone)]
pub(super) struct ImageFile {
    file: Arc<File>,
    path: PathBuf,
}

impl ImageFile {
    /// Of a file that others keep open as well.
    pub(super) fn new(file: &File, path: PathBuf) -> Result<Self> {
        let file = file.try_clone().map_err(|e| Error::io(&path, e))?;
        Ok(Self {
            file: Arc::new(file),
            path,
        })
    }

    /// Writes all of it there.
    pub(super) fn write(&self, bytes: &[u8], at: u64) -> Result<()> {
        write_at(&self.file, bytes, at).map_err(|e| self.failed(e))
    }

    /// Writes these pieces there, one behind the other.
    pub(super) fn write_pieces(&self, pieces: &[&[u8]], at: u64) -> Result<()> {
        if pieces.len() > 1 && written_at_once(&self.file, pieces, at) {
            return Ok(());
        }
        let mut at = at;
        for piece in pieces {
            self.write(piece, at)?;
            at = at.saturating_add(piece.len() as u64);
        }
        Ok(())
    }

    /// Makes these bytes of a device read as zeros, without writing them where it can.
    pub(super) fn zero(&self, bytes: Range<u64>) -> Result<()> {
        let length = bytes.end.saturating_sub(bytes.start);
        if length == 0 || zeroed(&self.file, bytes.start, length) {
            return Ok(());
        }
        let zeros = vec![0; ZEROS];
        let mut at = bytes.start;
        while at < bytes.end {
            let left = usize::try_from(bytes.end.saturating_sub(at)).unwrap_or(ZEROS);
            let now = zeros.get(..left).unwrap_or(&zeros);
            self.write(now, at)?;
            at = at.saturating_add(now.len() as u64);
        }
        Ok(())
    }

    /// Makes it so long; what is new is a hole.
    pub(super) fn set_len(&self, length: u64) -> Result<()> {
        self.file.set_len(length).map_err(|e| self.failed(e))
    }

    pub(super) fn failed(&self, error: io::Error) -> Error {
        Error::io(&self.path, error)
    }
}

/// Tries to write all with one call. What it leaves is written again, and its error is found then.
#[cfg(target_os = "linux")]
fn written_at_once(file: &File, pieces: &[&[u8]], at: u64) -> bool {
    use std::io::IoSlice;
    let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let length = pieces.iter().map(|piece| piece.len()).sum();
    rustix::io::pwritev(file, &slices, at).is_ok_and(|written| written == length)
}

#[cfg(not(target_os = "linux"))]
fn written_at_once(_file: &File, _pieces: &[&[u8]], _at: u64) -> bool {
    false
}

/// Has the device do it: a discard that leaves zeros, or its own way to write them.
#[cfg(target_os = "linux")]
fn zeroed(file: &File, at: u64, length: u64) -> bool {
    use rustix::fs::{FallocateFlags, fallocate};
    let ways = [FallocateFlags::PUNCH_HOLE, FallocateFlags::ZERO_RANGE];
    let mut flags = ways.iter().map(|way| *way | FallocateFlags::KEEP_SIZE);
    flags.any(|flags| fallocate(file, flags, at, length).is_ok())
}

#[cfg(not(target_os = "linux"))]
fn zeroed(_file: &File, _at: u64, _length: u64) -> bool {
    false
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt as _;
    while !bytes.is_empty() {
        let written = file.seek_write(bytes, at)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
        at = at.saturating_add(written as u64);
    }
    Ok(())
}
