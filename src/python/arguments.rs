//! What the Python face says of a lease, in the core's words.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use nfclease::error::Error;

/// Why a lease is aborted that its script works with: whoever works with it gets this.
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
