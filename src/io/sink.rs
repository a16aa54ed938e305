//! Where a download goes: a file that gets its final name only at the end.
//!
//! The order that makes a wrong or partial file impossible under the final name: write to
//! `name.part`, fsync it, rename it without replacing, fsync the directory.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::part::Part;
use super::threads::in_place;
use crate::error::{Error, Result};

/// Whether an existing file of the final name may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// An existing file is an error, before any byte is asked for and again at the rename.
    Never,
    /// An existing file is replaced, in one step, by a verified one.
    Replace,
}

/// The local end of a download. Blocking on purpose: the task that received the bytes writes them.
pub trait Sink: Send {
    /// Told of the size before the first byte, where the server names one.
    fn expect(&mut self, _bytes: u64) -> Result<()> {
        Ok(())
    }
    /// Appends bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// Forgets what was written, for a second GET of the whole disk.
    fn restart(&mut self) -> Result<()>;
    /// Whether it can: else the first failure is the last.
    fn is_repeatable(&self) -> bool {
        true
    }
    /// Makes the bytes durable and visible; called once, after verification.
    fn commit(&mut self) -> Result<()>;
    /// Removes what a failed transfer left; returns what could not be removed.
    fn discard(&mut self) -> Vec<PathBuf>;
}

/// A file target, written as `name.part`.
pub struct FileSink {
    part: Part,
    target: PathBuf,
    name: OsString,
    overwrite: Overwrite,
}

impl FileSink {
    /// Creates `target.part` beside `target`. Fails before anything is sent when the directory is
    /// missing or read-only, when the target exists, or when another transfer writes to it.
    pub fn create(target: &Path, overwrite: Overwrite) -> Result<Self> {
        let Some(name) = target.file_name() else {
            return Err(Error::InvalidArgument {
                reason: format!("target {} names no file", target.display()).into(),
            });
        };
        if target.is_dir() {
            return Err(Error::io(target, io::ErrorKind::IsADirectory.into()));
        }
        if overwrite == Overwrite::Never && fs::symlink_metadata(target).is_ok() {
            let text = "the file exists; overwrite=True replaces it";
            return Err(local(target, io::ErrorKind::AlreadyExists, text));
        }
        if fs::metadata(target).is_ok_and(|there| !there.is_file()) {
            let text = "not a regular file";
            return Err(local(target, io::ErrorKind::InvalidInput, text));
        }
        let directory =
            Directory::of(target).map_err(|e| Error::io(Directory::path_of(target), e))?;
        let mut part = name.to_owned();
        part.push(".part");
        Ok(Self {
            part: Part::create(directory, part)?,
            target: target.to_owned(),
            name: name.to_owned(),
            overwrite,
        })
    }

    fn publish(&mut self) -> Result<()> {
        let part = self.part.path();
        // A failed fsync is final: the kernel may already have dropped the dirty pages.
        self.part.file.sync_all().map_err(|e| Error::io(&part, e))?;
        let is_there = self.part.directory.is_there();
        if !is_there.map_err(|e| Error::io(&part, e))? {
            let text = "someone renamed or removed the directory while the file was written";
            return Err(local(&part, io::ErrorKind::NotFound, text));
        }
        if !(self.part.has(&self.part.name)).map_err(|e| Error::io(&part, e))? {
            let text = "someone removed or replaced this file while it was written";
            return Err(local(&part, io::ErrorKind::NotFound, text));
        }
        self.name()?;
        self.part.keep();
        // No error: the file is there, whole and verified, and what it replaced is gone.
        if let Err(e) = self.part.directory.sync() {
            let (target, directory) = (self.target.display(), self.part.directory.path().display());
            tracing::warn!(
                "{target} is complete, but {directory} could not be synced ({e}): \
                 the file's name may be lost when the power fails now"
            );
        }
        Ok(())
    }

    /// The step after which the file has its name.
    fn name(&mut self) -> Result<()> {
        let Part {
            directory,
            name: part,
            naming,
            ..
        } = &self.part;
        let named = match self.overwrite {
            Overwrite::Replace => directory.rename(part, &self.name),
            Overwrite::Never => naming.name(directory, part, &self.name),
        };
        let Err(e) = named else { return Ok(()) };
        // An answer may be lost where the work was done.
        let is_named = cfg!(unix) && self.part.has(&self.name).unwrap_or(false);
        if !is_named {
            return Err(Error::io(&self.target, e));
        }
        if self.part.has(part).unwrap_or(true) {
            let (target, part) = (self.target.display(), self.part.path());
            tracing::warn!(
                "{target} is complete, but its other name {} could not be removed: {e}",
                part.display()
            );
        }
        Ok(())
    }
}

impl Sink for FileSink {
    fn expect(&mut self, bytes: u64) -> Result<()> {
        match free_space(&self.part.file) {
            Some(free) if free < bytes => {
                let text = format!("{bytes} bytes are needed, {free} are free");
                Err(local(&self.target, io::ErrorKind::StorageFull, &text))
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.part
            .file
            .write_all(bytes)
            .map_err(|e| Error::io(self.part.path(), e))
    }

    fn restart(&mut self) -> Result<()> {
        let file = &mut self.part.file;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .map_err(|e| Error::io(self.part.path(), e))
    }

    fn commit(&mut self) -> Result<()> {
        // A sync may take long, and other disks need the thread.
        in_place(|| self.publish())
    }

    fn discard(&mut self) -> Vec<PathBuf> {
        self.part.discard()
    }
}

fn local(path: &Path, kind: io::ErrorKind, text: &str) -> Error {
    Error::io(path, io::Error::new(kind, text))
}

/// Bytes that can still be written there; `None` where the file system does not say. A quota is
/// not known here.
#[cfg(unix)]
fn free_space(file: &fs::File) -> Option<u64> {
    let space = rustix::fs::fstatvfs(file).ok()?;
    let blocks = if rustix::process::geteuid().is_root() {
        space.f_bfree
    } else {
        space.f_bavail
    };
    (space.f_blocks > 0).then(|| blocks.saturating_mul(space.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_file: &fs::File) -> Option<u64> {
    None
}
