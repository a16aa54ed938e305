//! `Error` to the exception classes of `nfclease.exceptions`: one match, without a default arm.

use std::io;
use std::sync::{Arc, Mutex};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};

use super::hints::{hint, message, message_of};
use nfclease::advice::Remedy;
use nfclease::error::{Error, Failure, ServerFault};
use nfclease::sync::lock;

/// A user's exception on its way through the core. It is handed out once: kept here, its traceback
/// would keep the lease alive in a cycle that Python's collector cannot see.
pub(super) struct Raised {
    error: Mutex<Option<PyErr>>,
    text: String,
}

impl Raised {
    pub(super) fn new(error: PyErr) -> Self {
        let text = error.to_string();
        Self {
            error: Mutex::new(Some(error)),
            text,
        }
    }

    fn take(&self) -> Option<PyErr> {
        lock(&self.error).take()
    }
}

/// The Python exception for an error.
pub(super) fn to_py(py: Python<'_>, error: &Error) -> PyErr {
    let advised = build(py, error).and_then(|exception| advise(py, exception, error.remedy()));
    advised.unwrap_or_else(|failed| failed)
}

/// What the caller can do, on an error of ours; the others have no place for it.
fn advise(py: Python<'_>, exception: PyErr, remedy: Remedy) -> PyResult<PyErr> {
    let value = exception.value(py);
    if value.hasattr("remedy")? {
        value.setattr("remedy", remedy.as_str())?;
        value.setattr("retryable", remedy == Remedy::Retry)?;
    }
    Ok(exception)
}

/// The Python exception for a failed transfer, with what it knows as attributes.
pub(super) fn failure_to_py(py: Python<'_>, failure: &Failure) -> PyErr {
    let exception = to_py(py, &failure.error);
    if matches!(failure.error, Error::Foreign(_)) {
        return exception;
    }
    let value = exception.value(py);
    let files: Vec<String> = failure
        .files_left
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let set = || -> PyResult<()> {
        if value.hasattr("remedy")? {
            value.setattr("args", (message_of(failure),))?; // a local error has its own
        }
        value.setattr("phase", failure.step.as_str())?;
        value.setattr("disk_key", failure.disk_key.as_str())?;
        value.setattr("bytes_done", failure.bytes_done)?;
        value.setattr("attempts", failure.attempts)?;
        value.setattr("files_left", files)?;
        Ok(())
    };
    let advised = set().and_then(|()| advise(py, exception, failure.remedy()));
    advised.unwrap_or_else(|failed| failed)
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let message = message(error);
    let plain =
        |class: &str| -> PyResult<Bound<'_, PyAny>> { class_of(py, class)?.call1((&message,)) };
    let value = match error {
        Error::Connect { .. } => plain("ConnectError")?,
        Error::Tls { .. } => plain("TlsError")?,
        Error::ThumbprintMismatch {
            expected, actual, ..
        } => with(
            plain("ThumbprintMismatchError")?,
            &[("expected", expected), ("actual", actual)],
        )?,
        Error::InsecureUrl { .. } => plain("InsecureUrlError")?,
        Error::UnexpectedRedirect { status, .. } => {
            status_attribute(plain("UnexpectedRedirectError")?, *status)?
        }
        Error::HttpStatus { status, .. } => status_attribute(plain("HttpStatusError")?, *status)?,
        Error::Stall { .. } => plain("StallError")?,
        Error::Truncated { .. } => plain("TruncatedError")?,
        Error::Protocol { .. } => plain("ProtocolError")?,
        Error::LimitExceeded {
            limit,
            allowed,
            seen,
            ..
        } => {
            let value = with(plain("LimitExceededError")?, &[("limit", limit)])?;
            value.setattr("allowed", *allowed)?;
            value.setattr("seen", *seen)?;
            value
        }
        Error::ChecksumMismatch {
            expected,
            actual,
            checksum_type,
            ..
        }
        | Error::ManifestFileMismatch {
            expected,
            actual,
            checksum_type,
            ..
        } => with(
            plain("ChecksumMismatchError")?,
            &[
                ("expected", expected),
                ("actual", actual),
                ("checksum_type", checksum_type),
            ],
        )?,
        Error::SizeMismatch {
            expected, actual, ..
        }
        | Error::DescribedSize {
            expected, actual, ..
        } => size_attributes(plain("SizeMismatchError")?, *expected, *actual)?,
        Error::SourceChanged { .. } => plain("SourceChangedError")?,
        Error::ManifestMissing { .. } | Error::Unlisted { .. } => plain("ManifestError")?,
        Error::MissingUpload { .. } => plain("MissingUploadError")?,
        Error::DiskFormat { .. } | Error::DamagedDisk { .. } => plain("DiskFormatError")?,
        Error::UnsafePath { .. } | Error::UnsafeMember { .. } => plain("UnsafePathError")?,
        Error::Package { .. } => plain("PackageError")?,
        Error::Exists { path } => {
            let text = format!("the file exists{}", hint(error));
            let source = io::Error::new(io::ErrorKind::AlreadyExists, text);
            return Ok(os_error(py, &source, &path.display().to_string()));
        }
        Error::Io { path, source } => return Ok(os_error(py, source, &path.display().to_string())),
        Error::Fault(fault) => with_fault(py, plain("ServerFaultReply")?, Some(fault))?,
        Error::LeaseInit { fault, .. } => {
            with_fault(py, plain("LeaseInitError")?, fault.as_deref())?
        }
        Error::NotReady => plain("LeaseInitError")?,
        Error::LeaseLost { fault, .. } => {
            with_fault(py, plain("LeaseLostError")?, fault.as_deref())?
        }
        Error::LeaseComplete { fault, .. } => {
            with_fault(py, plain("LeaseCompleteError")?, fault.as_deref())?
        }
        Error::SessionExpired { fault, .. } => {
            with_fault(py, plain("SessionExpiredError")?, fault.as_deref())?
        }
        Error::LeaseState { .. } => plain("LeaseStateError")?,
        Error::InvalidArgument { .. } | Error::NoSafeTls => {
            return Ok(PyValueError::new_err(message));
        }
        Error::WaitTimeout { .. } => plain("CallTimeoutError")?,
        Error::Cancelled | Error::NotSent { .. } => plain("TransferCancelledError")?,
        Error::Forked => plain("ForkError")?,
        Error::Foreign(foreign) => match Arc::clone(&foreign.0).downcast::<Raised>() {
            Ok(raised) => return raised_by_caller(py, &raised),
            Err(_) => plain("InternalError")?,
        },
        Error::Internal { .. } => plain("InternalError")?,
    };
    Ok(PyErr::from_value(value))
}

/// The caller's own exception; one that was raised before is not there any more.
fn raised_by_caller(py: Python<'_>, raised: &Raised) -> PyResult<PyErr> {
    if let Some(error) = raised.take() {
        return Ok(error);
    }
    let value = class_of(py, "NfcError")?.call1((raised.text.as_str(),))?;
    Ok(PyErr::from_value(value))
}

fn class_of<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    Ok(py
        .import("nfclease.exceptions")?
        .getattr(name)?
        .cast_into()?)
}

fn with<'py>(value: Bound<'py, PyAny>, attributes: &[(&str, &str)]) -> PyResult<Bound<'py, PyAny>> {
    for (name, text) in attributes {
        value.setattr(*name, *text)?;
    }
    Ok(value)
}

fn status_attribute(value: Bound<'_, PyAny>, status: u16) -> PyResult<Bound<'_, PyAny>> {
    value.setattr("status", status)?;
    Ok(value)
}

fn size_attributes(
    value: Bound<'_, PyAny>,
    expected: u64,
    actual: u64,
) -> PyResult<Bound<'_, PyAny>> {
    value.setattr("expected", expected)?;
    value.setattr("actual", actual)?;
    Ok(value)
}

/// The raw reply goes along: pyvmomi makes its own fault class of it, in the Python face.
fn with_fault<'py>(
    py: Python<'py>,
    value: Bound<'py, PyAny>,
    fault: Option<&ServerFault>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(fault) = fault {
        value.setattr("fault_name", fault.name.as_str())?;
        value.setattr("_fault_envelope", PyBytes::new(py, &fault.envelope))?;
    }
    Ok(value)
}

/// `OSError(errno, text, path)`, of which Python picks the subclass.
fn os_error(py: Python<'_>, source: &io::Error, path: &str) -> PyErr {
    let errno = source
        .raw_os_error()
        .or_else(|| errno_of(py, source.kind()));
    let Some(errno) = errno else {
        return PyOSError::new_err(format!("{source}: {path}"));
    };
    let text = match source.raw_os_error() {
        Some(_) => py
            .import("os")
            .and_then(|os| os.call_method1("strerror", (errno,))?.extract::<String>())
            .unwrap_or_else(|_| source.to_string()),
        None => source.to_string(),
    };
    PyOSError::new_err((errno, text, path.to_owned()))
}

fn errno_of(py: Python<'_>, kind: io::ErrorKind) -> Option<i32> {
    let name = match kind {
        io::ErrorKind::AlreadyExists => "EEXIST",
        io::ErrorKind::IsADirectory => "EISDIR",
        io::ErrorKind::InvalidInput => "EINVAL",
        io::ErrorKind::NotFound => "ENOENT",
        io::ErrorKind::StorageFull => "ENOSPC",
        io::ErrorKind::ResourceBusy => "EBUSY",
        io::ErrorKind::WouldBlock => "EAGAIN",
        _ => return None,
    };
    py.import("errno").ok()?.getattr(name).ok()?.extract().ok()
}
