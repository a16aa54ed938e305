//! The lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::abandoned::{self, Counted};
use super::bridge;
use super::device::{DeviceUrl, FileItem};
use super::error::{failure_to_py, to_py};
use super::local::{Sink, Source};
use super::session::Session;
use super::transfer::Transfer;
use super::work::Work;
use nfclease::error::{Error, Result};
use nfclease::http::retry::RetryPolicy;
use nfclease::io::ChecksumType;
use nfclease::lease::{
    Ended, KeepAlive, Lease as CoreLease, Options, PlainHttp, RequireManifest, RequireUploads,
    Unfinished, check_number as check_core, seconds, seconds_or_none,
};
use nfclease::soap::{Abort, Reply, methods};
use nfclease::transfer::{FileSum, Format, VerifySize};

/// Whether every device of an import needs an upload, or the `deviceId`s of those that do.
#[derive(FromPyObject)]
enum RequiredUploads {
    All(bool),
    Of(Vec<String>),
}

/// Status, reason phrase, body.
type RawReply = (u16, &'static str, Py<PyBytes>);

#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Lease {
    /// Gone only while it is dropped.
    held: Option<Arc<CoreLease>>,
    /// The process that adopted it: threads and locks of the core are not in a forked child.
    pid: u32,
    /// Whether another object holds the lease in its place.
    released: AtomicBool,
}

#[pymethods]
impl Lease {
    #[new]
    #[pyo3(signature = (session, moid, *, checksum_type, keep_alive, keep_alive_interval, max_concurrency,
                        max_retries, retry_timeout, timeout, require_manifest, require_uploads, verify_format,
                        verify_size, max_unannounced_size, allow_http))]
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
        verify_format: bool,
        verify_size: bool,
        max_unannounced_size: u64,
        allow_http: bool,
    ) -> PyResult<Self> {
        let build = || -> Result<Arc<CoreLease>> {
            let interval = keep_alive_interval
                .map(|value| seconds(value, "keep_alive_interval"))
                .transpose()?;
            let options = Options {
                checksum_type: checksum_type.map(ChecksumType::parse).transpose()?,
                keep_alive: if keep_alive {
                    KeepAlive::Native(interval)
                } else {
                    KeepAlive::Off
                },
                max_concurrency,
                retry: RetryPolicy {
                    max_retries,
                    retry_timeout: seconds_or_none(retry_timeout, "retry_timeout")?,
                },
                timeout: seconds(timeout, "timeout")?,
                require_manifest: match require_manifest {
                    Some(true) => RequireManifest::Yes,
                    Some(false) => RequireManifest::No,
                    None => RequireManifest::AsListed,
                },
                require_uploads: match require_uploads {
                    RequiredUploads::All(true) => RequireUploads::EveryDevice,
                    RequiredUploads::All(false) => RequireUploads::Of(Vec::new()),
                    RequiredUploads::Of(keys) => RequireUploads::Of(keys),
                },
                disk_format: if verify_format {
                    Format::StreamOptimized
                } else {
                    Format::Any
                },
                max_unannounced_size,
                verify_size: if verify_size {
                    VerifySize::Yes
                } else {
                    VerifySize::No
                },
                plain_http: if allow_http {
                    PlainHttp::Allow
                } else {
                    PlainHttp::Refuse
                },
            };
            CoreLease::adopt(&session.sessions, moid, options)
        };
        let lease = bridge::guarded(py, build)?;
        Ok(Self {
            held: Some(lease),
            pid: std::process::id(),
            released: AtomicBool::new(false),
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
        bridge::wait(py, lease.engine(), async move {
            let _ = looking.refresh().await;
        })
    }

    /// One call of the script that needs nothing of us but the way.
    fn call(&self, py: Python<'_>, method: String, envelope: Vec<u8>) -> PyResult<RawReply> {
        let lease = self.core(py)?;
        match bridge::call(py, &lease, &method, &envelope)? {
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

    /// Leaves the lease to somebody else. Refused while a transfer runs.
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
    /// `cause`, `session` or `cancelled`, who works with the lease gets that one.
    #[pyo3(signature = (reason, cause=""))]
    fn abort(&self, py: Python<'_>, reason: String, cause: &str) -> PyResult<Work> {
        let lease = self.core(py)?;
        let cause = match cause {
            "session" => Some(Error::SessionExpired {
                reason: "the script logged out".into(),
                fault: None,
            }),
            "cancelled" => Some(Error::Cancelled),
            _ => None,
        };
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
        // Without an engine there is nobody left to send it.
        let _ = engine.spawn(async move {
            let _counted = counted;
            if let Ended::AbortFailed = lease.abort(Abort { reason }).await {
                abandoned::note_kept(lease.moid());
            }
        });
    }

    /// Leaves the lease to another object that holds it; nothing is sent.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.core(py)?.release();
        self.released.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Starts one download into a sink that is its own. With `also`, the sum for a manifest file is
    /// computed in passing.
    #[pyo3(signature = (device_url, sink, *, also=None))]
    fn download(
        &self,
        py: Python<'_>,
        device_url: &DeviceUrl,
        sink: &Sink,
        also: Option<&str>,
    ) -> PyResult<Transfer> {
        let lease = self.core(py)?;
        let start = || {
            let file_sum = file_sum(also, None)?;
            let sink = sink.open(&lease.place_of(&device_url.0))?;
            lease.start_download(&device_url.0, sink, file_sum)
        };
        let transfer = bridge::guarded(py, start)?;
        Ok(Transfer { lease, transfer })
    }

    /// Starts one upload from a source that is its own. With `expected`, other bytes than those of
    /// this sum of type `also` fail it before the host has all of them.
    #[pyo3(signature = (device_url, item, source, *, also=None, expected=None))]
    fn upload(
        &self,
        py: Python<'_>,
        device_url: &DeviceUrl,
        item: &FileItem,
        source: &Source,
        also: Option<&str>,
        expected: Option<&str>,
    ) -> PyResult<Transfer> {
        let lease = self.core(py)?;
        let start = || {
            let file_sum = file_sum(also, expected)?;
            lease.start_upload(
                &device_url.0,
                item.0,
                source.open(&Arc::default())?,
                file_sum,
            )
        };
        let transfer = bridge::guarded(py, start)?;
        Ok(Transfer { lease, transfer })
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

/// What is asked for beside the server's sum.
fn file_sum(also: Option<&str>, expected: Option<&str>) -> Result<Option<FileSum>> {
    match also {
        Some(also) => FileSum::new(ChecksumType::parse_of_file(also)?, expected).map(Some),
        None if expected.is_some() => Err(Error::InvalidArgument {
            reason: "expected= is a sum of the type that also= says".into(),
        }),
        None => Ok(None),
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
        raw(
            py,
            bridge::wait(py, lease.engine(), call(Arc::clone(&lease)))?,
        )
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.pid != std::process::id() {
            // Dropping would touch locks that a thread of the parent may have held at the fork.
            std::mem::forget(self.held.take());
        } else if !self.released.load(Ordering::Relaxed) {
            // An interrupted constructor leaves a lease that no Python object has.
            self.abort_in_background("the lease object was dropped".into());
        }
    }
}
