//! A file that gets its final name only at the end.
//!
//! The order that makes a wrong or partial file impossible under the final name: write to
//! `name.part`, fsync it, rename it without replacing, fsync the directory.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::Directory;
use super::part::Part;
use crate::error::{Error, Result};
use crate::text::{Place, said_at};

/// Whether an existing file of the final name may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// An existing file is an error, before any byte is asked for and again at the rename.
    Never,
    /// An existing file is replaced, in one step, by a verified one.
    Replace,
}

/// A file that has not got its final name. Dropped, it is gone.
pub(crate) struct Staged {
    part: Part,
    target: PathBuf,
    name: OsString,
    overwrite: Overwrite,
    is_published: bool,
}

impl Staged {
    /// Creates `target.part` beside `target`. Fails before anything is sent when the directory is
    /// missing or read-only, when the target exists, or when another transfer writes to it. `place` is
    /// what log records of it are about.
    pub(crate) fn create(target: &Path, overwrite: Overwrite, place: Arc<Place>) -> Result<Self> {
        let Some(name) = target.file_name() else {
            return Err(Error::InvalidArgument {
                reason: format!("target {} does not name a file", target.display()).into(),
            });
        };
        if target.is_dir() {
            return Err(Error::io(target, io::ErrorKind::IsADirectory.into()));
        }
        if overwrite == Overwrite::Never && fs::symlink_metadata(target).is_ok() {
            return Err(Error::Exists {
                path: target.to_owned(),
            });
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
            part: Part::create(directory, part, place)?,
            target: target.to_owned(),
            name: name.to_owned(),
            overwrite,
            is_published: false,
        })
    }

    /// The file that is written.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.part.file
    }

    /// Its path until then, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.part.path()
    }

    /// Whether so many bytes more fit there, as far as the file system says.
    pub(crate) fn expect(&self, bytes: u64) -> Result<()> {
        self.part.expect(bytes, &self.target)
    }

    /// What bytes are appended to.
    pub(crate) fn part(&mut self) -> &mut Part {
        &mut self.part
    }

    /// Makes the bytes durable. A failed fsync is final: the kernel may already have dropped the
    /// dirty pages.
    pub(crate) fn sync(&self) -> Result<()> {
        let synced = self.part.file.sync_all();
        let flushed = synced.and_then(|()| flush(&self.part.file));
        flushed.map_err(|e| Error::io(self.part.path(), e))
    }

    /// Refuses where the name could not be given as things are, before anybody relies on it.
    pub(crate) fn check(&self) -> Result<()> {
        self.check_place()?;
        if self.overwrite == Overwrite::Never && self.is_taken()? {
            return Err(Error::Exists {
                path: self.target.clone(),
            });
        }
        Ok(())
    }

    /// Refuses where somebody moved or removed the directory, or the file in it.
    fn check_place(&self) -> Result<()> {
        let part = self.part.path();
        let is_there = self.part.directory.is_there();
        if !is_there.map_err(|e| Error::io(&part, e))? {
            let text = "someone renamed or removed the directory while the file was written";
            return Err(local(&part, io::ErrorKind::NotFound, text));
        }
        if !(self.part.has(&self.part.name)).map_err(|e| Error::io(&part, e))? {
            let text = "someone removed or replaced this file while it was written";
            return Err(local(&part, io::ErrorKind::NotFound, text));
        }
        Ok(())
    }

    fn is_taken(&self) -> Result<bool> {
        let there = self.part.directory.look(&self.name);
        let there = there.map_err(|e| Error::io(&self.target, e))?;
        Ok(there.is_some())
    }

    /// Gives the file its name; the bytes are durable already.
    pub(crate) fn publish(&mut self) -> Result<()> {
        self.check_place()?;
        self.name()?;
        self.part.keep();
        self.is_published = true;
        // No error: the file is there, whole and verified, and what it replaced is gone.
        if let Err(e) = self.part.directory.sync() {
            let (target, directory) = (self.target.display(), self.part.directory.path().display());
            said_at!(
                warn,
                self.part.place,
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
            said_at!(
                warn,
                self.part.place,
                "{target} is complete, but its other name {} could not be removed: {e}",
                part.display()
            );
        }
        Ok(())
    }

    /// Takes its name back once it has it; returns it where it stays, since it replaced another file,
    /// or since it cannot be removed.
    pub(crate) fn retract(&mut self) -> Vec<PathBuf> {
        if !std::mem::take(&mut self.is_published) {
            return Vec::new();
        }
        let is_alone = self.overwrite == Overwrite::Never;
        let removed = match self.part.has(&self.name) {
            Ok(true) if is_alone => self.part.directory.remove(&self.name),
            Ok(false) => return Vec::new(),
            Ok(true) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(e) => Err(e),
        };
        removed
            .err()
            .map(|_| self.target.clone())
            .into_iter()
            .collect()
    }

    /// Removes it, unless it has its name; returns what may still be there.
    pub(crate) fn discard(&mut self) -> Vec<PathBuf> {
        self.part.discard()
    }
}

/// Some file systems (s3fs, rclone, NFS) say only when a descriptor is closed that the bytes were not
/// taken. A second one is closed for that: the first keeps the lock until the file has its name.
#[cfg(unix)]
fn flush(file: &File) -> io::Result<()> {
    loop {
        // Where no descriptor is left, fsync alone has to do.
        let Ok(second) = file.try_clone() else {
            return Ok(());
        };
        match nix::unistd::close(second) {
            Err(nix::errno::Errno::EINTR) => {}
            closed => return closed.map_err(io::Error::from),
        }
    }
}

#[cfg(not(unix))]
fn flush(_file: &File) -> io::Result<()> {
    Ok(())
}

fn local(path: &Path, kind: io::ErrorKind, text: &str) -> Error {
    Error::io(path, io::Error::new(kind, text))
}
