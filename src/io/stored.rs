//! Bytes that are read at any place, by many at once: a file, a caller's file object, a URL.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::reader::Reader;
use crate::error::{Error, Result};

/// What a few bytes of something stored cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Next to nothing, and nobody waits for them.
    Nothing,
    /// A small request, which is waited for.
    Request,
    /// All that is stored before them.
    All,
}

/// What is read by position. Each reader has a place of its own, so that members of one archive are
/// read side by side.
pub trait Stored: Send + Sync {
    /// The name for messages.
    fn name(&self) -> String;
    /// The length in bytes; `None` where nobody says.
    fn length(&self) -> Option<u64>;
    /// Starts to read `length` bytes at `offset`. The reader ends early where the bytes do.
    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>>;
    /// What these few bytes cost: it decides who looks at both ends of a member before it is read.
    fn cost(&self, _offset: u64, _length: u64) -> Cost {
        Cost::Nothing
    }
}

/// A regular file.
pub struct StoredFile {
    file: Arc<File>,
    path: PathBuf,
    length: u64,
}

impl StoredFile {
    /// Opens a regular file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = open_regular(path)?;
        let length = file.metadata().map_err(|e| Error::io(path, e))?.len();
        Ok(Self {
            file: Arc::new(file),
            path: path.to_owned(),
            length,
        })
    }
}

impl Stored for StoredFile {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>> {
        Ok(Box::new(Part {
            file: Arc::clone(&self.file),
            path: self.path.clone(),
            at: offset,
            left: length,
        }))
    }
}

/// A regular file that is opened by each reader: of a package in many pieces only those that are read
/// are open.
pub struct StoredPath {
    path: PathBuf,
    length: u64,
}

impl StoredPath {
    /// Looks at a regular file.
    pub fn look(path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            length: regular(path)?.len(),
        })
    }
}

impl Stored for StoredPath {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>> {
        StoredFile::open(&self.path)?.open(offset, length)
    }
}

/// Opens a file that can be read at any place. It is looked at first: opening a FIFO waits for its
/// writer.
pub(super) fn open_regular(path: &Path) -> Result<File> {
    regular(path)?;
    File::open(path).map_err(|e| Error::io(path, e))
}

fn regular(path: &Path) -> Result<Metadata> {
    let metadata = fs::metadata(path).map_err(|e| Error::io(path, e))?;
    if !metadata.is_file() {
        let kind = if metadata.is_dir() {
            io::Error::from(io::ErrorKind::IsADirectory)
        } else {
            io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
        };
        return Err(Error::io(path, kind));
    }
    Ok(metadata)
}

struct Part {
    file: Arc<File>,
    path: PathBuf,
    at: u64,
    left: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = buffer.len().min(most);
        let count = read_at(&self.file, &mut buffer[..most], self.at)?;
        self.at = self.at.saturating_add(count as u64);
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

impl Reader for Part {
    fn name(&self) -> PathBuf {
        self.path.clone()
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_have_places_of_their_own() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"0123456789").unwrap();
        let stored = StoredFile::open(file.path()).unwrap();
        assert_eq!(stored.length(), Some(10));
        let mut one = stored.open(2, 3).unwrap();
        let mut other = stored.open(8, 100).unwrap();
        let (mut first, mut rest) = ([0u8; 1], String::new());
        one.read_exact(&mut first).unwrap();
        other.read_to_string(&mut rest).unwrap();
        assert_eq!((first, rest.as_str()), ([b'2'], "89"));
        rest.clear();
        one.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "34");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let root = tempfile::tempdir().unwrap();
        for path in [root.path().to_owned(), root.path().join("missing")] {
            assert!(matches!(StoredFile::open(&path), Err(Error::Io { .. })));
        }
    }
}
