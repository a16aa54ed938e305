//! A raw image: each grain at its place. Elsewhere a file has a hole, and a device gets zeros.

use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering;

use super::file::ImageFile;
use super::target::Size;
use super::worker::Work;
use crate::error::Result;
use crate::vmdk::is_zero;

/// Writes grains into a file that is new, or to a device.
#[derive(Clone)]
pub(super) struct Raw {
    file: ImageFile,
    /// Of a device, which has a length already, and no zeros.
    device: Option<Size>,
}

impl Raw {
    /// Of a file that is empty, or of a device of this size.
    pub(super) fn new(file: ImageFile, device: Option<Size>) -> Self {
        Self { file, device }
    }

    /// The disk is so long.
    pub(super) fn begin(&self, capacity: u64) -> Result<()> {
        match &self.device {
            None => self.file.set_len(capacity),
            Some(size) if size.bytes < capacity => {
                let text = format!("the device has {} bytes, the disk {capacity}", size.bytes);
                let full = io::Error::new(io::ErrorKind::StorageFull, text);
                Err(self.file.failed(full))
            }
            Some(size) => {
                size.is_touched.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

impl Work for Raw {
    fn grain(&mut self, at: u64, plain: &[u8], _stored: usize) -> Result<()> {
        if self.device.is_none() && is_zero(plain) {
            return Ok(());
        }
        self.file.write(plain, at)
    }

    fn absent(&mut self, bytes: Range<u64>) -> Result<()> {
        match &self.device {
            None => Ok(()),
            Some(_) => self.file.zero(bytes),
        }
    }
}
