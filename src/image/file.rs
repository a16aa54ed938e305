//! The file of an image, which several threads write to, each at a place of its own.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Result};

/// An open file, and its path for messages.
#[derive(Clone)]
pub(super) struct ImageFile {
    file: Arc<File>,
    path: PathBuf,
}

impl ImageFile {
    /// Of a file that others keep open as well.
    pub(super) fn new(file: &File, path: PathBuf) -> Result<Self> {
        let file = file.try_clone().map_err(|e| Error::io(&path, e))?;
        Ok(Self {
            file: Arc::new(file),
            path,
        })
    }

    /// Writes all of it there.
    pub(super) fn write(&self, bytes: &[u8], at: u64) -> Result<()> {
        write_at(&self.file, bytes, at).map_err(|e| self.failed(e))
    }

    /// Makes it so long; what is new is a hole.
    pub(super) fn set_len(&self, length: u64) -> Result<()> {
        self.file.set_len(length).map_err(|e| self.failed(e))
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::io(&self.path, error)
    }
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt as _;
    while !bytes.is_empty() {
        let written = file.seek_write(bytes, at)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
        at = at.saturating_add(written as u64);
    }
    Ok(())
}
