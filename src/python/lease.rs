//! The lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::arguments::{AbortCause, Keywords, RequiredUploads, VerifyFormat, file_sum};
use super::device::{DeviceUrl, FileItem};
use super::error::{failure_to_py, to_py};
use super::exit::{self, Counted};
use super::gil;
use super::local::{Sink, Source};
use super::session::Session;
use super::transfer::Transfer;
use super::work::Work;
use nfclease::error::{Error, Result};
use nfclease::lease::{Ended, Lease as CoreLease, Unfinished, seconds};
use nfclease::soap::{Abort, Reply, methods};

/// Status, reason phrase, body.
type RawReply = (u16, &'static str, Py<PyBytes>);

#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Lease {
    /// Gone only while it is dropped.
    held: Option<Arc<CoreLease>>,
    /// The process that adopted it: threads and locks of the core are not in a forked child.
    pid: u32,
    /// Whether another object holds the lease in its place.
    handed_over: AtomicBool,
}

#[pymethods]
impl Lease {
    #[new]
    #[pyo3(signature = (session, moid, *, checksum_type, keep_alive, keep_alive_interval, max_concurrency,
                        max_retries, retry_timeout, timeout, require_manifest, require_uploads, verify_format,
                        verify_size, max_unannounced_size, max_bytes_per_second, allow_http))]
    #[allow(
        clippy::too_many_arguments,
        reason = "the keywords of nfclease.HttpNfcLease"
    )]
    #[allow(
        clippy::fn_params_excessive_bools,
        reason = "the keywords of nfclease.HttpNfcLease"
    )]
    fn new(
        py: Python<'_>,
        session: &Session,
        moid: String,
        checksum_type: Option<&str>,
        keep_alive: bool,
        keep_alive_interval: Option<f64>,
        max_concurrency: usize,
        max_retries: u32,
        retry_timeout: f64,
        timeout: f64,
        require_manifest: Option<bool>,
        require_uploads: RequiredUploads,
        verify_format: VerifyFormat,
        verify_size: bool,
        max_unannounced_size: u64,
        max_bytes_per_second: Option<u64>,
        allow_http: bool,
    ) -> PyResult<Self> {
        let keywords = Keywords {
            checksum_type,
            keep_alive,
            keep_alive_interval,
            max_concurrency,
            max_retries,
            retry_timeout,
            timeout,
            require_manifest,
            require_uploads,
            verify_format,
            verify_size,
            max_unannounced_size,
            max_bytes_per_second,
            allow_http,
        };
        let build = || CoreLease::adopt(&session.sessions, moid, keywords.options()?);
        let lease = gil::guarded(py, build)?;
        Ok(Self {
            held: Some(lease),
            pid: std::process::id(),
            handed_over: AtomicBool::new(false),
        })
    }

    /// The phase in vSphere's words where it has one, without a call.
    fn phase(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(self.core(py)?.phase().as_str())
    }

    /// Bytes that the disks can hold in all; 0 where the server did not say. Makes no call.
    fn disk_capacity(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.core(py)?.disk_capacity())
    }

    /// Limits what all its transfers move in a second. Returns what the limit was.
    fn set_max_bytes_per_second(&self, py: Python<'_>, rate: Option<u64>) -> PyResult<Option<u64>> {
        let set = self.core(py)?.set_max_bytes_per_second(rate);
        set.map_err(|error| to_py(py, &error))
    }

    /// Whether the server may still hold the lease for us.
    fn is_held(&self) -> bool {
        self.pid == std::process::id()
            && self
                .held
                .as_ref()
                .is_some_and(|lease| lease.phase().is_held())
    }

    /// The moId of its VM or vApp, empty until it is ready. Makes no call.
    fn vm(&self) -> String {
        self.held
            .as_ref()
            .map_or_else(String::new, |lease| lease.vm())
    }

    /// Whether the server has made what it moves to. Makes no call.
    fn is_import(&self) -> bool {
        self.held.as_ref().is_some_and(|lease| lease.is_import())
    }

    /// Whether its end is still to come, or not through yet.
    fn is_open(&self) -> bool {
        self.pid == std::process::id()
            && self
                .held
                .as_ref()
                .is_some_and(|lease| lease.phase().is_open())
    }

    fn wait_ready(&self, py: Python<'_>, timeout: f64) -> PyResult<Work> {
        let lease = self.core(py)?;
        let timeout = seconds(timeout, "timeout").map_err(|error| to_py(py, &error))?;
        let waiting = Arc::clone(&lease);
        Work::start(
            py,
            lease.engine(),
            async move { waiting.wait_ready(timeout).await },
            |py, ready| ready.map(|_| ()).map_err(|error| to_py(py, &error)),
        )
    }

    /// Looks at the server's state of the lease; what it cannot learn changes nothing.
    fn refresh(&self, py: Python<'_>) -> PyResult<()> {
        let lease = self.core(py)?;
        let looking = Arc::clone(&lease);
        gil::wait(py, lease.engine(), async move {
            let _ = looking.refresh().await;
        })
    }

    /// One call of the script that needs nothing of us but the way.
    fn call(&self, py: Python<'_>, method: String, envelope: Vec<u8>) -> PyResult<RawReply> {
        let lease = self.core(py)?;
        match gil::call(py, &lease, &method, &envelope)? {
            Some(reply) => raw(py, reply),
            None => self.send(
                py,
                |lease| async move { lease.invoke(&method, envelope).await },
            ),
        }
    }

    /// One `HttpNfcLeaseProgress` of the script.
    fn progress(&self, py: Python<'_>, percent: i32, envelope: Vec<u8>) -> PyResult<RawReply> {
        self.core(py)?.set_script_percent(percent);
        self.call(py, methods::PROGRESS.to_owned(), envelope)
    }

    /// One `HttpNfcLeaseComplete` of the script.
    fn script_complete(&self, py: Python<'_>, envelope: Vec<u8>) -> PyResult<RawReply> {
        self.send(py, move |lease| async move {
            lease.script_complete(envelope).await
        })
    }

    /// One `HttpNfcLeaseAbort` of the script.
    fn script_abort(&self, py: Python<'_>, envelope: Vec<u8>) -> PyResult<RawReply> {
        self.send(py, move |lease| async move {
            lease.script_abort(envelope).await
        })
    }

    /// Waits for all transfers, compares all sums, sends Complete.
    fn complete(&self, py: Python<'_>) -> PyResult<Work> {
        let lease = self.core(py)?;
        let completing = Arc::clone(&lease);
        Work::start(
            py,
            lease.engine(),
            async move { completing.complete().await },
            |py, completed| completed.map_err(|unfinished| unfinished_to_py(py, &unfinished)),
        )
    }

    /// Gives the plain lease back, which is neither renewed nor ended here any more. Refused while a
    /// transfer runs.
    fn detach(&self, py: Python<'_>) -> PyResult<Work> {
        let lease = self.core(py)?;
        let detaching = Arc::clone(&lease);
        Work::start(
            py,
            lease.engine(),
            async move { detaching.detach().await },
            |py, detached| detached.map_err(|unfinished| unfinished_to_py(py, &unfinished)),
        )
    }

    /// Cancels, cleans up, sends one Abort while the lease is held. Raises nothing of its own. With
    /// `cause`, who works with the lease gets that one.
    #[pyo3(signature = (reason, cause=None))]
    fn abort(&self, py: Python<'_>, reason: String, cause: Option<AbortCause>) -> PyResult<Work> {
        let lease = self.core(py)?;
        let cause = cause.map(Error::from);
        let ending = Arc::clone(&lease);
        // The exit of an interpreter that was not patient enough still waits for it.
        let counted = Counted::new();
        Work::start(
            py,
            lease.engine(),
            async move {
                let _counted = counted;
                match cause {
                    Some(cause) => ending.abort_from_outside(Abort { reason }, cause).await,
                    None => ending.abort(Abort { reason }).await,
                }
            },
            |_, ended| {
                Ok(match ended {
                    Ended::Aborted => "aborted",
                    Ended::AbortFailed => "abort_failed",
                    Ended::Lost => "lost",
                    Ended::Untouched => "untouched",
                })
            },
        )
    }

    /// As `abort`, without waiting. Does nothing in a forked child.
    fn abort_in_background(&self, reason: String) {
        if !self.is_held() {
            return;
        }
        let Some(lease) = self.held.clone() else {
            return;
        };
        let at = lease.place();
        tracing::warn!(
            // A logger's name is the package's; this crate's own is `_core`.
            target: "nfclease::python::lease",
            nfclease_lease = %at.lease,
            nfclease_vm = %at.vm,
            nfclease_file = %at.file,
            nfclease_host = %at.host,
            "{}: {reason}; it is aborted",
            lease.label()
        );
        let engine = Arc::clone(lease.engine());
        let counted = Counted::new();
        // Without an engine it cannot be sent any more.
        let _ = engine.spawn(async move {
            let _counted = counted;
            if let Ended::AbortFailed = lease.abort(Abort { reason }).await {
                exit::note_kept(lease.moid());
            }
        });
    }

    /// Another object holds the lease from here on; nothing is sent.
    fn hand_over(&self, py: Python<'_>) -> PyResult<()> {
        self.core(py)?.hand_over();
        self.handed_over.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Starts one download into a sink that is its own. With `file_checksum_type`, the sum for a
    /// manifest file is computed in passing.
    #[pyo3(signature = (device_url, sink, *, file_checksum_type=None))]
    fn download(
        &self,
        py: Python<'_>,
        device_url: &DeviceUrl,
        sink: &Sink,
        file_checksum_type: Option<&str>,
    ) -> PyResult<Transfer> {
        let lease = self.core(py)?;
        let start = || {
            let file_sum = file_sum(file_checksum_type, None)?;
            let sink = sink.open(&lease.place_of(&device_url.0))?;
            lease.start_download(&device_url.0, sink, file_sum)
        };
        let transfer = gil::guarded(py, start)?;
        Ok(Transfer { lease, transfer })
    }

    /// Starts one upload from a source that is its own. With `expected`, other bytes than those of
    /// this sum of that type fail it before the host has all of them.
    #[pyo3(signature = (device_url, item, source, *, file_checksum_type=None, expected=None))]
    fn upload(
        &self,
        py: Python<'_>,
        device_url: &DeviceUrl,
        item: &FileItem,
        source: &Source,
        file_checksum_type: Option<&str>,
        expected: Option<&str>,
    ) -> PyResult<Transfer> {
        let lease = self.core(py)?;
        let start = || {
            let file_sum = file_sum(file_checksum_type, expected)?;
            let source = source.open(&Arc::default())?;
            lease.start_upload(&device_url.0, item.0, source, file_sum)
        };
        let transfer = gil::guarded(py, start)?;
        Ok(Transfer { lease, transfer })
    }
}

fn unfinished_to_py(py: Python<'_>, unfinished: &Unfinished) -> PyErr {
    match unfinished {
        Unfinished::Transfer(failure) => failure_to_py(py, failure),
        Unfinished::Lease(error) => to_py(py, error),
    }
}

/// An answer as pyvmomi's code takes it.
fn raw(py: Python<'_>, reply: Result<Reply>) -> PyResult<RawReply> {
    let reply = reply.map_err(|error| to_py(py, &error))?;
    let body = PyBytes::new(py, &reply.body).unbind();
    Ok((reply.status, reply.reason, body))
}

impl Lease {
    /// The lease, refused in a forked child: threads and locks of the parent are not there.
    fn core(&self, py: Python<'_>) -> PyResult<Arc<CoreLease>> {
        if self.pid != std::process::id() {
            return Err(to_py(py, &Error::Forked));
        }
        self.held
            .clone()
            .ok_or_else(|| to_py(py, &Error::internal("a lease is there until it is dropped")))
    }

    fn send<F>(&self, py: Python<'_>, call: impl FnOnce(Arc<CoreLease>) -> F) -> PyResult<RawReply>
    where
        F: Future<Output = Result<Reply>> + Send + 'static,
    {
        let lease = self.core(py)?;
        raw(py, gil::wait(py, lease.engine(), call(Arc::clone(&lease)))?)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            // Dropping would touch locks that a thread of the parent may have held at the fork.
            std::mem::forget(self.held.take());
        } else if !self.handed_over.load(Ordering::Relaxed) {
            // An interrupted constructor leaves a lease that no Python object has.
            self.abort_in_background("the lease object was dropped".into());
        }
    }
}
