//! A package that is read, as `appliance` in Python knows it.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;

use super::address::Address;
use super::encoding;
use super::gil;
use super::local::Source;
use super::reading::{self, Reading, disk_check, kinds};
use super::stored::StoredEnd;
use super::work::Work;
use nfclease::image::SourceFormat;
use nfclease::io::{ChecksumType, GzipCount, Overwrite, Slice, SliceSource};
use nfclease::ovf::{self, DiskCheck, FileCheck};

/// How much is decompressed between two looks for Ctrl-C.
const COUNT_STEP: u64 = 64 << 20;

/// An open package. Its members are read where they are, by as many at once as ask.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Package(pub(super) Arc<ovf::Package>);

#[pymethods]
impl Package {
    /// An `.ova`, an `.ovf` with its files beside it, or the directory of one.
    #[staticmethod]
    fn of_path(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let open = move || ovf::Package::open(&path);
        Ok(Self(Arc::new(gil::guarded(py, open)?)))
    }

    /// An OVA in a file object, by its `StoredEnd`, of so many bytes.
    #[staticmethod]
    fn of_file(py: Python<'_>, end: Py<PyAny>, length: u64) -> PyResult<Self> {
        let stored = Arc::new(StoredEnd::new(end, length));
        let open = move || ovf::Package::of_archive(stored);
        Ok(Self(Arc::new(gil::guarded(py, open)?)))
    }

    /// A package at an address, or an `Incoming` where its server answers no Range.
    #[staticmethod]
    fn of_url(py: Python<'_>, address: &Address) -> PyResult<Py<PyAny>> {
        super::address::package(py, address)
    }

    #[getter]
    fn name(&self) -> String {
        self.0.name()
    }

    #[getter]
    fn descriptor_name(&self) -> &str {
        self.0.descriptor_name()
    }

    #[getter]
    fn descriptor(&self) -> &[u8] {
        self.0.descriptor()
    }

    #[getter]
    fn manifest_name(&self) -> Option<&str> {
        self.0.manifest_name()
    }

    #[getter]
    fn manifest(&self) -> Option<&[u8]> {
        self.0.manifest().map(AsRef::as_ref)
    }

    #[getter]
    fn certificate(&self) -> bool {
        self.0.has_certificate()
    }

    #[getter]
    fn members(&self) -> Vec<(String, u64)> {
        self.0.members()
    }

    #[getter]
    fn notes(&self) -> Vec<String> {
        self.0.notes().to_vec()
    }

    /// Whether its files come one after another only, as those of a stream do.
    #[getter]
    #[allow(clippy::unused_self, reason = "another kind of package says yes")]
    fn in_order(&self) -> bool {
        false
    }

    /// The size of the file that an `href` means; `None` where it is missing.
    fn member_size(&self, py: Python<'_>, href: &str) -> PyResult<Option<u64>> {
        let found = gil::guarded(py, || self.0.find(href))?;
        Ok(found.map(|slice| slice.length))
    }

    /// What an upload of the file sends. With `gzip` it is read once to its end first.
    #[pyo3(signature = (href, *, chunk_size=None, size=None, gzip=false))]
    fn source(
        &self,
        py: Python<'_>,
        href: &str,
        chunk_size: Option<u64>,
        size: Option<u64>,
        gzip: bool,
    ) -> PyResult<Source> {
        let slice = gil::guarded(py, || self.0.file(href, chunk_size, size))?;
        if gzip {
            return decompressed(py, slice);
        }
        Ok(Source::closed(move |_| {
            Ok(Box::new(SliceSource::from(slice)))
        }))
    }

    /// Reads a file to its end, in a thread: the sums of its pieces as they are stored, and whether it
    /// is whole.
    #[pyo3(signature = (href, *, sums, chunk_size=None, size=None, gzip=false, disk="none"))]
    #[allow(clippy::too_many_arguments, reason = "what Python says by name")]
    fn check(
        &self,
        py: Python<'_>,
        href: &str,
        sums: Vec<String>,
        chunk_size: Option<u64>,
        size: Option<u64>,
        gzip: bool,
        disk: &str,
    ) -> PyResult<Reading> {
        let check = || {
            Ok(FileCheck {
                sums: kinds(&sums)?,
                pieces: self.0.pieces(href, chunk_size, size)?,
                is_gzip: gzip,
                disk: disk_check(disk)?,
            })
        };
        let check = gil::guarded(py, check)?;
        Reading::start(py, check)
    }

    /// What a file is by its first bytes: `vmdk`, `qcow2`, or None where they do not say.
    fn image_format(&self, py: Python<'_>, href: &str) -> PyResult<Option<&'static str>> {
        let format = gil::guarded(py, || SourceFormat::found(&self.0.file(href, None, None)?))?;
        Ok(format.map(encoding::word))
    }

    /// Makes a streamOptimized VMDK of a disk, which holds so many bytes; None leaves that to the disk.
    fn encode(
        &self,
        py: Python<'_>,
        href: &str,
        target: PathBuf,
        capacity: Option<u64>,
    ) -> PyResult<Reading> {
        let mut options = encoding::options(py, None, "libdeflate", None)?;
        options.capacity = capacity;
        let open = || self.0.file(href, None, None);
        encoding::start(py, open, href, target, Overwrite::Never, options)
    }

    /// Reads a file into a new one; its work gives the sums of it.
    fn fetch(
        &self,
        py: Python<'_>,
        href: &str,
        target: PathBuf,
        sums: Vec<String>,
    ) -> PyResult<Reading> {
        let open = || Ok((self.0.file(href, None, None)?, kinds(&sums)?));
        let (source, kinds) = gil::guarded(py, open)?;
        let length = source.length;
        let run = move |watched: &_| ovf::fetch(&source, &target, &kinds, watched);
        Reading::of(py, length, run, |sums| sums)
    }

    /// The sum of a file as it is stored.
    fn digest(&self, py: Python<'_>, name: &str, algorithm: &str) -> PyResult<Work> {
        let check = || {
            Ok(FileCheck {
                sums: vec![ChecksumType::parse_of_file(algorithm)?],
                pieces: self.0.pieces(name, None, None)?,
                is_gzip: false,
                disk: DiskCheck::None,
            })
        };
        let check = gil::guarded(py, check)?;
        reading::digest(py, check)
    }
}

fn decompressed(py: Python<'_>, slice: Slice) -> PyResult<Source> {
    let mut count = gil::guarded(py, || GzipCount::start(slice))?;
    loop {
        if let Some(source) = gil::guarded(py, || count.step(COUNT_STEP))? {
            return Ok(Source::closed(move |_| Ok(Box::new(source))));
        }
        py.check_signals()?;
    }
}
