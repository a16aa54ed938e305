//! What a download writes to and an upload reads, as the Python face made it. It is opened by the
//! transfer that uses it, so that one that is never used leaves nothing behind.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use super::arguments::VerifyFormat;
use super::fileobj::{FileObjectReader, FileObjectSink};
use super::gil;
use super::image_format::ImageFormat;
use nfclease::error::{Error, Result};
use nfclease::image::{ImageSink, Kind};
use nfclease::io::{
    self, FileSink, FileSource, MemorySource, Overwrite, ReaderSource, SeveralSinks, Slice,
    SliceSource, StoredFile,
};
use nfclease::sync::lock;
use nfclease::text::Place;
use nfclease::transfer::{Depth, Described, Format, SourceCheck};

pub(super) type Opened<T> = Result<Box<T>>;
/// Told what log records of it are about.
type Open<T> = dyn FnOnce(&Arc<Place>) -> Opened<T> + Send;

enum State<T: ?Sized> {
    Closed(Box<Open<T>>),
    /// Somebody looked at it before.
    Open(Box<T>),
}

/// Until it is taken; `None` after that.
struct Closed<T: ?Sized>(Mutex<Option<State<T>>>);

impl<T: ?Sized> Closed<T> {
    fn new(open: impl FnOnce(&Arc<Place>) -> Opened<T> + Send + 'static) -> Self {
        Self(Mutex::new(Some(State::Closed(Box::new(open)))))
    }

    fn open(&self, place: &Arc<Place>) -> Opened<T> {
        let state = lock(&self.0).take();
        match state {
            Some(State::Closed(open)) => open(place),
            Some(State::Open(opened)) => Ok(opened),
            None => Err(Error::internal("a transfer has its own sink or source")),
        }
    }

    /// Opens it to be looked at. It stays open for the transfer.
    fn look<R>(&self, look: impl FnOnce(&T) -> Result<R>) -> Result<R> {
        let opened = self.open(&Arc::default())?;
        let seen = look(&opened);
        let mut state = lock(&self.0);
        *state = Some(State::Open(opened));
        seen
    }
}

/// Whether a file that is there may be replaced.
pub(super) fn overwriting(overwrite: bool) -> Overwrite {
    if overwrite {
        Overwrite::Replace
    } else {
        Overwrite::Never
    }
}

/// What an image goes to.
pub(super) fn kind(overwrite: Overwrite, block_device: bool) -> Kind {
    if block_device {
        Kind::BlockDevice
    } else {
        Kind::File(overwrite)
    }
}

/// Where one download goes.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Sink(Closed<dyn io::Sink>);

#[pymethods]
impl Sink {
    /// A file, which has its name when it is whole and verified: the stream, or an image of the disk.
    #[staticmethod]
    #[pyo3(signature = (path, *, overwrite, image=None, block_device=false))]
    fn of_path(
        path: PathBuf,
        overwrite: bool,
        image: Option<PyRef<'_, ImageFormat>>,
        block_device: bool,
    ) -> Self {
        let format = image.map(|image| image.0);
        let overwrite = overwriting(overwrite);
        let kind = kind(overwrite, block_device);
        Self::closed(move |place| {
            let place = Arc::clone(place);
            Ok(match format {
                Some(format) => Box::new(ImageSink::create(&path, format, kind, place)?),
                None => Box::new(FileSink::create(&path, overwrite, place)?),
            })
        })
    }

    /// Several of these for one download: none has its name before all can.
    #[staticmethod]
    fn of_several(sinks: Vec<Py<Self>>) -> Self {
        Self::closed(move |place| {
            let opened = sinks.iter().map(|sink| sink.get().open(place));
            let opened = opened.collect::<Result<_>>()?;
            Ok(Box::new(SeveralSinks::new(opened)))
        })
    }

    /// A file object, by its `TargetEnd`.
    #[staticmethod]
    fn of_file(end: Py<PyAny>) -> Self {
        Self::closed(|_| Ok(Box::new(FileObjectSink::new(end))))
    }
}

/// Both ends of a file of so many bytes: a download writes to the one while an upload reads the other.
#[pyfunction]
pub(crate) fn pipe(name: &str, length: u64) -> (Sink, Source) {
    let (sink, source) = io::pipe(name, length);
    let sink = Sink::closed(move |_| Ok(Box::new(sink)));
    (sink, Source::closed(move |_| Ok(Box::new(source))))
}

impl Sink {
    pub(super) fn closed(
        open: impl FnOnce(&Arc<Place>) -> Opened<dyn io::Sink> + Send + 'static,
    ) -> Self {
        Self(Closed::new(open))
    }

    pub(super) fn open(&self, place: &Arc<Place>) -> Opened<dyn io::Sink> {
        self.0.open(place)
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
        Self::closed(move |_| Ok(Box::new(FileSource::open(&path)?)))
    }

    /// A regular file that is open from now on: it may be removed before it is sent.
    #[staticmethod]
    fn of_open_path(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let file = gil::guarded(py, || StoredFile::open(&path))?;
        let source = SliceSource::from(Slice::all(Arc::new(file)));
        Ok(Self::closed(move |_| Ok(Box::new(source))))
    }

    /// Bytes, which are not copied.
    #[staticmethod]
    fn of_bytes(data: PyBackedBytes) -> Self {
        let bytes = Bytes::from_owner(data);
        Self::closed(|_| Ok(Box::new(MemorySource::new(bytes))))
    }

    /// So many bytes of a file object, by its `SourceEnd`.
    #[staticmethod]
    fn of_file(end: Py<PyAny>, length: u64) -> Self {
        Self::closed(move |_| {
            let reader = Box::new(FileObjectReader::new(end));
            Ok(Box::new(ReaderSource::new(reader, length)))
        })
    }

    /// Judges it as its upload will before the first byte. Gives its length, and what the disk in it
    /// can hold.
    #[allow(clippy::too_many_arguments, reason = "keywords of one call")]
    #[pyo3(signature = (name, *, is_disk, size, disk_capacity, verify_format, verify_size))]
    fn look(
        &self,
        py: Python<'_>,
        name: &str,
        is_disk: bool,
        size: Option<u64>,
        disk_capacity: u64,
        verify_format: VerifyFormat,
        verify_size: bool,
    ) -> PyResult<(u64, Option<u64>)> {
        let described = Described {
            format: if is_disk {
                verify_format.format()
            } else {
                Format::Any
            },
            // Both its ends are at hand before it is sent, no more.
            depth: Depth::Ends,
            size: size.filter(|size| *size > 0),
            verify_size: verify_size.into(),
            capacity: disk_capacity,
        };
        gil::guarded(py, || {
            self.0.look(|source| {
                let length = source.length();
                let mut check = SourceCheck::new(name.into(), Arc::default(), described, length);
                Ok((length, check.look_ahead(source)?))
            })
        })
    }
}

impl Source {
    pub(super) fn closed(
        open: impl FnOnce(&Arc<Place>) -> Opened<dyn io::Source> + Send + 'static,
    ) -> Self {
        Self(Closed::new(open))
    }

    pub(super) fn open(&self, place: &Arc<Place>) -> Opened<dyn io::Source> {
        self.0.open(place)
    }
}
