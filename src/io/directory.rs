//! The directory of a target: held open, so that its names stay the same when it is renamed.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
// Network file systems may interrupt any of these calls, a rename too.
#[cfg(unix)]
use rustix::io::retry_on_intr;
#[cfg(unix)]
use std::os::fd::{AsFd as _, BorrowedFd};

/// What a file is, whatever its name; `None` where the system has no such number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(i128, i128);

/// A directory and the names in it.
pub(super) struct Directory {
    path: PathBuf,
    /// Not there where the directory may be used and not be read.
    open: Option<File>,
}

impl Directory {
    /// The directory that a path names a file in.
    pub(super) fn of(target: &Path) -> io::Result<Self> {
        let path = Self::path_of(target);
        fs::metadata(path)?;
        let open = match open_directory(path) {
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => None,
            open => Some(open?),
        };
        let path = path.to_owned();
        Ok(Self { path, open })
    }

    /// The path of the directory that a path names a file in.
    pub(super) fn path_of(target: &Path) -> &Path {
        match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    /// Its path when it was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its path still leads to it.
    pub(super) fn is_there(&self) -> io::Result<bool> {
        let there = match fs::metadata(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            there => there?,
        };
        match &self.open {
            Some(open) => Ok(is_one(&there, &open.metadata()?)),
            None => Ok(there.is_dir()),
        }
    }

    /// Makes the names in it durable, where it can be.
    pub(super) fn sync(&self) -> io::Result<()> {
        match self.open.as_ref().map_or(Ok(()), File::sync_all) {
            Err(e) if is_no_sync(&e) => Ok(()),
            synced => synced,
        }
    }
}

#[cfg(unix)]
impl Directory {
    fn at<'a>(&'a self, name: &'a OsStr) -> (BorrowedFd<'a>, PathBuf) {
        match &self.open {
            Some(open) => (open.as_fd(), name.into()),
            None => (CWD, self.path.join(name)),
        }
    }

    /// Creates a file that was not there.
    pub(super) fn create_new(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        self.open_file(name, flags)
    }

    /// Opens a file that is there.
    pub(super) fn open_existing(&self, name: &OsStr) -> io::Result<File> {
        // A FIFO is not waited for.
        self.open_file(name, OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK)
    }

    fn open_file(&self, name: &OsStr, flags: OFlags) -> io::Result<File> {
        let (at, name) = self.at(name);
        let mode = Mode::from_raw_mode(0o666);
        let opened =
            retry_on_intr(|| rustix::fs::openat(at, name.as_path(), flags | OFlags::CLOEXEC, mode));
        Ok(File::from(opened?))
    }

    /// What has this name; `None` when nothing has. No link is followed.
    pub(super) fn look(&self, name: &OsStr) -> io::Result<Option<Identity>> {
        let (at, name) = self.at(name);
        match retry_on_intr(|| rustix::fs::statat(at, &name, AtFlags::SYMLINK_NOFOLLOW)) {
            Ok(found) => Ok(Some(Identity(found.st_dev.into(), found.st_ino.into()))),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Whether it is a regular file that has this name, and no link or device.
    pub(super) fn is_file(&self, name: &OsStr) -> io::Result<bool> {
        let (at, name) = self.at(name);
        let found = retry_on_intr(|| rustix::fs::statat(at, &name, AtFlags::SYMLINK_NOFOLLOW))?;
        Ok(rustix::fs::FileType::from_raw_mode(found.st_mode).is_file())
    }

    /// Removes a name.
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        let (at, name) = self.at(name);
        Ok(retry_on_intr(|| {
            rustix::fs::unlinkat(at, &name, AtFlags::empty())
        })?)
    }

    /// Renames, replacing what has the name.
    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let ((at, from), (_, to)) = (self.at(from), self.at(to));
        Ok(retry_on_intr(|| rustix::fs::renameat(at, &from, at, &to))?)
    }

    /// Renames, unless something has the name.
    pub(super) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        {
            use rustix::fs::{RenameFlags, renameat_with};
            let ((at, from), (_, to)) = (self.at(from), self.at(to));
            Ok(retry_on_intr(|| {
                renameat_with(at, &from, at, &to, RenameFlags::NOREPLACE)
            })?)
        }
        #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
        {
            let _ = (from, to);
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// Gives a file a second name, unless something has it.
    pub(super) fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let ((at, from), (_, to)) = (self.at(from), self.at(to));
        Ok(retry_on_intr(|| {
            rustix::fs::linkat(at, &from, at, &to, AtFlags::empty())
        })?)
    }
}

/// The same by paths: an open file keeps its name there.
#[cfg(not(unix))]
impl Directory {
    pub(super) fn create_new(&self, name: &OsStr) -> io::Result<File> {
        let mut options = fs::OpenOptions::new();
        let path = self.path.join(name);
        options.read(true).write(true).create_new(true).open(path)
    }

    pub(super) fn open_existing(&self, name: &OsStr) -> io::Result<File> {
        fs::OpenOptions::new()
            .write(true)
            .open(self.path.join(name))
    }

    pub(super) fn look(&self, name: &OsStr) -> io::Result<Option<Identity>> {
        match fs::symlink_metadata(self.path.join(name)) {
            Ok(_) => Ok(Some(Identity(0, 0))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    pub(super) fn is_file(&self, name: &OsStr) -> io::Result<bool> {
        Ok(fs::symlink_metadata(self.path.join(name))?.is_file())
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    pub(super) fn rename_new(&self, _from: &OsStr, _to: &OsStr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::hard_link(self.path.join(from), self.path.join(to))
    }
}

#[cfg(unix)]
fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()));
    Ok(File::from(opened?))
}

#[cfg(not(unix))]
fn open_directory(_path: &Path) -> io::Result<File> {
    Err(io::ErrorKind::PermissionDenied.into())
}

/// What an open file is.
#[cfg(unix)]
pub(super) fn identity_of(file: &File) -> io::Result<Identity> {
    let found = retry_on_intr(|| rustix::fs::fstat(file))?;
    Ok(Identity(found.st_dev.into(), found.st_ino.into()))
}

#[cfg(not(unix))]
pub(super) fn identity_of(_file: &File) -> io::Result<Identity> {
    Ok(Identity(0, 0))
}

#[cfg(unix)]
fn is_one(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_one(_one: &Metadata, _other: &Metadata) -> bool {
    true
}

/// Not every directory can be synced.
#[cfg(unix)]
fn is_no_sync(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error();
    [
        Errno::ACCESS,
        Errno::PERM,
        Errno::INVAL,
        Errno::BADF,
        Errno::NOTSUP,
    ]
    .iter()
    .any(|known| errno == Some(known.raw_os_error()))
}

#[cfg(not(unix))]
fn is_no_sync(_error: &io::Error) -> bool {
    true
}
