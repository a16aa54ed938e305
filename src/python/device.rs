//! A `DeviceUrl` as the Python face took it apart, and the names that are safe.

use pyo3::prelude::*;

use super::error::to_py;
use nfclease::io::names;
use nfclease::lease::FileItem as CoreFileItem;
use nfclease::soap::DeviceUrl as CoreDeviceUrl;
use nfclease::transfer::UploadMethod;

#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct DeviceUrl(pub(super) CoreDeviceUrl);

#[pymethods]
impl DeviceUrl {
    #[new]
    #[pyo3(signature = (*, key, url, import_key, ssl_thumbprint, ssl_certificate, disk, target_id, file_size))]
    #[allow(
        clippy::too_many_arguments,
        reason = "the fields of HttpNfcLeaseDeviceUrl"
    )]
    fn new(
        key: String,
        url: String,
        import_key: String,
        ssl_thumbprint: String,
        ssl_certificate: String,
        disk: Option<bool>,
        target_id: String,
        file_size: Option<u64>,
    ) -> Self {
        Self(CoreDeviceUrl {
            key,
            import_key,
            url,
            ssl_thumbprint,
            ssl_certificate,
            disk,
            target_id,
            file_size,
        })
    }
}

/// What an upload is, as the Python face took its `FileItem` apart.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct FileItem(pub(super) CoreFileItem);

#[pymethods]
impl FileItem {
    #[new]
    #[pyo3(signature = (*, create, size, is_packed, after_all=false))]
    fn new(create: Option<bool>, size: Option<u64>, is_packed: bool, after_all: bool) -> Self {
        let method = create.map(|create| {
            if create {
                UploadMethod::Put
            } else {
                UploadMethod::Post
            }
        });
        Self(CoreFileItem {
            method,
            size,
            is_packed,
            after_all,
        })
    }
}

/// The file names for these `targetId`s, or why one is unsafe.
#[pyfunction]
pub(crate) fn safe_names(py: Python<'_>, target_ids: Vec<String>) -> PyResult<Vec<String>> {
    let wanted: Vec<&str> = target_ids.iter().map(String::as_str).collect();
    let names = names::safe_names(&wanted).map_err(|error| to_py(py, &error))?;
    Ok(names.into_iter().map(str::to_owned).collect())
}
