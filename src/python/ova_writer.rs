//! An OVA that is written, as `appliance` in Python knows it.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::bridge;
use super::error::to_py;
use super::fileobj::FileObjectSink;
use super::local::Sink;
use super::work::Work;
use nfclease::io::Overwrite;
use nfclease::ovf;
use nfclease::transfer::Engine;

/// Descriptor, manifest file and files in one archive, in one pass.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct OvaWriter(Arc<ovf::OvaWriter>);

#[pymethods]
impl OvaWriter {
    /// A file, which has its name when it is whole.
    #[new]
    #[pyo3(signature = (path, *, overwrite))]
    fn new(py: Python<'_>, path: PathBuf, overwrite: bool) -> PyResult<Self> {
        let overwrite = if overwrite {
            Overwrite::Replace
        } else {
            Overwrite::Never
        };
        let create = move || ovf::OvaWriter::create(&path, overwrite);
        Ok(Self(Arc::new(bridge::guarded(py, create)?)))
    }

    /// A file object that cannot go back, by its `TargetEnd`; files are spooled in the directory.
    #[staticmethod]
    #[pyo3(signature = (end, *, spool_directory))]
    fn of_file(end: Py<PyAny>, spool_directory: PathBuf) -> Self {
        let sink = Box::new(FileObjectSink::new(end));
        Self(Arc::new(ovf::OvaWriter::of_stream(sink, &spool_directory)))
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
        bridge::guarded(py, || self.0.reserve(slots))
    }

    /// The descriptor as it will be written: its sum is the manifest file's.
    fn padded(&self, py: Python<'_>, descriptor: Vec<u8>) -> PyResult<Py<PyBytes>> {
        let padded = self.0.padded(descriptor);
        let padded = padded.map_err(|error| to_py(py, &error))?;
        Ok(PyBytes::new(py, &padded).unbind())
    }

    /// Where the next file goes, in the order of these calls.
    fn member(&self, py: Python<'_>, name: &str) -> PyResult<Sink> {
        let member = self.0.member(name).map_err(|error| to_py(py, &error))?;
        let writer = Arc::clone(&self.0);
        Ok(Sink::closed(move || Ok(writer.sink(member))))
    }

    /// Writes what comes first, and gives the archive its name. Every member is whole by then.
    fn finish(
        &self,
        py: Python<'_>,
        descriptor: Vec<u8>,
        manifest: Option<Vec<u8>>,
    ) -> PyResult<Work> {
        let engine = bridge::guarded(py, Engine::shared)?;
        let writer = Arc::clone(&self.0);
        Work::start(
            py,
            &engine,
            async move { writer.finish(descriptor, manifest).await },
            |py, finished| finished.map_err(|error| to_py(py, &error)),
        )
    }

    /// Removes all that was written; returns what may still be there.
    fn discard(&self, py: Python<'_>) -> Vec<String> {
        let left = bridge::blocking(py, || self.0.discard());
        left.iter().map(|path| path.display().to_string()).collect()
    }
}
