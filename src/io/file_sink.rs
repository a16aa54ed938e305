//! A download to a file that gets its final name only at the end.
//!
//! The order that makes a wrong or partial file impossible under the final name: write to
//! `name.part`, fsync it, rename it without replacing, fsync the directory.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _, Seek, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::digest::{ChecksumType, Digest};
use super::directory::Directory;
use super::part::Part;
use super::sink::{Sink, Wait};
use crate::error::{Error, Result};
use crate::threads::Aside;

/// Read at once where a file is read again.
const PIECE: usize = 4 * 1024 * 1024;

/// Whether an existing file of the final name may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// An existing file is an error, before any byte is asked for and again at the rename.
    Never,
    /// An existing file is replaced, in one step, by a verified one.
    Replace,
}

/// A file target, written as `name.part`. Each write is done when it returns: it goes no further than
/// the system's cache, from the task that has the bytes in its own.
pub struct FileSink {
    /// `None` while a commit has it.
    file: Option<Unnamed>,
    /// A sync may take long, and other disks need the task's thread.
    aside: Aside,
}

/// A file that has not got its final name.
struct Unnamed {
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
            file: Some(Unnamed {
                part: Part::create(directory, part)?,
                target: target.to_owned(),
                name: name.to_owned(),
                overwrite,
            }),
            aside: Aside::new("nfclease-file"),
        })
    }

    fn file(&mut self) -> Result<&mut Unnamed> {
        let file = self.file.as_mut();
        file.ok_or_else(|| Error::internal("a file is there until it is committed"))
    }
}

impl Unnamed {
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

impl Unnamed {
    fn expect(&self, bytes: u64) -> Result<()> {
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

    /// The file from its start, for a second look. Writing goes on at its end afterwards.
    fn reread(&mut self) -> Result<(Reading, PathBuf)> {
        let path = self.part.path();
        let file = self.part.file.rewind();
        let file = file.and_then(|()| self.part.file.try_clone());
        let file = file.map_err(|e| Error::io(&path, e))?;
        let buffer = vec![0; PIECE];
        Ok((Reading { file, buffer }, path))
    }

    fn restart(&mut self) -> Result<()> {
        let file = &mut self.part.file;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .map_err(|e| Error::io(self.part.path(), e))
    }
}

impl Sink for FileSink {
    fn expect(&mut self, bytes: u64) -> Result<()> {
        self.file()?.expect(bytes)
    }

    fn write(&mut self, bytes: Bytes) -> Wait<'_, Result<()>> {
        Wait::over(self.file().and_then(|file| file.write(&bytes)))
    }

    fn restart(&mut self) -> Wait<'_, Result<()>> {
        Wait::over(self.file().and_then(Unnamed::restart))
    }

    fn digest(&mut self, checksum_type: ChecksumType) -> Wait<'_, Result<Option<String>>> {
        Wait::going(async move {
            let (mut reading, path) = self.file()?.reread()?;
            let failed = move |e| Error::io(&path, e);
            let mut digest = Digest::new(checksum_type);
            // Piece by piece: nothing is read on for who has given the transfer up.
            loop {
                let work = move || {
                    let read = reading.read_piece(&mut digest);
                    read.map(|bytes| (bytes, reading, digest))
                };
                let bytes;
                (bytes, reading, digest) = self.aside.run(work).await?.map_err(&failed)?;
                if bytes == 0 {
                    return Ok(Some(digest.finish()));
                }
            }
        })
    }

    fn commit(&mut self) -> Wait<'_, Result<()>> {
        Wait::going(async {
            self.file()?;
            let Some(mut file) = self.file.take() else {
                return Ok(());
            };
            let work = move || {
                let published = file.publish();
                (file, published)
            };
            let (file, published) = self.aside.run(work).await?;
            self.file = Some(file);
            published
        })
    }

    fn discard(&mut self) -> Wait<'_, Vec<PathBuf>> {
        Wait::over(
            self.file
                .as_mut()
                .map_or_else(Vec::new, |file| file.part.discard()),
        )
    }
}

/// A file that is read once more.
struct Reading {
    file: fs::File,
    buffer: Vec<u8>,
}

impl Reading {
    /// Digests the next piece; 0 at the end.
    fn read_piece(&mut self, digest: &mut Digest) -> io::Result<usize> {
        loop {
            match self.file.read(&mut self.buffer) {
                Ok(bytes) => {
                    digest.update(self.buffer.get(..bytes).unwrap_or_default());
                    return Ok(bytes);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
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

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use super::*;

    async fn written(path: &Path, overwrite: Overwrite) -> FileSink {
        let mut sink = FileSink::create(path, overwrite).unwrap();
        for piece in [&b"abc"[..], b"def"] {
            sink.write(Bytes::from_static(piece)).await.unwrap();
        }
        sink
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_runtime_of_one_thread_commits() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("disk");
        let mut sink = written(&path, Overwrite::Never).await;
        sink.commit().await.unwrap();
        assert_eq!(sink.discard().await, Vec::<PathBuf>::new());
        drop(sink);
        assert_eq!(fs::read(&path).unwrap(), b"abcdef");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_was_written_is_read_again() {
        let root = tempfile::tempdir().unwrap();
        let mut sink = written(&root.path().join("disk"), Overwrite::Never).await;
        for _ in 0..2 {
            let digest = sink.digest(ChecksumType::Sha1).await.unwrap();
            assert_eq!(
                digest.as_deref(),
                Some("1f8ac10f23c5b5bc1167bda84b833e5c057a77d2")
            );
        }
        sink.write(Bytes::from_static(b"ghi")).await.unwrap();
        sink.commit().await.unwrap();
        assert_eq!(fs::read(root.path().join("disk")).unwrap(), b"abcdefghi");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_commit_that_fails_leaves_what_is_discarded() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("disk");
        let mut sink = written(&path, Overwrite::Never).await;
        fs::write(&path, b"somebody else's").unwrap();
        sink.commit().await.unwrap_err();
        assert_eq!(sink.discard().await, Vec::<PathBuf>::new());
        assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
