//! What a download writes to and an upload reads, as the Python face made it. It is opened by the
//! transfer that uses it, so that one that is never used leaves nothing behind.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use super::fileobj::{FileObjectReader, FileObjectSink};
use nfclease::error::{Error, Result};
use nfclease::io::{self, FileSink, FileSource, MemorySource, Overwrite, ReaderSource};

pub(super) type Opened<T> = Result<Box<T>>;
type Open<T> = dyn FnOnce() -> Opened<T> + Send;

/// Until it is opened; `None` after that.
struct Closed<T: ?Sized>(Mutex<Option<Box<Open<T>>>>);

impl<T: ?Sized> Closed<T> {
    fn new(open: impl FnOnce() -> Opened<T> + Send + 'static) -> Self {
        Self(Mutex::new(Some(Box::new(open))))
    }

    fn open(&self) -> Opened<T> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let open = open.ok_or_else(|| Error::internal("a transfer has its own sink or source"))?;
        open()
    }
}

/// Where one download goes.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Sink(Closed<dyn io::Sink>);

#[pymethods]
impl Sink {
    /// A file, which has its name when it is whole and verified.
    #[staticmethod]
    #[pyo3(signature = (path, *, overwrite))]
    fn of_path(path: PathBuf, overwrite: bool) -> Self {
        let overwrite = if overwrite {
            Overwrite::Replace
        } else {
            Overwrite::Never
        };
        Self::closed(move || Ok(Box::new(FileSink::create(&path, overwrite)?)))
    }

    /// A file object, by its `TargetEnd`.
    #[staticmethod]
    fn of_file(end: Py<PyAny>) -> Self {
        Self::closed(|| Ok(Box::new(FileObjectSink::new(end))))
    }
}

impl Sink {
    pub(super) fn closed(open: impl FnOnce() -> Opened<dyn io::Sink> + Send + 'static) -> Self {
        Self(Closed::new(open))
    }

    pub(super) fn open(&self) -> Opened<dyn io::Sink> {
        self.0.open()
    }
}

/// What one upload reads.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Source(Closed<dyn io::Source>);

#[pymethods]
impl Source {
    /// A regular file.
    #[staticmethod]
    fn of_path(path: PathBuf) -> Self {
        Self::closed(move || Ok(Box::new(FileSource::open(&path)?)))
    }

    /// Bytes, which are not copied.
    #[staticmethod]
    fn of_bytes(data: PyBackedBytes) -> Self {
        let bytes = Bytes::from_owner(data);
        Self::closed(|| Ok(Box::new(MemorySource::new(bytes))))
    }

    /// So many bytes of a file object, by its `SourceEnd`.
    #[staticmethod]
    fn of_file(end: Py<PyAny>, length: u64) -> Self {
        Self::closed(move || {
            let reader = Box::new(FileObjectReader::new(end));
            Ok(Box::new(ReaderSource::new(reader, length)))
        })
    }
}

impl Source {
    pub(super) fn closed(open: impl FnOnce() -> Opened<dyn io::Source> + Send + 'static) -> Self {
        Self(Closed::new(open))
    }

    pub(super) fn open(&self) -> Opened<dyn io::Source> {
        self.0.open()
    }
}
