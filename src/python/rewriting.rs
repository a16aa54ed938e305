//! A file that is read once and written anew: a disk in VMware's layout, or a copy.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::gil;
use super::local::Sink;
use super::package::Package;
use super::reading::{DiskRow, Reading};
use nfclease::error::{Error, Result};
use nfclease::image::{Rewriting, Rewritten, Treatment};
use nfclease::io::{ChecksumType, Slice, StoredFile};
use nfclease::ovf;

/// What was written: its size, the sums of what was read, its own, and the disk as it was.
type Row = (u64, Vec<String>, Option<String>, Option<DiskRow>);

/// Of a disk by itself.
#[pyfunction]
pub(crate) fn rewrite_disk(
    py: Python<'_>,
    path: PathBuf,
    sink: &Sink,
    treatment: &str,
) -> PyResult<Reading> {
    let name = path.display().to_string();
    let rewriting = gil::guarded(py, || {
        Ok(Rewriting {
            source: Slice::all(Arc::new(StoredFile::open(&path)?)),
            name,
            treatment: parsed(treatment)?,
            read_sums: Vec::new(),
            written_sum: None,
        })
    })?;
    start(py, rewriting, sink)
}

/// Of a file of a package, with sums of what is read, and one of what is written.
#[pyfunction]
#[pyo3(signature = (package, href, sink, treatment, *, sums, written))]
pub(crate) fn rewrite_member(
    py: Python<'_>,
    package: &Package,
    href: &str,
    sink: &Sink,
    treatment: &str,
    sums: Vec<String>,
    written: &str,
) -> PyResult<Reading> {
    let rewriting = gil::guarded(py, || {
        let sums = sums.iter().map(|name| ChecksumType::parse_of_file(name));
        Ok(Rewriting {
            source: package.0.file(href, None, None)?,
            name: format!("{}: {href}", package.0.name()),
            treatment: parsed(treatment)?,
            read_sums: sums.collect::<Result<_>>()?,
            written_sum: Some(ChecksumType::parse_of_file(written)?),
        })
    })?;
    start(py, rewriting, sink)
}

/// A descriptor whose files have these sizes, in their order; all else stays as it is.
#[pyfunction]
pub(crate) fn with_sizes(
    py: Python<'_>,
    descriptor: Vec<u8>,
    name: &str,
    sizes: Vec<Option<u64>>,
) -> PyResult<Py<PyBytes>> {
    let changed = gil::guarded(py, || ovf::with_sizes(&descriptor, name, &sizes))?;
    Ok(PyBytes::new(py, &changed).unbind())
}

fn parsed(treatment: &str) -> Result<Treatment> {
    match treatment {
        "copy" => Ok(Treatment::Copy),
        "move" => Ok(Treatment::Move),
        "check" => Ok(Treatment::Check),
        _ => Err(Error::internal("a treatment is one of three")),
    }
}

fn start(py: Python<'_>, rewriting: Rewriting, sink: &Sink) -> PyResult<Reading> {
    let length = rewriting.source.length;
    let sink = gil::guarded(py, || sink.open(&Arc::default()))?;
    Reading::of(py, length, move |watched| rewriting.run(sink, watched), row)
}

fn row(written: Rewritten) -> Row {
    let Rewritten {
        size,
        read_sums,
        written_sum,
        disk,
    } = written;
    (size, read_sums, written_sum, disk.map(DiskRow::from))
}
