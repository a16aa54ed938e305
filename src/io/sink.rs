//! Where a download goes: a file that gets its final name only at the end.
//!
//! The order that makes a wrong or partial file impossible under the final name: write to
//! `name.part`, fsync it, rename it without replacing, fsync the directory.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

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
    file: File,
    part: PathBuf,
    target: PathBuf,
    overwrite: Overwrite,
    open: bool,
}

impl FileSink {
    /// Creates `target.part` beside `target`. Fails before anything is sent when the directory is
    /// missing or read-only, when the target exists, or when another transfer writes to it.
    pub fn create(target: &Path, overwrite: Overwrite) -> Result<Self> {
        let part = part_path(target)?;
        if target.is_dir() {
            return Err(Error::io(target, io::ErrorKind::IsADirectory.into()));
        }
        if overwrite == Overwrite::Never && fs::symlink_metadata(target).is_ok() {
            let text = "the file exists; overwrite=True replaces it";
            let error = io::Error::new(io::ErrorKind::AlreadyExists, text);
            return Err(Error::io(target, error));
        }
        if fs::metadata(target).is_ok_and(|there| !there.is_file()) {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(Error::io(target, error));
        }
        let file = create_part(&part)?;
        Ok(Self {
            file,
            part,
            target: target.to_owned(),
            overwrite,
            open: true,
        })
    }
}

impl FileSink {
    fn publish(&mut self) -> Result<()> {
        // A failed fsync is final: the kernel may already have dropped the dirty pages.
        self.file.sync_all().map_err(|e| Error::io(&self.part, e))?;
        if !self.is_part() {
            let error = io::Error::new(
                io::ErrorKind::NotFound,
                "someone removed or replaced this file while it was written",
            );
            return Err(Error::io(&self.part, error));
        }
        rename(&self.part, &self.target, self.overwrite).map_err(|e| Error::io(&self.target, e))?;
        self.open = false;
        sync_directory(&self.target)
    }

    /// Whether the name still means the file that is being written.
    #[cfg(unix)]
    fn is_part(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let ours = self.file.metadata().map(place).ok();
        ours.is_some() && ours == fs::symlink_metadata(&self.part).map(place).ok()
    }

    /// An open file keeps its name there.
    #[cfg(not(unix))]
    fn is_part(&self) -> bool {
        true
    }
}

impl Sink for FileSink {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|e| Error::io(&self.part, e))
    }

    fn restart(&mut self) -> Result<()> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .map_err(|e| Error::io(&self.part, e))
    }

    fn commit(&mut self) -> Result<()> {
        // A sync may take long, and other disks need the thread.
        tokio::task::block_in_place(|| self.publish())
    }

    fn discard(&mut self) -> Vec<PathBuf> {
        if !std::mem::take(&mut self.open) || !self.is_part() {
            return Vec::new();
        }
        match fs::remove_file(&self.part) {
            Ok(()) => Vec::new(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(_) => vec![self.part.clone()],
        }
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        self.discard();
    }
}

fn part_path(target: &Path) -> Result<PathBuf> {
    let Some(name) = target.file_name() else {
        return Err(Error::InvalidArgument {
            reason: format!("target {} names no file", target.display()).into(),
        });
    };
    let mut part = OsString::from(name);
    part.push(".part");
    Ok(target.with_file_name(part))
}

/// Creates and locks the partial file. One left behind by a killed process has no lock and is
/// replaced; one that is being written does.
fn create_part(part: &Path) -> Result<File> {
    for attempt in 0..2 {
        match open_new(part) {
            Ok(file) => {
                lock(&file).map_err(|e| Error::io(part, e))?;
                return Ok(file);
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && attempt == 0 => {
                remove_stale(part)?;
            }
            Err(e) if !directory_of(part).is_dir() => {
                return Err(Error::io(directory_of(part), e));
            }
            Err(e) => return Err(Error::io(part, e)),
        }
    }
    Err(Error::io(part, io::ErrorKind::AlreadyExists.into()))
}

fn remove_stale(part: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(part).map_err(|e| Error::io(part, e))?;
    if metadata.is_file() {
        let file = OpenOptions::new()
            .write(true)
            .open(part)
            .map_err(|e| Error::io(part, e))?;
        lock(&file).map_err(|e| Error::io(part, e))?;
    }
    fs::remove_file(part).map_err(|e| Error::io(part, e))
}

#[cfg(unix)]
fn open_new(part: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(part)
}

#[cfg(not(unix))]
fn open_new(part: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(part)
}

#[cfg(unix)]
fn lock(file: &File) -> io::Result<()> {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        // Some network file systems have no locks; O_EXCL alone then decides.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP | rustix::io::Errno::NOLCK) => {
            Ok(())
        }
        Err(rustix::io::Errno::WOULDBLOCK) => Err(io::Error::new(
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

fn rename(part: &Path, target: &Path, overwrite: Overwrite) -> io::Result<()> {
    match overwrite {
        Overwrite::Replace => fs::rename(part, target),
        Overwrite::Never => rename_new(part, target),
    }
}

/// A hard link refuses an existing name on every Unix file system that has links.
#[cfg(unix)]
fn rename_new(part: &Path, target: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, part, CWD, target, RenameFlags::NOREPLACE) {
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {}
            other => return other.map_err(io::Error::from),
        }
    }
    fs::hard_link(part, target)?;
    fs::remove_file(part)
}

#[cfg(not(unix))]
fn rename_new(part: &Path, target: &Path) -> io::Result<()> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(part, target)
}

fn directory_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn sync_directory(target: &Path) -> Result<()> {
    let parent = directory_of(target);
    match File::open(parent).and_then(|dir| dir.sync_all()) {
        // The file has its name by now; not every directory can be opened or synced.
        Err(e) if is_no_sync(&e) => Ok(()),
        done => done.map_err(|e| Error::io(parent, e)),
    }
}

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
fn sync_directory(_target: &Path) -> Result<()> {
    Ok(())
}
