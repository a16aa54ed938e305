//! An OVA that is written, as `appliance` in Python knows it.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::error::to_py;
use super::fileobj::FileObjectSink;
use super::gil;
use super::local::{Sink, overwriting};
use super::work::Work;
use nfclease::error::Error;
use nfclease::io::ChecksumType;
use nfclease::ovf;
use nfclease::text::Place;
use nfclease::transfer::Engine;

/// Descriptor, manifest file and files in one archive, in one pass.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct OvaWriter {
    /// Gone only while it is dropped.
    held: Option<Arc<ovf::OvaWriter>>,
    /// The process whose files it writes: a forked child must not remove them.
    pid: u32,
}

#[pymethods]
impl OvaWriter {
    /// A file, which has its name when it is whole. Log records of it name the VM.
    #[new]
    #[pyo3(signature = (path, *, overwrite, vm=""))]
    fn new(py: Python<'_>, path: PathBuf, overwrite: bool, vm: &str) -> PyResult<Self> {
        let overwrite = overwriting(overwrite);
        let place = Arc::new(Place {
            vm: vm.into(),
            ..Place::default()
        });
        let create = move || ovf::OvaWriter::create(&path, overwrite, place);
        Ok(Self::held(gil::guarded(py, create)?))
    }

    /// A file object that cannot go back, by its `TargetEnd`; files are spooled in the directory.
    #[staticmethod]
    #[pyo3(signature = (end, *, spool_directory))]
    fn of_file(end: Py<PyAny>, spool_directory: PathBuf) -> Self {
        let sink = Box::new(FileObjectSink::new(end));
        Self::held(ovf::OvaWriter::of_stream(sink, &spool_directory))
    }

    /// Keeps so many bytes free in front, for what is known last. Called once, before `member`.
    fn reserve(
        &self,
        py: Python<'_>,
        descriptor_name: String,
        descriptor_slot_bytes: u64,
        manifest_name: Option<String>,
        manifest_bytes: u64,
    ) -> PyResult<()> {
        let slots = ovf::Slots {
            descriptor: (descriptor_name, descriptor_slot_bytes),
            manifest: manifest_name.map(|name| (name, manifest_bytes)),
        };
        let writer = self.core(py)?;
        gil::guarded(py, || writer.reserve(slots))
    }

    /// The descriptor as it will be written: its sum is the manifest file's.
    fn padded(&self, py: Python<'_>, descriptor: Vec<u8>) -> PyResult<Py<PyBytes>> {
        let padded = self.core(py)?.padded(descriptor);
        let padded = padded.map_err(|error| to_py(py, &error))?;
        Ok(PyBytes::new(py, &padded).unbind())
    }

    /// Where the next file goes, in the order of these calls.
    fn member(&self, py: Python<'_>, name: &str) -> PyResult<Sink> {
        let writer = self.core(py)?;
        let member = writer.member(name).map_err(|error| to_py(py, &error))?;
        Ok(Sink::closed(move |place| {
            Ok(writer.sink(member, Arc::clone(place)))
        }))
    }

    /// The next file, which is whole already: refused where its digest is another by now.
    fn append(
        &self,
        py: Python<'_>,
        name: String,
        path: PathBuf,
        checksum_type: &str,
        checksum: String,
    ) -> PyResult<Work> {
        let writer = self.core(py)?;
        let kind = ChecksumType::parse_of_file(checksum_type);
        let known = ovf::KnownSum {
            checksum_type: kind.map_err(|error| to_py(py, &error))?,
            checksum,
        };
        let engine = gil::guarded(py, Engine::shared)?;
        Work::start(
            py,
            &engine,
            async move { writer.append(&name, &path, &known, Arc::default()).await },
            |py, appended| appended.map_err(|error| to_py(py, &error)),
        )
    }

    /// Writes what comes first, and makes all of it durable. Every member is whole by then.
    fn finish(
        &self,
        py: Python<'_>,
        descriptor: Vec<u8>,
        manifest: Option<Vec<u8>>,
    ) -> PyResult<Work> {
        let writer = self.core(py)?;
        let engine = gil::guarded(py, Engine::shared)?;
        Work::start(
            py,
            &engine,
            async move { writer.finish(descriptor, manifest).await },
            |py, finished| finished.map_err(|error| to_py(py, &error)),
        )
    }

    /// Gives the archive its name. It was finished.
    fn publish(&self, py: Python<'_>) -> PyResult<Work> {
        let writer = self.core(py)?;
        let engine = gil::guarded(py, Engine::shared)?;
        Work::start(
            py,
            &engine,
            async move { writer.publish().await },
            |py, named| named.map_err(|error| to_py(py, &error)),
        )
    }

    /// Removes all that was written; returns what may still be there.
    fn discard(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let writer = self.core(py)?;
        let left = gil::blocking(py, || writer.discard());
        Ok(left.iter().map(|path| path.display().to_string()).collect())
    }
}

impl OvaWriter {
    fn held(writer: ovf::OvaWriter) -> Self {
        Self {
            held: Some(Arc::new(writer)),
            pid: std::process::id(),
        }
    }

    /// The writer, refused in a forked child.
    fn core(&self, py: Python<'_>) -> PyResult<Arc<ovf::OvaWriter>> {
        if self.pid != std::process::id() {
            return Err(to_py(py, &Error::Forked));
        }
        let gone = || {
            to_py(
                py,
                &Error::internal("a writer is there until it is dropped"),
            )
        };
        self.held.clone().ok_or_else(gone)
    }
}

impl Drop for OvaWriter {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            std::mem::forget(self.held.take());
        }
    }
}
