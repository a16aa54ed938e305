//! The bindings: arguments in, results and exceptions out; no logic of their own.
//!
//! The public face is typed Python in `python/nfclease`; what is here is its private `_core`.

#![allow(
    clippy::needless_pass_by_value,
    reason = "arguments from Python arrive owned"
)]

mod address;
mod arguments;
mod asyncio;
mod device;
mod encoding;
mod ends;
mod error;
mod exit;
mod fileobj;
mod gil;
mod hints;
mod image;
mod image_format;
mod incoming;
mod lease;
mod local;
mod log;
mod ova_writer;
mod ovf;
mod package;
mod reading;
mod rewriting;
mod session;
mod stored;
mod transfer;
mod work;

use pyo3::prelude::*;

// `nfclease` refuses a Python without a GIL, on which this was never tried.
#[pymodule(gil_used = true)]
mod _core {
    #[pymodule_export]
    use super::address::Address;
    #[pymodule_export]
    use super::arguments::{check_number, set_max_bytes_per_second};
    #[pymodule_export]
    use super::device::{DeviceUrl, FileItem, safe_names};
    #[pymodule_export]
    use super::ends::Ends;
    #[pymodule_export]
    use super::exit::finish_at_exit;
    #[pymodule_export]
    use super::image::{Extents, OpenDisk};
    #[pymodule_export]
    use super::image_format::ImageFormat;
    #[pymodule_export]
    use super::incoming::Incoming;
    #[pymodule_export]
    use super::lease::Lease;
    #[pymodule_export]
    use super::local::{Sink, Source, pipe};
    #[pymodule_export]
    use super::ova_writer::OvaWriter;
    #[pymodule_export]
    use super::ovf::{ManifestFile, parse_descriptor};
    #[pymodule_export]
    use super::package::Package;
    #[pymodule_export]
    use super::reading::Reading;
    #[pymodule_export]
    use super::rewriting::{rewrite_disk, rewrite_member, with_sizes};
    #[pymodule_export]
    use super::session::Session;
    #[pymodule_export]
    use super::transfer::Transfer;
    #[pymodule_export]
    use super::work::Work;

    use super::exit::after_fork;
    use pyo3::prelude::*;
    use pyo3::types::IntoPyDict as _;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        nfclease::log::install();
        if let Some(register) = module.py().import("os")?.getattr_opt("register_at_fork")? {
            let forked = [("after_in_child", wrap_pyfunction!(after_fork, module)?)];
            register.call((), Some(&forked.into_py_dict(module.py())?))?;
        }
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
