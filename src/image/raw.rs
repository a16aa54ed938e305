//! A raw image: each grain at its place, and holes where there is none.

use super::file::ImageFile;
use super::worker::Work;
use crate::error::Result;
use crate::vmdk::is_zero;

/// Writes grains into a file that is new.
#[derive(Clone)]
pub(super) struct Raw {
    file: ImageFile,
}

impl Raw {
    /// Of a file that is empty.
    pub(super) fn new(file: ImageFile) -> Self {
        Self { file }
    }

    /// The disk is so long.
    pub(super) fn begin(&self, capacity: u64) -> Result<()> {
        self.file.set_len(capacity)
    }
}

impl Work for Raw {
    fn grain(&mut self, at: u64, plain: &[u8], _stored: usize) -> Result<()> {
        if is_zero(plain) {
            return Ok(());
        }
        self.file.write(plain, at)
    }
}
