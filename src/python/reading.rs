//! Long work on local files, each in a thread of its own: a file of a package that is read to its end,
//! a disk that becomes an image.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use tokio::sync::oneshot;

use super::encoding;
use super::error::to_py;
use super::gil::guarded;
use super::image_format::ImageFormat;
use super::local::{kind, overwriting};
use super::work::Work;
use nfclease::error::{Error, Result};
use nfclease::image::{Conversion, ConversionOptions, Disk, Finding, FindingKind, Layout};
use nfclease::io::{ChecksumType, Slice, StoredFile, Watched};
use nfclease::ovf::{Checked, DiskCheck, FileCheck};
use nfclease::sync::lock;
use nfclease::threads;
use nfclease::transfer::Engine;
use nfclease::transfer::panics::caught_here;

/// Its outcome is that of `work`: `([(name, size, [sum])], flaw, disk)`.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Reading {
    watched: Arc<Watched>,
    length: u64,
    work: Mutex<Option<Work>>,
}

type Found = (
    Vec<(String, u64, Vec<String>)>,
    Option<String>,
    Option<DiskRow>,
);

/// A disk, every grain of which was looked at.
#[derive(IntoPyObject)]
pub(super) struct DiskRow {
    capacity: Option<u64>,
    populated: u64,
    grains: u64,
    directory_in_front: bool,
    end_marker: bool,
    finding: Option<FindingRow>,
}

/// The first thing that is wrong with it.
#[derive(IntoPyObject)]
struct FindingRow {
    kind: &'static str,
    offset: u64,
    sectors: Option<(u64, u64)>,
    reason: String,
}

impl From<Disk> for DiskRow {
    fn from(disk: Disk) -> Self {
        Self {
            capacity: disk.capacity,
            populated: disk.populated,
            grains: disk.grains,
            directory_in_front: disk.layout == Layout::InFront,
            end_marker: disk.has_end_marker,
            finding: disk.finding.map(FindingRow::from),
        }
    }
}

impl From<Finding> for FindingRow {
    fn from(finding: Finding) -> Self {
        Self {
            kind: match finding.kind {
                FindingKind::Format => "format",
                FindingKind::Cut => "cut",
                FindingKind::Damaged => "damaged",
            },
            offset: finding.offset,
            sectors: finding.sectors.map(|sectors| (sectors.start, sectors.end)),
            reason: finding.reason.into(),
        }
    }
}

/// How closely a file is looked at as a disk, in Python's word.
pub(super) fn disk_check(word: &str) -> Result<DiskCheck> {
    match word {
        "none" => Ok(DiskCheck::None),
        "ends" => Ok(DiskCheck::Ends),
        "grains" => Ok(DiskCheck::Grains),
        _ => Err(Error::internal("a check is one of three")),
    }
}

/// The sums that are asked for, as manifest files call them.
pub(super) fn kinds(sums: &[String]) -> Result<Vec<ChecksumType>> {
    let kinds = sums.iter().map(|name| ChecksumType::parse_of_file(name));
    kinds.collect()
}

impl Reading {
    pub(super) fn start(py: Python<'_>, check: FileCheck) -> PyResult<Self> {
        let length = check.length();
        Self::of(py, length, move |watched| check.run(watched), found)
    }

    pub(super) fn of<T: Send + 'static, R: for<'py> IntoPyObject<'py> + 'static>(
        py: Python<'_>,
        length: u64,
        run: impl FnOnce(&Watched) -> Result<T> + Send + 'static,
        finish: fn(T) -> R,
    ) -> PyResult<Self> {
        let watched = Arc::new(Watched::default());
        let work = start(py, run, &watched, finish)?;
        Ok(Self {
            watched,
            length,
            work: Mutex::new(Some(work)),
        })
    }
}

#[pymethods]
impl Reading {
    /// Reads a file that is a disk.
    #[staticmethod]
    fn of_disk(py: Python<'_>, path: PathBuf, check: &str) -> PyResult<Self> {
        let check = guarded(py, || {
            let name = path.display().to_string();
            let slice = Slice::all(Arc::new(StoredFile::open(&path)?));
            Ok(FileCheck {
                pieces: vec![(name, slice)],
                sums: Vec::new(),
                is_gzip: false,
                disk: disk_check(check)?,
            })
        })?;
        Self::start(py, check)
    }

    /// Makes an image of a disk; its work gives what the disk holds.
    #[staticmethod]
    #[pyo3(signature = (source, target, image, *, format, overwrite, block_device, threads))]
    #[allow(clippy::too_many_arguments, reason = "keywords of one call")]
    fn of_conversion(
        py: Python<'_>,
        source: PathBuf,
        target: PathBuf,
        image: PyRef<'_, ImageFormat>,
        format: Option<&str>,
        overwrite: bool,
        block_device: bool,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let name = source.display().to_string();
        let (format, source_format) = (image.0, encoding::source_format(py, format)?);
        let kind = kind(overwriting(overwrite), block_device);
        let conversion = guarded(py, || {
            let options = ConversionOptions {
                source_format,
                format,
                threads: encoding::beside(threads),
            };
            let source = Slice::all(Arc::new(StoredFile::open_disk(&source)?));
            Conversion::open(source, &name, options)
        })?;
        let length = conversion.length();
        let run = move |watched: &_| conversion.run(&target, kind, watched);
        Self::of(py, length, run, DiskRow::from)
    }

    /// Makes a streamOptimized VMDK of a disk, which messages call `name` and which holds `capacity` bytes;
    /// its work gives what that holds.
    #[staticmethod]
    #[pyo3(signature = (source, target, *, name=None, overwrite, format, compression, capacity=None, threads))]
    #[allow(clippy::too_many_arguments, reason = "keywords of one call")]
    fn of_encoding(
        py: Python<'_>,
        source: PathBuf,
        target: PathBuf,
        name: Option<String>,
        overwrite: bool,
        format: Option<&str>,
        compression: &str,
        capacity: Option<u64>,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let name = name.unwrap_or_else(|| source.display().to_string());
        let mut options = encoding::options(py, format, compression, threads)?;
        options.capacity = capacity;
        let open = || Ok(Slice::all(Arc::new(StoredFile::open_disk(&source)?)));
        encoding::start(py, open, &name, target, overwriting(overwrite), options)
    }

    /// What is waited for; taken once.
    fn work(&self, py: Python<'_>) -> PyResult<Work> {
        let work = lock(&self.work).take();
        work.ok_or_else(|| to_py(py, &Error::internal("a reading is waited for once")))
    }

    /// Bytes read so far.
    fn seen(&self) -> u64 {
        self.watched.seen()
    }

    /// Bytes to be read in all.
    fn length(&self) -> u64 {
        self.length
    }

    /// Whether the outcome can be had without a wait.
    fn ended(&self) -> bool {
        self.watched.has_ended()
    }

    /// Ends it soon.
    fn cancel(&self) {
        self.watched.stop();
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.watched.stop();
    }
}

/// The first sum of the first piece alone.
pub(super) fn digest(py: Python<'_>, check: FileCheck) -> PyResult<Work> {
    let run = move |watched: &Watched| check.run(watched);
    start(py, run, &Arc::default(), |checked| {
        let mut sums = checked.pieces.into_iter().flat_map(|piece| piece.sums);
        sums.next().unwrap_or_default()
    })
}

fn found(checked: Checked) -> Found {
    let pieces = checked.pieces.into_iter();
    let rows = pieces.map(|piece| (piece.name, piece.size, piece.sums));
    (
        rows.collect(),
        checked.flaw,
        checked.disk.map(DiskRow::from),
    )
}

/// Runs it in a thread of its own.
fn start<T, R>(
    py: Python<'_>,
    run: impl FnOnce(&Watched) -> Result<T> + Send + 'static,
    watched: &Arc<Watched>,
    finish: fn(T) -> R,
) -> PyResult<Work>
where
    T: Send + 'static,
    R: for<'py> IntoPyObject<'py> + 'static,
{
    let engine = Engine::shared().map_err(|error| to_py(py, &error))?;
    let (told, end) = oneshot::channel::<Result<T>>();
    let watched = Arc::clone(watched);
    let run = move || {
        // Nobody may be listening any more.
        let _ = told.send(caught_here(|| run(&watched)));
        watched.end();
    };
    threads::spawn("nfclease-check", run)
        .map_err(|error| to_py(py, &Error::io("<native threads>", error)))?;
    let lost = |_| Err(Error::internal("work in a thread ends with an answer"));
    Work::start(
        py,
        &engine,
        async move { end.await.unwrap_or_else(lost) },
        move |py, done| done.map(finish).map_err(|error| to_py(py, &error)),
    )
}
