//! A raw image: each grain at its place, and holes where there is none.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::worker::Work;
use crate::error::{Error, Result};

/// Writes grains into a file that is as long as the disk, and empty.
#[derive(Clone)]
pub(crate) struct Raw {
    file: Arc<File>,
    path: PathBuf,
}

impl Raw {
    /// Of a file that is new; `path` is for messages.
    pub(crate) fn new(file: &File, path: PathBuf) -> Result<Self> {
        let file = file.try_clone().map_err(|e| Error::io(&path, e))?;
        Ok(Self {
            file: Arc::new(file),
            path,
        })
    }
}

impl Work for Raw {
    fn grain(&mut self, at: u64, plain: &[u8]) -> Result<()> {
        if is_zero(plain) {
            return Ok(());
        }
        write_at(&self.file, plain, at).map_err(|e| Error::io(&self.path, e))
    }
}

/// Whether nothing but zeros is in it: what a hole has, too.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |found, byte| found | byte) == 0
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
