//! `name.part`: created and locked, known by what it is and not by its name, and removed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::{Directory, Identity, identity_of};
use super::rename::Naming;
use crate::error::{Error, Result};
use crate::text::{Place, said_at};

/// A partial file. Dropped, it is gone, unless it got another name.
pub(crate) struct Part {
    pub(crate) file: File,
    pub(super) directory: Directory,
    pub(super) name: OsString,
    /// How this file system gives a file a name that nothing has.
    pub(super) naming: Naming,
    /// What log records of it are about.
    pub(super) place: Arc<Place>,
    identity: Identity,
    open: bool,
}

impl Part {
    /// Creates and locks the partial file. One left behind by a killed process has no lock and is
    /// replaced; one that is being written does.
    ///
    /// It gets its name as the whole file will get its own, so that a file system where that does
    /// not work is found out before the first byte.
    pub(super) fn create(directory: Directory, name: OsString, place: Arc<Place>) -> Result<Self> {
        let start = OsString::from(format!(
            ".nfclease-{}-{:08x}",
            std::process::id(),
            fastrand::u32(..)
        ));
        let failed = |e: io::Error| Error::io(directory.path().join(&name), e);
        let file = directory.create_new(&start).map_err(failed)?;
        let named = (|| {
            lock(&file)?;
            let identity = identity_of(&file)?;
            let naming = match Naming::find(&directory, &start, &name) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    remove_stale(&directory, &name)?;
                    Naming::find(&directory, &start, &name)?
                }
                found => found?,
            };
            Ok((identity, naming))
        })();
        match named {
            Ok((identity, naming)) => Ok(Self {
                file,
                directory,
                name,
                naming,
                place,
                identity,
                open: true,
            }),
            Err(e) => {
                drop(file); // FUSE renames a file that is removed while it is open
                if let Err(left) = directory.remove(&start) {
                    let start = directory.path().join(&start);
                    let start = start.display();
                    said_at!(warn, place, "{start} could not be removed: {left}");
                }
                Err(failed(e))
            }
        }
    }

    /// The same by a path under which it does not stay: it is removed again.
    pub(crate) fn beside(path: &Path, place: Arc<Place>) -> Result<Self> {
        let directory = Directory::of(path).map_err(|e| Error::io(Directory::path_of(path), e))?;
        let name = path.file_name().unwrap_or_default().to_owned();
        Self::create(directory, name, place)
    }

    /// Refuses what does not fit there, as far as the file system says; `target` is who needs it.
    pub(crate) fn expect(&self, bytes: u64, target: &Path) -> Result<()> {
        match free_space(&self.file) {
            Some(free) if free < bytes => {
                let text = format!("{bytes} bytes are needed, {free} are free");
                let full = io::Error::new(io::ErrorKind::StorageFull, text);
                Err(Error::io(target, full))
            }
            _ => Ok(()),
        }
    }

    /// Its path, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join(&self.name)
    }

    /// Whether a name means this file.
    pub(super) fn has(&self, name: &OsStr) -> io::Result<bool> {
        Ok(self.directory.look(name)? == Some(self.identity))
    }

    /// It has its final name: do not remove it any more.
    pub(super) fn keep(&mut self) {
        self.open = false;
    }

    /// Removes it; returns what may still be there. What somebody else put in its place stays.
    pub(crate) fn discard(&mut self) -> Vec<PathBuf> {
        if !std::mem::take(&mut self.open) {
            return Vec::new();
        }
        let removed = match self.has(&self.name) {
            Ok(true) => self.directory.remove(&self.name),
            Ok(false) => return Vec::new(),
            Err(e) => Err(e),
        };
        match removed {
            Err(e) if e.kind() != io::ErrorKind::NotFound => vec![self.path()],
            _ => Vec::new(),
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.discard();
    }
}

fn remove_stale(directory: &Directory, name: &OsStr) -> io::Result<()> {
    if directory.is_file(name)? {
        let file = directory.open_existing(name)?;
        lock(&file)?;
        return directory.remove(name);
    }
    directory.remove(name)
}

#[cfg(unix)]
fn lock(file: &File) -> io::Result<()> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::{Errno, retry_on_intr};
    match retry_on_intr(|| flock(file, FlockOperation::NonBlockingLockExclusive)) {
        // Some network file systems have no locks; O_EXCL alone then decides.
        Err(Errno::NOSYS | Errno::NOTSUP | Errno::NOLCK) => Ok(()),
        Err(Errno::WOULDBLOCK) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "another transfer is writing to this file",
        )),
        other => other.map_err(io::Error::from),
    }
}

#[cfg(not(unix))]
fn lock(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Bytes that can still be written there; `None` where the file system does not say. A quota is
/// not known here.
#[cfg(unix)]
fn free_space(file: &File) -> Option<u64> {
    let space = rustix::fs::fstatvfs(file).ok()?;
    let blocks = if rustix::process::geteuid().is_root() {
        space.f_bfree
    } else {
        space.f_bavail
    };
    (space.f_blocks > 0).then(|| blocks.saturating_mul(space.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_file: &File) -> Option<u64> {
    None
}
