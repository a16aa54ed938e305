//! What a source is: by its first bytes, and only where its name says so a raw disk, which has none.

use std::path::Path;

use crate::error::Result;
use crate::image::qcow2;
use crate::image::refused::damaged;
use crate::io::Slice;

/// What a disk's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFormat {
    /// The bytes of the disk.
    Raw,
    /// QEMU's format.
    Qcow2,
    /// A streamOptimized VMDK.
    Vmdk,
}

/// Bytes that a format is known by.
const VMDK: &[u8] = b"KDMV";

/// How the text of a disk in several files begins.
const DESCRIPTOR: &[u8] = b"# Disk Descriptor";

/// Names of raw disks. qcow2 images are often called `.img`, too.
const RAW: [&str; 2] = ["raw", "img"];

impl SourceFormat {
    /// What the first bytes of a file say; None where they say nothing, as those of a raw disk.
    pub fn found(source: &Slice) -> Result<Option<Self>> {
        Ok(Self::of(&start_of(source)?))
    }

    fn of(start: &[u8]) -> Option<Self> {
        if start.starts_with(VMDK) {
            Some(Self::Vmdk)
        } else if start.starts_with(&qcow2::MAGIC) {
            Some(Self::Qcow2)
        } else {
            None
        }
    }
}

fn start_of(source: &Slice) -> Result<Vec<u8>> {
    source.read(0, source.length.min(32))
}

/// What it is; else why nobody can say.
pub(in crate::image) fn of(
    source: &Slice,
    name: &str,
    told: Option<SourceFormat>,
) -> Result<SourceFormat> {
    let start = start_of(source)?;
    let found = SourceFormat::of(&start);
    if let Some(told) = told {
        if told != SourceFormat::Raw && found != Some(told) {
            let text = format!(
                "it is not what it is said to be: it starts with {}",
                shown(&start)
            );
            return Err(damaged(name, text));
        }
        return Ok(told);
    }
    let suffix = Path::new(name).extension().unwrap_or_default();
    let is_called = |what: &str| suffix.eq_ignore_ascii_case(what);
    match found {
        // The first bytes of a raw disk are its guest's.
        Some(_) if is_called("raw") => Err(damaged(
            name,
            format!(
                "it is called raw and starts with {}, as another format does; say which it is",
                shown(&start)
            ),
        )),
        Some(found) => Ok(found),
        None if RAW.iter().any(|raw| is_called(raw)) => Ok(SourceFormat::Raw),
        None if start.starts_with(DESCRIPTOR) => Err(damaged(
            name,
            "it is the descriptor of a disk whose data are in other files, which are not read",
        )),
        None => Err(damaged(
            name,
            format!(
                "it starts with {}, and is neither a streamOptimized VMDK nor a qcow2 image; a raw \
                 disk is taken for one where it is called .raw or .img, or is said to be one",
                shown(&start)
            ),
        )),
    }
}

fn shown(start: &[u8]) -> String {
    let start = start.get(..16).unwrap_or(start);
    format!("\"{}\"", start.escape_ascii())
}
