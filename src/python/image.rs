//! A disk that is read at any place, as `image` in Python knows it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::gil;
use super::package::Package;
use nfclease::image::{self, About, Extent, Layout, Stored};
use nfclease::io::{Slice, StoredFile};
use nfclease::sync::lock;

/// An open disk. Any number of threads may read at once.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct OpenDisk {
    disk: Arc<image::OpenDisk>,
    stored: u64,
}

/// What is known of it.
#[derive(IntoPyObject)]
struct AboutRow {
    capacity: u64,
    stored_size: u64,
    grain_size: u64,
    version: u32,
    directory_in_front: bool,
    end_marker: bool,
    grains: u64,
    zero_grains: u64,
    descriptor: Vec<(String, String)>,
    cells: Vec<u16>,
}

#[pymethods]
impl OpenDisk {
    /// A file by itself.
    #[staticmethod]
    fn of_path(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let name = path.display().to_string();
        let slice = gil::guarded(py, || Ok(Slice::all(Arc::new(StoredFile::open(&path)?))))?;
        Self::open(py, name, slice)
    }

    /// A file of a package, which is not compressed.
    #[staticmethod]
    #[pyo3(signature = (package, href, *, chunk_size=None, size=None))]
    fn of_member(
        py: Python<'_>,
        package: &Package,
        href: &str,
        chunk_size: Option<u64>,
        size: Option<u64>,
    ) -> PyResult<Self> {
        let slice = gil::guarded(py, || package.0.file(href, chunk_size, size))?;
        Self::open(py, format!("{}: {href}", package.0.name()), slice)
    }

    #[getter]
    fn name(&self) -> &str {
        self.disk.name()
    }

    /// Bytes of the disk.
    #[getter]
    fn size(&self) -> u64 {
        self.disk.size()
    }

    /// Bytes of it from there on: fewer at its end, and 4 MiB at most.
    fn read_at(&self, py: Python<'_>, offset: u64, length: u64) -> PyResult<Py<PyBytes>> {
        let bytes = gil::guarded(py, || self.disk.read_at(offset, length))?;
        Ok(PyBytes::new(py, &bytes).unbind())
    }

    /// Reads all tables.
    fn about(&self, py: Python<'_>) -> PyResult<AboutRow> {
        let About {
            capacity,
            grain_size,
            version,
            layout,
            has_end_marker,
            grains,
            zero_grains,
            descriptor,
            cells,
        } = gil::guarded(py, || self.disk.about())?;
        Ok(AboutRow {
            capacity,
            stored_size: self.stored,
            grain_size,
            version,
            directory_in_front: layout == Layout::InFront,
            end_marker: has_end_marker,
            grains,
            zero_grains,
            descriptor,
            cells,
        })
    }

    /// Which parts of it are stored.
    fn extents(&self) -> Extents {
        Extents(Mutex::new(image::Extents::new(Arc::clone(&self.disk))))
    }
}

impl OpenDisk {
    fn open(py: Python<'_>, name: String, slice: Slice) -> PyResult<Self> {
        let stored = slice.length;
        let disk = gil::guarded(py, || image::OpenDisk::open(name, slice))?;
        Ok(Self {
            disk: Arc::new(disk),
            stored,
        })
    }
}

/// The extents of a disk, in order.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Extents(Mutex<image::Extents>);

/// Start, length, how it is stored, and where.
type Row = (u64, u64, &'static str, Option<u64>);

#[pymethods]
impl Extents {
    /// The next ones, so many at most; none after the last.
    fn next(&self, py: Python<'_>, count: usize) -> PyResult<Vec<Row>> {
        let extents = gil::guarded(py, || lock(&self.0).next(count))?;
        Ok(extents.into_iter().map(row).collect())
    }
}

fn row(extent: Extent) -> Row {
    let (stored, offset) = match extent.stored {
        Stored::Absent => ("absent", None),
        Stored::Zero => ("zero", None),
        Stored::Data { offset } => ("data", Some(offset)),
    };
    (extent.start, extent.length, stored, offset)
}
