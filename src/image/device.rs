//! A block device that becomes a disk: it must be one, and nothing may use it. Linux alone says that for certain.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, major, minor};

use crate::error::{Error, Result};

/// Where Linux lists what is mounted.
const MOUNTS: &str = "/proc/self/mountinfo";

/// Opens a device that nothing uses, for this process alone; its length with it.
pub(super) fn open(path: &Path) -> Result<(File, u64)> {
    let failed = |e: io::Error| Error::io(path, e);
    let found = fs::metadata(path).map_err(failed)?;
    if !found.file_type().is_block_device() {
        let text = "it is not a block device, and was said to be one";
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, text)));
    }
    if let Some(place) = mounted_at(found.rdev()) {
        let text = format!("it is mounted at {}: unmount it first", place.display());
        return Err(failed(io::Error::new(io::ErrorKind::ResourceBusy, text)));
    }
    // With O_EXCL, Linux refuses a device that is mounted by whom ever, or part of another one.
    let flags = i32::try_from(OFlags::EXCL.bits()).unwrap_or_default();
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open(path);
    let mut file = opened.map_err(failed)?;
    let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
    Ok((file, length))
}

fn mounted_at(device: u64) -> Option<PathBuf> {
    let number = format!("{}:{}", major(device), minor(device));
    let mounts = fs::read_to_string(MOUNTS).ok()?;
    let mut lines = mounts.lines().map(|line| line.split(' '));
    // Its id, its parent's, the device, the root within that, and where it is mounted.
    let mut found = lines.find(|fields| fields.clone().nth(2) == Some(&number))?;
    found.nth(4).map(PathBuf::from)
}
