//! Log records of native threads, emitted by the Python thread that calls in next.

use nfclease::log::{Said, take};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use tracing::Level;

/// What each record has as attributes, empty where it is unknown.
const FIELDS: [&str; 4] = [
    "nfclease_lease",
    "nfclease_vm",
    "nfclease_file",
    "nfclease_host",
];

/// Hands queued records to `logging`. What a handler raises comes out, as of a logging call.
pub(super) fn emit(py: Python<'_>) -> PyResult<()> {
    let records = take();
    if records.is_empty() {
        return Ok(());
    }
    let logging = py.import("logging")?;
    let mut raised = Ok(());
    for record in records {
        raised = raised.and(hand_on(&logging, &record));
    }
    raised
}

fn hand_on(logging: &Bound<'_, PyModule>, record: &Said) -> PyResult<()> {
    let py = logging.py();
    let name = record.target.replace("::", ".");
    let logger = logging.call_method1("getLogger", (&name,))?;
    let level = match record.level {
        Level::ERROR => 40,
        Level::WARN => 30,
        _ => 20,
    };
    if !logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
        return Ok(());
    }
    let extra = PyDict::new(py);
    for field in FIELDS {
        extra.set_item(field, "")?;
    }
    for (field, value) in &record.fields {
        extra.set_item(*field, value.as_str())?;
    }
    let (message, none) = (record.message.as_str(), py.None());
    let place = (
        &name,
        level,
        "",
        0,
        message,
        PyTuple::empty(py),
        &none,
        &none,
        extra,
    );
    let made = logger.call_method1("makeRecord", place)?;
    logger.call_method1("handle", (made,)).map(|_| ())
}
