//! Python file objects as sink and source: one call into Python for every 4 MiB.

use std::io;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use super::error::Raised;
use super::gil::Crossing;
use nfclease::error::{Error, ForeignError, Result};
use nfclease::io::{Reader, Sink, Wait};
use nfclease::threads::Aside;

/// With a busy interpreter each call may wait for the GIL for 5 ms; this keeps that invisible.
pub(super) const PIECE_BYTES: usize = 4 * 1024 * 1024;

/// On a thread that may wait: a pipe that nobody reads must not hold one of the engine's.
pub(super) fn attached<T>(work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
    let Some(_crossing) = Crossing::try_start() else {
        return Err(Error::Cancelled);
    };
    #[allow(clippy::disallowed_methods, reason = "a file object is Python")]
    let result = Python::try_attach(work);
    match result {
        Some(result) => result.map_err(raised),
        None => Err(Error::Cancelled),
    }
}

fn raised(error: PyErr) -> Error {
    Error::Foreign(ForeignError(Arc::new(Raised::new(error))))
}

/// The end of a download that is a file object (`TargetEnd` of `_local`). It has no name to rename: what
/// was written before an error stays written, and the caller gets the error.
pub(super) struct FileObjectSink {
    end: Arc<Py<PyAny>>,
    pending: Vec<u8>,
    written: bool,
    /// Whether what was written can be taken back.
    rewindable: bool,
    /// The thread that calls the file object, the same for all calls.
    aside: Aside,
}

impl FileObjectSink {
    pub(super) fn new(end: Py<PyAny>) -> Self {
        Self {
            end: Arc::new(end),
            pending: Vec::new(),
            written: false,
            rewindable: false,
            aside: Aside::alone("nfclease-writer"),
        }
    }

    async fn call<T: Send + 'static>(
        &mut self,
        call: impl FnOnce(Python<'_>, &Py<PyAny>) -> PyResult<T> + Send + 'static,
    ) -> Result<T> {
        let end = Arc::clone(&self.end);
        let work = move || attached(|py| call(py, &end));
        self.aside.run(work).await?
    }

    async fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        // Before the call: a write that fails may have written a part.
        self.written = true;
        let mut pending = mem::take(&mut self.pending);
        (self.rewindable, self.pending) = self
            .call(move |py, end| {
                let bytes = PyBytes::new(py, &pending);
                pending.clear();
                let written = end.call_method1(py, "write", (bytes,))?;
                Ok((written.extract::<bool>(py)?, pending))
            })
            .await?;
        Ok(())
    }
}

impl Sink for FileObjectSink {
    fn write(&mut self, bytes: Bytes) -> Wait<'_, Result<()>> {
        self.pending.extend_from_slice(&bytes);
        if self.pending.len() < PIECE_BYTES {
            return Wait::over(Ok(()));
        }
        Wait::going(self.flush())
    }

    fn restart(&mut self) -> Wait<'_, Result<()>> {
        self.pending.clear();
        if !self.written {
            return Wait::over(Ok(()));
        }
        Wait::going(self.call(|py, end| end.call_method0(py, "rewind").map(|_| ())))
    }

    fn is_repeatable(&self) -> bool {
        !self.written || self.rewindable
    }

    fn commit(&mut self) -> Wait<'_, Result<()>> {
        Wait::going(async {
            self.flush().await?;
            self.call(|py, end| end.call_method0(py, "finish").map(|_| ()))
                .await
        })
    }

    fn discard(&mut self) -> Wait<'_, Vec<PathBuf>> {
        self.pending.clear();
        // A call that was given up may still be under way, and has the file object.
        Wait::going(async {
            let _ = self.aside.run(|| ()).await;
            Vec::new()
        })
    }
}

/// A file object that an upload reads (`SourceEnd` of `_local`).
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

    fn kept(&mut self) -> Option<Error> {
        self.error.take()
    }
}
