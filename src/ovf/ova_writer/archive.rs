//! The archive's file. One member has it at a time, and it alone writes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Texts;
use crate::error::{Error, Result};
use crate::io::again::{self, Again};
use crate::io::part::Part;
use crate::io::staged::Staged;
use crate::ovf::tar::write::{BLOCK, END, entry, header, padding};

/// Moved at once where descriptor or manifest file do not fit their slots.
const PIECE: usize = 4 * 1024 * 1024;

/// An archive that is written. Its first bytes are left free for descriptor and manifest file, which
/// are known last.
pub(super) struct Archive {
    staged: Staged,
    /// What is free in front.
    front: u64,
    /// Where the next member's header goes.
    end: u64,
    /// Bytes of the member that is being written.
    written: u64,
    mtime: u64,
    /// All of it is durable, and it may have its name.
    is_whole: bool,
}

impl Archive {
    /// Nothing yet.
    pub(super) fn new(staged: Staged) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            staged,
            front: 0,
            end: 0,
            written: 0,
            mtime: now.map_or(0, |now| now.as_secs()),
            is_whole: false,
        }
    }

    /// Leaves so many bytes free in front.
    pub(super) fn reserve(&mut self, front: u64) -> Result<()> {
        let reserved = self.staged.file().set_len(front);
        self.checked(reserved)?;
        (self.front, self.end) = (front, front);
        Ok(())
    }

    /// Begins a member, whose header is written when its size is known.
    pub(super) fn open(&mut self) -> Result<()> {
        self.written = 0;
        let start = self.start();
        let opened = again::restart(self.staged.file(), start);
        self.checked(opened)
    }

    /// Whether so many bytes fit.
    pub(super) fn expect(&self, bytes: u64) -> Result<()> {
        self.staged.expect(bytes)
    }

    /// Where the member's next bytes are written.
    pub(super) fn part(&mut self) -> &mut Part {
        self.staged.part()
    }

    /// So many bytes of the member were written.
    pub(super) fn wrote(&mut self, bytes: u64) {
        self.written = self.written.saturating_add(bytes);
    }

    /// The member once more.
    pub(super) fn read_again(&mut self) -> Result<Again> {
        let (start, path) = (self.start(), self.staged.path());
        Again::begin(self.staged.file(), start, path)
    }

    /// The member is whole.
    pub(super) fn close(&mut self, name: &str) -> Result<()> {
        let (end, size) = (self.end, self.written);
        let (block, length) = (header(name, size, self.mtime)?, entry(size)?);
        let end_after = end.saturating_add(length);
        let file = self.staged.file();
        let closed = (|| {
            file.seek(SeekFrom::Start(end))?;
            file.write_all(&block)?;
            // The padding is a hole, which reads as zeros.
            file.set_len(end_after)
        })();
        self.checked(closed)?;
        (self.end, self.written) = (end_after, 0);
        Ok(())
    }

    /// Forgets what was written of the member that is not whole: the archive ends where it began.
    pub(super) fn take_back(&mut self) {
        self.written = 0;
        // What follows overwrites it, or the file goes as a whole.
        let _ = self.staged.file().set_len(self.end);
    }

    /// A member that was spooled.
    pub(super) fn append(&mut self, name: &str, spool: &mut Part, size: u64) -> Result<()> {
        self.open()?;
        let rewound = spool.file.rewind();
        rewound.map_err(|e| Error::io(spool.path(), e))?;
        let copied = io::copy(&mut spool.file, self.staged.file());
        self.written = self.checked(copied)?;
        if self.written != size {
            return Err(Error::SizeMismatch {
                what: format!("{name} (its file {} was changed)", spool.path().display()).into(),
                expected: size,
                actual: self.written,
            });
        }
        self.close(name)
    }

    /// Writes descriptor and manifest file into the front, and the end. All of it is durable then,
    /// and has no name yet, which nothing that can be known now keeps it from.
    pub(super) fn finish(&mut self, texts: &Texts) -> Result<()> {
        let front = texts.front(self.mtime)?;
        self.shift(front.len() as u64)?;
        let end = self.end;
        let file = self.staged.file();
        let written = (|| {
            file.rewind()?;
            file.write_all(&front)?;
            file.seek(SeekFrom::Start(end))?;
            file.write_all(&END)
        })();
        self.checked(written)?;
        self.staged.sync()?;
        self.staged.check()?;
        self.is_whole = true;
        Ok(())
    }

    /// Gives it its name.
    pub(super) fn publish(&mut self) -> Result<()> {
        if !self.is_whole {
            return Err(Error::internal(
                "an archive is whole before it has its name",
            ));
        }
        self.staged.publish()
    }

    /// Removes it; returns what may still be there.
    pub(super) fn discard(&mut self) -> Vec<PathBuf> {
        self.staged.discard()
    }

    fn start(&self) -> u64 {
        self.end.saturating_add(BLOCK)
    }

    /// Makes the front longer or shorter, by moving all members.
    fn shift(&mut self, front: u64) -> Result<()> {
        let (from, length) = (self.front, self.end.saturating_sub(self.front));
        let end = front.saturating_add(length);
        let file = self.staged.file();
        let shifted = if from == front {
            Ok(())
        } else {
            shift(file, from, front, length).and_then(|()| file.set_len(end))
        };
        self.checked(shifted)?;
        (self.front, self.end) = (front, end);
        Ok(())
    }

    fn checked<T>(&self, done: io::Result<T>) -> Result<T> {
        done.map_err(|e| Error::io(self.staged.path(), e))
    }
}

/// Moves bytes within a file, from the side that nothing is overwritten on before it was read.
fn shift(file: &mut File, from: u64, to: u64, length: u64) -> io::Result<()> {
    let mut buffer = vec![0; PIECE];
    let mut done = 0_u64;
    while done < length {
        let left = length.saturating_sub(done);
        let piece = left.min(PIECE as u64);
        let at = if to > from {
            left.saturating_sub(piece)
        } else {
            done
        };
        let Some(bytes) = buffer.get_mut(..usize::try_from(piece).unwrap_or(PIECE)) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        file.seek(SeekFrom::Start(from.saturating_add(at)))?;
        file.read_exact(bytes)?;
        file.seek(SeekFrom::Start(to.saturating_add(at)))?;
        file.write_all(bytes)?;
        done = done.saturating_add(piece);
    }
    Ok(())
}

/// A file of the front, with its header and its padding.
pub(super) fn push_entry(to: &mut Vec<u8>, name: &str, bytes: &[u8], mtime: u64) -> Result<()> {
    let size = bytes.len() as u64;
    to.extend_from_slice(&header(name, size, mtime)?);
    to.extend_from_slice(bytes);
    let zeros = usize::try_from(padding(size)).unwrap_or_default();
    to.resize(to.len().saturating_add(zeros), 0);
    Ok(())
}
