//! Bytes that are read at any place, by many at once: a file, a caller's file object, a URL.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::reader::Reader;
use super::steady::{Stamp, Steady, is_other};
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
    /// Where the first byte from there on is that may be other than zero: a file may have a hole, and says
    /// where it ends.
    fn next_data(&self, offset: u64) -> Result<u64> {
        Ok(offset)
    }
    /// An error where it is not what it was when it was opened.
    fn unchanged(&self) -> Result<()> {
        Ok(())
    }
}

/// A regular file.
pub struct StoredFile {
    steady: Arc<Steady>,
    length: u64,
}

impl StoredFile {
    /// Opens a regular file.
    pub fn open(path: &Path) -> Result<Self> {
        let (steady, length) = Steady::of(open_regular(path)?, path)?;
        Ok(Self::of(steady, length))
    }

    /// Opens a regular file, or a block device.
    pub fn open_disk(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path).map_err(|e| Error::io(path, e))?;
        if !is_block_device(&metadata) {
            return Self::open(path);
        }
        let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
        let length = file
            .seek(SeekFrom::End(0))
            .map_err(|e| Error::io(path, e))?;
        Ok(Self::of(Steady::of(file, path)?.0, length))
    }

    fn of(steady: Steady, length: u64) -> Self {
        Self {
            steady: Arc::new(steady),
            length,
        }
    }

    fn metadata(&self) -> Result<Metadata> {
        let Steady { file, path, .. } = self.steady.as_ref();
        file.metadata().map_err(|e| Error::io(path, e))
    }
}

#[cfg(unix)]
fn is_block_device(metadata: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_block_device(_metadata: &Metadata) -> bool {
    false
}

impl Stored for StoredFile {
    fn name(&self) -> String {
        self.steady.path.display().to_string()
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>> {
        Ok(Box::new(Part {
            steady: Arc::clone(&self.steady),
            at: offset,
            left: length,
        }))
    }

    fn unchanged(&self) -> Result<()> {
        self.steady.check()
    }

    #[cfg(any(target_os = "linux", target_os = "macos"))]
    fn next_data(&self, offset: u64) -> Result<u64> {
        // The place in the file is nobody's: each reader has its own.
        match rustix::fs::seek(&self.steady.file, rustix::fs::SeekFrom::Data(offset)) {
            Ok(next) => Ok(next.max(offset)),
            // Nothing but a hole is there.
            Err(rustix::io::Errno::NXIO) => Ok(self.length.max(offset)),
            // A file system that does not know.
            Err(_) => Ok(offset),
        }
    }
}

/// A regular file below a directory, opened by each reader: of a package in many pieces only those
/// that are read are open. A link that leads out of the directory is refused each time, and so is a
/// file that was changed since it was looked at.
pub struct StoredPath {
    place: Below,
    length: u64,
    stamp: Stamp,
}

impl StoredPath {
    /// Looks at a file by its name below the directory, with `/`.
    pub fn look(root: &Path, name: &str) -> Result<Self> {
        let place = Below {
            root: root.to_owned(),
            name: name.to_owned(),
            path: name
                .split('/')
                .fold(root.to_owned(), |path, part| path.join(part)),
        };
        let metadata = place.open()?.metadata()?;
        Ok(Self {
            place,
            length: metadata.len(),
            stamp: Stamp::of(&metadata),
        })
    }

    fn opened(&self) -> Result<StoredFile> {
        let stored = self.place.open()?;
        self.stamp.check(&self.place.path, &stored.metadata()?)?;
        Ok(stored)
    }
}

/// Where a file is below a directory.
struct Below {
    root: PathBuf,
    name: String,
    path: PathBuf,
}

impl Below {
    /// Opens it, and judges what was opened, which is all that a reader gets.
    fn open(&self) -> Result<StoredFile> {
        let real = fs::canonicalize(&self.path).map_err(|e| Error::io(&self.path, e))?;
        let root = fs::canonicalize(&self.root).map_err(|e| Error::io(&self.root, e))?;
        if !real.starts_with(root) {
            return Err(self.leads_out());
        }
        let opened = StoredFile::open(&self.path)?;
        let was = fs::symlink_metadata(&real).map_err(|e| Error::io(&self.path, e))?;
        if is_other(&opened.metadata()?, &was) {
            return Err(self.leads_out());
        }
        Ok(opened)
    }

    fn leads_out(&self) -> Error {
        Error::UnsafeMember {
            what: self.root.display().to_string().into(),
            name: self.name.as_str().into(),
            reason: "it is a link to a file outside the package's directory; copy that file there"
                .into(),
        }
    }
}

impl Stored for StoredPath {
    fn name(&self) -> String {
        self.place.path.display().to_string()
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }

    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>> {
        self.opened()?.open(offset, length)
    }

    fn unchanged(&self) -> Result<()> {
        self.opened().map(drop)
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
    steady: Arc<Steady>,
    at: u64,
    left: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = buffer.len().min(most);
        let count = read_at(&self.steady.file, &mut buffer[..most], self.at)?;
        self.at = self.at.saturating_add(count as u64);
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

impl Reader for Part {
    fn name(&self) -> PathBuf {
        self.steady.path.clone()
    }

    fn unchanged(&mut self) -> Result<()> {
        self.steady.check()
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

    #[cfg(unix)]
    #[test]
    fn a_link_may_not_leave_the_directory_even_later() {
        use std::os::unix::fs::symlink;

        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("package");
        let secret = outside.path().join("secret");
        fs::create_dir(&root).unwrap();
        fs::write(&secret, b"secret").unwrap();
        fs::write(root.join("disk"), b"0123").unwrap();
        symlink(root.join("disk"), root.join("inside")).unwrap();
        symlink("../secret", root.join("outside")).unwrap();
        symlink("..", root.join("folder")).unwrap();
        for name in ["outside", "folder/secret"] {
            let refused = StoredPath::look(&root, name);
            assert!(matches!(refused, Err(Error::UnsafeMember { .. })), "{name}");
        }
        let stored = StoredPath::look(&root, "inside").unwrap();
        let mut text = String::new();
        let mut reader = stored.open(0, 10).unwrap();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), stored.length()), ("0123", Some(4)));

        fs::remove_file(root.join("inside")).unwrap();
        symlink(&secret, root.join("inside")).unwrap();
        assert!(matches!(
            stored.open(0, 10),
            Err(Error::UnsafeMember { .. })
        ));
    }
}
