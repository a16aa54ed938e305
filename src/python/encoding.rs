//! A disk that becomes a streamOptimized VMDK, in a thread of its own.

use std::path::PathBuf;

use pyo3::prelude::*;

use super::error::to_py;
use super::gil::guarded;
use super::reading::{DiskRow, Reading};
use nfclease::error::{Error, Result};
use nfclease::image::{Encoding, EncodingOptions, GrainCompression, SourceFormat};
use nfclease::io::{Overwrite, Slice};

/// What Python's words choose. `threads` counts the one that writes.
pub(super) fn options(
    py: Python<'_>,
    format: Option<&str>,
    compression: &str,
    threads: Option<usize>,
) -> PyResult<EncodingOptions> {
    let format = source_format(py, format)?;
    let compression = match compression {
        "libdeflate" => Ok(GrainCompression::Libdeflate),
        "zlib" => Ok(GrainCompression::Zlib),
        _ => Err(Error::internal("a compression is one of two")),
    };
    guarded(py, || {
        Ok(EncodingOptions {
            format,
            capacity: None,
            compression: compression?,
            threads: beside(threads),
        })
    })
}

/// What a source is said to be.
pub(super) fn source_format(py: Python<'_>, word: Option<&str>) -> PyResult<Option<SourceFormat>> {
    match word {
        None => Ok(None),
        Some("raw") => Ok(Some(SourceFormat::Raw)),
        Some("qcow2") => Ok(Some(SourceFormat::Qcow2)),
        Some("vmdk") => Ok(Some(SourceFormat::Vmdk)),
        Some(_) => Err(to_py(py, &Error::internal("a format is one of three"))),
    }
}

/// Threads beside the one that reads or writes, which Python counts as well.
pub(super) fn beside(threads: Option<usize>) -> Option<usize> {
    threads.map(|threads| threads.saturating_sub(1))
}

/// Python's word for a format.
pub(super) fn word(format: SourceFormat) -> &'static str {
    match format {
        SourceFormat::Raw => "raw",
        SourceFormat::Qcow2 => "qcow2",
        SourceFormat::Vmdk => "vmdk",
    }
}

/// Looks at the source, and starts. `name` is what messages call it.
pub(super) fn start(
    py: Python<'_>,
    source: impl FnOnce() -> Result<Slice> + Send,
    name: &str,
    target: PathBuf,
    overwrite: Overwrite,
    options: EncodingOptions,
) -> PyResult<Reading> {
    let open = || Encoding::open(source()?, name, &target, options);
    let encoding = guarded(py, open)?;
    let length = encoding.length();
    let run = move |watched: &_| encoding.run(&target, overwrite, watched);
    Reading::of(py, length, run, DiskRow::from)
}
