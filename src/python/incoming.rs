//! A package that arrives in order, as a stream or from a server without Range.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::fileobj::FileObjectReader;
use super::gil::guarded;
use super::local::Source;
use super::reading::{Reading, disk_check, kinds};
use nfclease::ovf::{self, FileCheck};

/// What has come of it. Its methods wait for the stream, with the GIL released.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Incoming(pub(super) ovf::Incoming);

#[pymethods]
impl Incoming {
    /// Reads to the descriptor; `end.read(size)` gives the next bytes, and none at the end.
    #[staticmethod]
    #[pyo3(signature = (end, *, name))]
    fn of_stream(py: Python<'_>, end: Py<PyAny>, name: String) -> PyResult<Self> {
        let reader = Box::new(FileObjectReader::new(end));
        guarded(py, move || ovf::Incoming::open(reader, name)).map(Self)
    }

    /// Whether its files are read once, in order.
    #[getter]
    #[allow(clippy::unused_self, reason = "another kind of package says no")]
    fn in_order(&self) -> bool {
        true
    }

    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    #[getter]
    fn descriptor_name(&self) -> String {
        self.0.seen().descriptor_name
    }

    #[getter]
    fn descriptor<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.seen().descriptor)
    }

    #[getter]
    fn manifest_name(&self) -> Option<String> {
        self.0.seen().manifest.map(|(name, _)| name)
    }

    #[getter]
    fn manifest<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let manifest = self.0.seen().manifest;
        manifest.map(|(_, bytes)| PyBytes::new(py, &bytes))
    }

    #[getter]
    fn certificate(&self) -> bool {
        self.0.seen().certificate
    }

    #[getter]
    fn members(&self) -> Vec<(String, u64)> {
        self.0.seen().members
    }

    #[getter]
    fn notes(&self) -> Vec<String> {
        self.0.seen().notes
    }

    /// The next file that is wanted; what comes before it is passed over.
    fn source(&self, py: Python<'_>, href: String) -> PyResult<Source> {
        let incoming = self.0.clone();
        let source = guarded(py, move || incoming.source(&href))?;
        Ok(Source::closed(move |_| Ok(source)))
    }

    /// As `Package.check`, of the next file that is wanted.
    #[pyo3(signature = (href, *, sums, gzip=false, disk="none"))]
    fn check(
        &self,
        py: Python<'_>,
        href: String,
        sums: Vec<String>,
        gzip: bool,
        disk: &str,
    ) -> PyResult<Reading> {
        let incoming = self.0.clone();
        let check = guarded(py, move || {
            Ok(FileCheck {
                sums: kinds(&sums)?,
                pieces: vec![(href.clone(), incoming.slice(&href)?)],
                is_gzip: gzip,
                disk: disk_check(disk)?,
            })
        })?;
        Reading::start(py, check)
    }

    /// Writes the files that did not come yet into a directory, under their own names.
    fn save(&self, py: Python<'_>, directory: std::path::PathBuf) -> PyResult<()> {
        let incoming = self.0.clone();
        guarded(py, move || incoming.save(&directory))
    }

    /// Ends `save` as cancelled, now or later: once this returns, it makes and writes nothing more.
    /// Does not wait for the stream.
    fn stop_saving(&self, py: Python<'_>) -> PyResult<()> {
        let incoming = self.0.clone();
        guarded(py, move || {
            incoming.stop_saving();
            Ok(())
        })
    }

    /// Reads to the end, where the manifest file may be.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        let incoming = self.0.clone();
        guarded(py, move || incoming.finish())
    }
}
