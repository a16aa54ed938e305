//! What the Python face says of a lease, in the core's words.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::error::to_py;
use nfclease::error::{Error, Result};
use nfclease::http::retry::RetryPolicy;
use nfclease::io::ChecksumType;
use nfclease::lease::{
    KeepAlive, Options, PlainHttp, RequireManifest, RequireUploads, check_number as check_core,
    seconds, seconds_or_none, set_max_bytes_per_second as set_process_rate,
};
use nfclease::transfer::{Depth, FileSum, Format};

/// The keywords of `nfclease.HttpNfcLease`, under their names.
#[allow(clippy::struct_excessive_bools, reason = "Python has them as they are")]
pub(super) struct Keywords<'a> {
    pub(super) checksum_type: Option<&'a str>,
    pub(super) keep_alive: bool,
    pub(super) keep_alive_interval: Option<f64>,
    pub(super) max_concurrency: usize,
    pub(super) max_retries: u32,
    pub(super) retry_timeout: f64,
    pub(super) timeout: f64,
    pub(super) require_manifest: Option<bool>,
    pub(super) require_uploads: RequiredUploads,
    pub(super) verify_format: VerifyFormat,
    pub(super) verify_size: bool,
    pub(super) max_unannounced_size: u64,
    pub(super) max_bytes_per_second: Option<u64>,
    pub(super) allow_http: bool,
}

impl Keywords<'_> {
    /// What they choose. The core judges the numbers.
    pub(super) fn options(self) -> Result<Options> {
        let interval = self
            .keep_alive_interval
            .map(|value| seconds(value, "keep_alive_interval"))
            .transpose()?;
        Ok(Options {
            checksum_type: self.checksum_type.map(ChecksumType::parse).transpose()?,
            keep_alive: if self.keep_alive {
                KeepAlive::Native(interval)
            } else {
                KeepAlive::Off
            },
            max_concurrency: self.max_concurrency,
            retry: RetryPolicy {
                max_retries: self.max_retries,
                retry_timeout: seconds_or_none(self.retry_timeout, "retry_timeout")?,
            },
            timeout: seconds(self.timeout, "timeout")?,
            require_manifest: match self.require_manifest {
                Some(true) => RequireManifest::Yes,
                Some(false) => RequireManifest::No,
                None => RequireManifest::AsListed,
            },
            require_uploads: self.require_uploads.into(),
            disk_format: self.verify_format.format(),
            disk_depth: self.verify_format.depth()?,
            max_unannounced_size: self.max_unannounced_size,
            max_bytes_per_second: self.max_bytes_per_second,
            verify_size: self.verify_size.into(),
            plain_http: if self.allow_http {
                PlainHttp::Allow
            } else {
                PlainHttp::Refuse
            },
        })
    }
}

/// Whether a disk must be a whole stream, or `"grains"`: how closely that is looked at.
#[derive(FromPyObject)]
pub(super) enum VerifyFormat {
    Is(bool),
    To(String),
}

impl VerifyFormat {
    pub(super) fn format(&self) -> Format {
        match self {
            Self::Is(false) => Format::Any,
            _ => Format::StreamOptimized,
        }
    }

    pub(super) fn depth(&self) -> Result<Depth> {
        match self {
            Self::Is(_) => Ok(Depth::Ends),
            Self::To(word) if word == "grains" => Ok(Depth::Grains),
            Self::To(word) => Err(Error::InvalidArgument {
                reason: format!("verify_format is True, False or \"grains\", not {word:?}").into(),
            }),
        }
    }
}

/// Whether every device of an import needs an upload, or the `deviceId`s of those that do.
#[derive(FromPyObject)]
pub(super) enum RequiredUploads {
    All(bool),
    Of(Vec<String>),
}

impl From<RequiredUploads> for RequireUploads {
    fn from(required: RequiredUploads) -> Self {
        match required {
            RequiredUploads::All(true) => Self::EveryDevice,
            RequiredUploads::All(false) => Self::Of(Vec::new()),
            RequiredUploads::Of(keys) => Self::Of(keys),
        }
    }
}

/// Why a lease is aborted while its script works with it: those calls fail with this.
pub(super) enum AbortCause {
    /// The session of the script is gone.
    Session,
    /// Somebody wanted the end of all.
    Cancelled,
}

impl FromPyObject<'_, '_> for AbortCause {
    type Error = PyErr;

    fn extract(word: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        match word.extract::<String>()?.as_str() {
            "session" => Ok(Self::Session),
            "cancelled" => Ok(Self::Cancelled),
            other => Err(PyValueError::new_err(format!("cause {other:?}"))),
        }
    }
}

impl From<AbortCause> for Error {
    fn from(cause: AbortCause) -> Self {
        match cause {
            AbortCause::Session => Self::SessionExpired {
                reason: "the script logged out".into(),
                fault: None,
            },
            AbortCause::Cancelled => Self::Cancelled,
        }
    }
}

/// Refuses a number out of the range of the option of this name. An int of Python has no largest.
#[pyfunction]
pub(crate) fn check_number(py: Python<'_>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let number = match value.extract::<i128>() {
        Ok(number) => number,
        Err(_) if value.lt(0)? => i128::MIN,
        Err(_) => i128::MAX,
    };
    check_core(name, number).map_err(|error| to_py(py, &error))
}

/// Limits what all leases of the process move in a second. Returns what the limit was.
#[pyfunction]
pub(crate) fn set_max_bytes_per_second(py: Python<'_>, rate: Option<u64>) -> PyResult<Option<u64>> {
    set_process_rate(rate).map_err(|error| to_py(py, &error))
}

/// What is asked for beside the server's sum.
pub(super) fn file_sum(
    file_checksum_type: Option<&str>,
    expected: Option<&str>,
) -> Result<Option<FileSum>> {
    match file_checksum_type {
        Some(name) => FileSum::new(ChecksumType::parse_of_file(name)?, expected).map(Some),
        None if expected.is_some() => Err(Error::InvalidArgument {
            reason: "expected= is a sum of the type that file_checksum_type= says".into(),
        }),
        None => Ok(None),
    }
}
