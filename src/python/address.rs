//! A package at an https address, and a package that arrives in order.

use std::sync::Arc;

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;

use super::error::to_py;
use super::gil::guarded;
use super::incoming::Incoming;
use super::log;
use super::package::Package;
use super::session::TrustArguments;
use nfclease::error::Result;
use nfclease::http::retry::RetryPolicy;
use nfclease::lease::{check_number, seconds, seconds_or_none};
use nfclease::remote;
use nfclease::transfer::Engine;

/// Where to ask, and whom to trust there.
#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Address(pub(super) remote::Address);

#[pymethods]
impl Address {
    #[new]
    #[pyo3(signature = (url, *, trust, max_retries, retry_timeout, timeout))]
    fn new(
        py: Python<'_>,
        url: &str,
        trust: TrustArguments,
        max_retries: u32,
        retry_timeout: f64,
        timeout: f64,
    ) -> PyResult<Self> {
        let build = || -> Result<Self> {
            check_number("max_retries", max_retries)?;
            let retry = RetryPolicy {
                max_retries,
                retry_timeout: seconds_or_none(retry_timeout, "retry_timeout")?,
            };
            let timeout = seconds(timeout, "timeout")?;
            remote::Address::new(url, trust.trust()?, retry, timeout).map(Self)
        };
        build().map_err(|error| to_py(py, &error))
    }

    /// What a file would be called.
    #[getter]
    fn file_name(&self) -> String {
        self.0.file_name()
    }
}

/// The package there: by position where its server answers Range, else in order.
pub(super) fn package(py: Python<'_>, address: &Address) -> PyResult<Py<PyAny>> {
    let address = address.0.clone();
    let open = move || remote::package(&Engine::shared()?, address);
    let found = guarded(py, open);
    log::emit(py)?; // a job that only looks makes no other call that would
    match found? {
        remote::Found::Anywhere(package) => Package(Arc::new(package)).into_py_any(py),
        remote::Found::InOrder(incoming) => Incoming(incoming).into_py_any(py),
    }
}
