//! What becomes of a disk, in Python's words.

use pyo3::prelude::*;

use super::error::to_py;
use nfclease::error::Error;
use nfclease::image::{Compression, Format};

/// A format of an image, and how it is compressed.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct ImageFormat(pub(super) Format);

#[pymethods]
impl ImageFormat {
    /// Python has refused unknown words, and a compression of a format without one.
    #[new]
    #[pyo3(signature = (name, *, qcow2_compression=None, grains=false))]
    fn new(
        py: Python<'_>,
        name: &str,
        qcow2_compression: Option<&str>,
        grains: bool,
    ) -> PyResult<Self> {
        let compression = match qcow2_compression {
            None | Some("none") => Some(Compression::None),
            Some("deflate") => Some(Compression::Deflate),
            Some("transplant") => Some(Compression::Transplant { checked: grains }),
            Some(_) => None,
        };
        match (name, compression) {
            ("raw", Some(_)) => Ok(Self(Format::Raw)),
            ("qcow2", Some(compression)) => Ok(Self(Format::Qcow2(compression))),
            _ => Err(to_py(py, &Error::internal("a format is one of two"))),
        }
    }
}
