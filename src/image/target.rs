//! Where an image goes: a file that gets its name at the end, or a block device.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(target_os = "linux")]
use super::device;
use super::output::{Format, Output};
use super::writer::ImageWriter;
use crate::error::{Error, Result};
use crate::io::staged::Staged;
use crate::io::{Overwrite, again};
use crate::text::{Place, said_at};

/// What the target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file, which may replace one or not.
    File(Overwrite),
    /// A block device that is there, and is overwritten.
    BlockDevice,
}

/// The target while it is written.
pub(super) enum Target {
    File(Staged),
    Device(Device),
}

/// A device, which is opened.
pub(super) struct Device {
    file: File,
    path: PathBuf,
    size: Size,
    /// What log records are about.
    place: Arc<Place>,
}

/// How large a device is, and whether something was written to it.
#[derive(Clone)]
pub(super) struct Size {
    pub(super) bytes: u64,
    pub(super) is_touched: Arc<AtomicBool>,
}

impl Target {
    /// Creates the partial file, or opens the device. `place` is what log records are about.
    pub(super) fn create(path: &Path, kind: Kind, place: Arc<Place>) -> Result<Self> {
        match kind {
            Kind::File(overwrite) => Ok(Self::File(Staged::create(path, overwrite, place)?)),
            Kind::BlockDevice => {
                let (file, bytes) = opened(path)?;
                let is_touched = Arc::default();
                Ok(Self::Device(Device {
                    file,
                    path: path.to_owned(),
                    size: Size { bytes, is_touched },
                    place,
                }))
            }
        }
    }

    /// What writes the stream of this name there.
    pub(super) fn writer(
        &mut self,
        name: &str,
        format: Format,
        threads: Option<usize>,
    ) -> Result<ImageWriter> {
        let output = self.output(format)?;
        let threads = threads.or(format.threads());
        Ok(ImageWriter::new(name.to_owned(), output, threads))
    }

    /// The image that is written there.
    pub(super) fn output(&mut self, format: Format) -> Result<Output> {
        match self {
            Self::File(staged) => {
                let path = staged.path();
                Output::new(format, staged.file(), path)
            }
            Self::Device(device) => {
                let path = device.path.clone();
                Output::of_device(format, &device.file, path, device.size.clone())
            }
        }
    }

    /// Forgets what was written. A device is written once more.
    pub(super) fn restart(&mut self) -> Result<()> {
        match self {
            Self::File(staged) => {
                let emptied = again::restart(staged.file(), 0);
                emptied.map_err(|e| Error::io(staged.path(), e))
            }
            Self::Device(_) => Ok(()),
        }
    }

    /// Makes what was written durable.
    pub(super) fn sync(&mut self) -> Result<()> {
        match self {
            Self::File(staged) => staged.sync(),
            Self::Device(Device { file, path, .. }) => {
                file.sync_all().map_err(|e| Error::io(path.as_path(), e))
            }
        }
    }

    /// All of it is there: a file gets its name.
    pub(super) fn publish(&mut self) -> Result<()> {
        match self {
            Self::File(staged) => staged.publish(),
            Self::Device(device) => {
                device.size.is_touched.store(false, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Takes back the name that it has; returns what stays.
    pub(super) fn retract(&mut self) -> Vec<PathBuf> {
        match self {
            Self::File(staged) => staged.retract(),
            Self::Device(device) => vec![device.path.clone()],
        }
    }

    /// Removes it; returns what is still there.
    pub(super) fn discard(&mut self) -> Vec<PathBuf> {
        match self {
            Self::File(staged) => staged.discard(),
            Self::Device(Device {
                path, size, place, ..
            }) => {
                if !size.is_touched.swap(false, Ordering::Relaxed) {
                    return Vec::new();
                }
                let device = path.display();
                said_at!(
                    warn,
                    place,
                    "{device} has a part of the disk now, and is of no use"
                );
                vec![path.clone()]
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn opened(path: &Path) -> Result<(File, u64)> {
    device::open(path)
}

#[cfg(not(target_os = "linux"))]
fn opened(path: &Path) -> Result<(File, u64)> {
    let text = "a block device is written on Linux alone";
    let unsupported = std::io::Error::new(std::io::ErrorKind::Unsupported, text);
    Err(Error::io(path, unsupported))
}
