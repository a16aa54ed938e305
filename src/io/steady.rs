//! Whether a file that is read is still the one that was looked at first.

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, Result};

/// What a file was when it was looked at. A write in place changes the time, which the file system counts
/// in steps of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    length: u64,
    /// `None` where the file system does not say.
    modified: Option<SystemTime>,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }

    /// An error where it has another length now, or was written to.
    pub(super) fn check(&self, path: &Path, now: &Metadata) -> Result<()> {
        let now = Self::of(now);
        if now.length != self.length {
            return Err(Error::SizeMismatch {
                what: format!("{} (the source changed while it was read)", path.display()).into(),
                expected: self.length,
                actual: now.length,
            });
        }
        if now.modified == self.modified {
            return Ok(());
        }
        Err(changed(path, "it was written to"))
    }
}

/// An open file, and what it was then.
#[derive(Debug)]
pub(super) struct Steady {
    pub(super) file: File,
    /// For messages.
    pub(super) path: PathBuf,
    /// The same from the root on: the process may go to another directory.
    place: PathBuf,
    /// `None` of a device, whose time says nothing of its bytes.
    stamp: Option<Stamp>,
}

impl Steady {
    /// Of a file that was opened by this path; its length with it.
    pub(super) fn of(file: File, path: &Path) -> Result<(Self, u64)> {
        let metadata = file.metadata().map_err(|e| Error::io(path, e))?;
        let stamp = metadata.is_file().then(|| Stamp::of(&metadata));
        let steady = Self {
            file,
            path: path.to_owned(),
            place: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            stamp,
        };
        Ok((steady, metadata.len()))
    }

    /// An error where it is not what it was, or its path leads to another file now. One that was only
    /// removed is still whole.
    pub(super) fn check(&self) -> Result<()> {
        let Some(stamp) = &self.stamp else {
            return Ok(());
        };
        let now = self.file.metadata().map_err(|e| Error::io(&self.path, e))?;
        stamp.check(&self.path, &now)?;
        match fs::metadata(&self.place) {
            Ok(there) if is_other(&now, &there) => {
                Err(changed(&self.path, "another file took its place"))
            }
            _ => Ok(()),
        }
    }
}

fn changed(path: &Path, reason: &str) -> Error {
    Error::SourceChanged {
        what: path.display().to_string().into(),
        reason: reason.into(),
    }
}

/// Whether they are of two files.
#[cfg(unix)]
pub(super) fn is_other(one: &Metadata, two: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) != (two.dev(), two.ino())
}

/// The system does not say which file it is: a link is another one.
#[cfg(not(unix))]
pub(super) fn is_other(one: &Metadata, two: &Metadata) -> bool {
    one.is_symlink() || two.is_symlink()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn opened(folder: &tempfile::TempDir) -> (PathBuf, Steady) {
        let path = folder.path().join("disk");
        fs::write(&path, b"0123").unwrap();
        let (steady, length) = Steady::of(File::open(&path).unwrap(), &path).unwrap();
        assert_eq!(length, 4);
        steady.check().unwrap();
        (path, steady)
    }

    /// The clock of a file system has steps: this is a write of another moment.
    fn written(path: &Path, bytes: &[u8]) {
        fs::write(path, bytes).unwrap();
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(5))
            .unwrap();
    }

    #[test]
    fn another_length_is_told() {
        for bytes in [&b"012"[..], b"01234"] {
            let folder = tempfile::tempdir().unwrap();
            let (path, steady) = opened(&folder);
            written(&path, bytes);
            let error = steady.check().unwrap_err();
            let is_it = matches!(error, Error::SizeMismatch { expected: 4, actual, .. } if actual == bytes.len() as u64);
            assert!(is_it, "{error}");
        }
    }

    #[test]
    fn a_write_in_place_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (path, steady) = opened(&folder);
        written(&path, b"4567");
        let error = steady.check().unwrap_err();
        assert!(matches!(error, Error::SourceChanged { .. }), "{error}");
        assert!(error.to_string().contains("disk"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn another_file_in_its_place_is_told_and_a_removed_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (path, steady) = opened(&folder);
        let new = folder.path().join("new");
        fs::write(&new, b"4567").unwrap();
        fs::rename(&new, &path).unwrap();
        let error = steady.check().unwrap_err();
        assert!(matches!(error, Error::SourceChanged { .. }), "{error}");
        let (path, steady) = opened(&folder);
        fs::remove_file(path).unwrap();
        steady.check().unwrap();
    }
}
