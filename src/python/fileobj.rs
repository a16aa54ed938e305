//! Python file objects as sink and source: one call into Python for every 4 MiB.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use super::crossing::Crossing;
use super::error::Raised;
use nfclease::error::{Error, ForeignError, Result};
use nfclease::io::threads::in_place;
use nfclease::io::{Reader, Sink};

/// With a busy interpreter each call may wait for the GIL for 5 ms; this keeps that invisible.
const PIECE_BYTES: usize = 4 * 1024 * 1024;

fn attached<T>(work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
    let Some(_crossing) = Crossing::try_start() else {
        return Err(Error::Cancelled);
    };
    // A pipe that nobody reads must not hold a thread of the engine, which has others to serve.
    #[allow(clippy::disallowed_methods, reason = "a file object is Python")]
    let result = in_place(|| Python::try_attach(work));
    match result {
        Some(result) => result.map_err(raised),
        None => Err(Error::Cancelled),
    }
}

fn raised(error: PyErr) -> Error {
    Error::Foreign(ForeignError(Arc::new(Raised::new(error))))
}

/// The end of a download that is a file object (`_ends.TargetEnd`). It has no name to rename: what
/// was written before an error stays written, and the caller gets the error.
pub(super) struct FileObjectSink {
    end: Py<PyAny>,
    pending: Vec<u8>,
    written: bool,
    /// Whether what was written can be taken back.
    rewindable: bool,
}

impl FileObjectSink {
    pub(super) fn new(end: Py<PyAny>) -> Self {
        Self {
            end,
            pending: Vec::new(),
            written: false,
            rewindable: false,
        }
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        // Before the call: a write that fails may have written a part.
        self.written = true;
        let (end, pending) = (&self.end, &self.pending);
        self.rewindable = attached(|py| {
            end.call_method1(py, "write", (PyBytes::new(py, pending),))?
                .extract::<bool>(py)
        })?;
        self.pending.clear();
        Ok(())
    }
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
        let end = &self.end;
        attached(|py| end.call_method0(py, "rewind").map(|_| ()))
    }

    fn is_repeatable(&self) -> bool {
        !self.written || self.rewindable
    }

    fn commit(&mut self) -> Result<()> {
        self.flush()?;
        let end = &self.end;
        attached(|py| end.call_method0(py, "finish").map(|_| ()))
    }

    fn discard(&mut self) -> Vec<PathBuf> {
        self.pending.clear();
        Vec::new()
    }
}

/// A file object that an upload reads (`_ends.SourceEnd`).
pub(super) struct FileObjectReader {
    end: Py<PyAny>,
    piece: Option<PyBackedBytes>,
    at: usize,
    error: Option<Error>,
}

impl FileObjectReader {
    pub(super) fn new(end: Py<PyAny>) -> Self {
        Self {
            end,
            piece: None,
            at: 0,
            error: None,
        }
    }
}

impl io::Read for FileObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.as_ref().map_or(0, |piece| piece.len()) {
            let end = &self.end;
            let read = attached(|py| {
                Ok(end
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
