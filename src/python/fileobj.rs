//! Python file objects as sink and source: one call into Python for every 4 MiB.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyBlockingIOError, PyOSError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use super::crossing::Crossing;
use super::error::Raised;
use crate::error::{Error, ForeignError, Result};
use crate::io::{Reader, Sink};

/// With a busy interpreter each call may wait for the GIL for 5 ms; this keeps that invisible.
const PIECE_BYTES: usize = 4 * 1024 * 1024;

fn attached<T>(work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
    let Some(_crossing) = Crossing::try_start() else {
        return Err(Error::Cancelled);
    };
    // A pipe that nobody reads must not hold a thread of the engine, which has others to serve.
    #[allow(clippy::disallowed_methods, reason = "a file object is Python")]
    let result = tokio::task::block_in_place(|| Python::try_attach(work));
    match result {
        Some(result) => result.map_err(raised),
        None => Err(Error::Cancelled),
    }
}

fn raised(error: PyErr) -> Error {
    Error::Foreign(ForeignError(Arc::new(Raised::new(error))))
}

/// A binary file object that a download is written to. It has no name to rename: what was written
/// before an error stays written, and the caller gets the error.
pub(super) struct FileObjectSink {
    file: Py<PyAny>,
    pending: Vec<u8>,
    written: bool,
}

impl FileObjectSink {
    pub(super) fn new(file: Py<PyAny>) -> Self {
        Self {
            file,
            pending: Vec::new(),
            written: false,
        }
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let (file, pending) = (&self.file, &self.pending);
        attached(|py| write_all(py, file, pending))?;
        self.written = true;
        self.pending.clear();
        Ok(())
    }
}

fn write_all(py: Python<'_>, file: &Py<PyAny>, mut bytes: &[u8]) -> PyResult<()> {
    while !bytes.is_empty() {
        let written = file.call_method1(py, "write", (PyBytes::new(py, bytes),))?;
        // A raw file may write less, and None is nothing; others that return None wrote it all.
        let count = match written.extract::<Option<usize>>(py)? {
            Some(count) => count,
            None if is_raw(py, file)? => {
                let text = "write() would block; the file object must be a blocking one";
                return Err(PyBlockingIOError::new_err(text));
            }
            None => bytes.len(),
        };
        if count == 0 || count > bytes.len() {
            return Err(PyOSError::new_err(format!(
                "write() of {} bytes returned {count}",
                bytes.len()
            )));
        }
        bytes = &bytes[count..];
    }
    Ok(())
}

fn is_raw(py: Python<'_>, file: &Py<PyAny>) -> PyResult<bool> {
    file.bind(py)
        .is_instance(&py.import("io")?.getattr("RawIOBase")?)
}

impl Sink for FileObjectSink {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PIECE_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn restart(&mut self) -> Result<()> {
        self.pending.clear();
        if !self.written {
            return Ok(());
        }
        let file = &self.file;
        attached(|py| {
            file.call_method1(py, "seek", (0,))?;
            file.call_method0(py, "truncate").map(|_| ())
        })
    }

    fn commit(&mut self) -> Result<()> {
        self.flush()?;
        let file = &self.file;
        attached(|py| match file.bind(py).getattr_opt("flush")? {
            Some(flush) => flush.call0().map(|_| ()),
            None => Ok(()),
        })
    }

    fn discard(&mut self) -> Vec<PathBuf> {
        self.pending.clear();
        Vec::new()
    }
}

/// A binary file object that an upload reads.
pub(super) struct FileObjectReader {
    file: Py<PyAny>,
    piece: Option<PyBackedBytes>,
    at: usize,
    error: Option<Error>,
}

impl FileObjectReader {
    pub(super) fn new(file: Py<PyAny>) -> Self {
        Self {
            file,
            piece: None,
            at: 0,
            error: None,
        }
    }
}

impl io::Read for FileObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.as_ref().map_or(0, |piece| piece.len()) {
            let file = &self.file;
            let read = attached(|py| {
                Ok(file
                    .call_method1(py, "read", (PIECE_BYTES,))?
                    .extract::<PyBackedBytes>(py)?)
            });
            match read {
                Ok(piece) => (self.piece, self.at) = (Some(piece), 0),
                Err(error) => {
                    self.error = Some(error);
                    return Err(io::ErrorKind::Other.into());
                }
            }
        }
        let rest = self
            .piece
            .as_ref()
            .and_then(|piece| piece.get(self.at..))
            .unwrap_or_default();
        let count = buffer.len().min(rest.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

impl Reader for FileObjectReader {
    fn name(&self) -> PathBuf {
        PathBuf::from("<file object>")
    }

    fn error(&mut self, error: io::Error) -> Error {
        self.error
            .take()
            .unwrap_or_else(|| Error::io(self.name(), error))
    }
}
