//! The stream API without a lease, so that `benchmarks/` can measure it against a neutral server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use pyo3::prelude::*;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::bridge;
use super::error::{failure_to_py, to_py};
use nfclease::error::{Error, Failure, Result};
use nfclease::http::retry::RetryPolicy;
use nfclease::http::{Client, Pin, Trust, Verify};
use nfclease::io::{ChecksumType, FileSink, FileSource, Overwrite, Source};
use nfclease::transfer::download::Format;
use nfclease::transfer::{
    Completed, Described, Download, Engine, Job, LeaseServer, Moved, Progress, SourceCheck, Upload,
    UploadMethod, Verified,
};

struct NoLease;

impl LeaseServer for NoLease {
    async fn still_ready(&self) -> Result<()> {
        Ok(())
    }

    async fn verify(&self, _moved: &Moved) -> Result<Verified> {
        Ok(Verified::Stream)
    }
}

fn job(url: &str, thumbprint: &str) -> Result<Job> {
    let invalid = |reason: &str| Error::InvalidArgument {
        reason: reason.into(),
    };
    let pin = Pin::from_thumbprint(thumbprint)?.ok_or_else(|| invalid("a thumbprint is needed"))?;
    Ok(Job {
        client: Client::new(&Trust::of(Verify::Pin(pin)), None, Duration::from_secs(10))?,
        url: Url::parse(url).map_err(|_| invalid("no URL"))?,
        headers: HeaderMap::new(),
        key: "bench".into(),
        what: "bench".into(),
        place: Arc::default(),
        checksum_type: ChecksumType::Sha1,
        timeout: Duration::from_secs(60),
        retry: RetryPolicy {
            max_retries: 0,
            retry_timeout: Duration::ZERO,
        },
    })
}

fn run<F>(py: Python<'_>, engine: &Arc<Engine>, work: F) -> PyResult<(u64, String)>
where
    F: Future<Output = Result<Completed, Failure>> + Send + 'static,
{
    let started = engine.transfer(work);
    let task = started.map_err(|error| to_py(py, &error))?;
    match bridge::wait(py, engine, task)? {
        Ok(Ok(completed)) => Ok((completed.moved.bytes, completed.moved.checksum)),
        Ok(Err(failure)) => Err(failure_to_py(py, &failure)),
        Err(_) => Err(bridge::lost(py)),
    }
}

/// Downloads one URL to a path, replacing it; returns bytes and SHA-1.
#[pyfunction]
#[pyo3(signature = (url, path, *, thumbprint))]
pub(crate) fn bench_get(
    py: Python<'_>,
    url: &str,
    path: PathBuf,
    thumbprint: &str,
) -> PyResult<(u64, String)> {
    let start = || {
        Ok((
            job(url, thumbprint)?,
            FileSink::create(&path, Overwrite::Replace)?,
            Engine::shared()?,
        ))
    };
    let (job, sink, engine) = start().map_err(|error| to_py(py, &error))?;
    run(py, &engine, async move {
        let download = Download {
            job,
            format: Format::Any,
            limit: None,
            file_size: None,
        };
        download
            .run(
                Box::new(sink),
                &NoLease,
                &Progress::new(None),
                &CancellationToken::new(),
            )
            .await
    })
}

/// Uploads one file; returns bytes and SHA-1.
#[pyfunction]
#[pyo3(signature = (url, path, *, thumbprint, method="POST"))]
pub(crate) fn bench_put(
    py: Python<'_>,
    url: &str,
    path: PathBuf,
    thumbprint: &str,
    method: &str,
) -> PyResult<(u64, String)> {
    let start = || {
        Ok((
            job(url, thumbprint)?,
            Box::new(FileSource::open(&path)?),
            Engine::shared()?,
        ))
    };
    let (job, source, engine) = start().map_err(|error| to_py(py, &error))?;
    let method = if method == "PUT" {
        UploadMethod::Put
    } else {
        UploadMethod::Post
    };
    run(py, &engine, async move {
        let progress = Arc::new(Progress::new(Some(source.length())));
        let check = SourceCheck::new(
            Arc::clone(&job.what),
            Arc::clone(&job.place),
            Described::as_anything(),
            source.length(),
        );
        let upload = Upload { job, method, check };
        upload
            .run(source, &NoLease, &progress, &CancellationToken::new())
            .await
    })
}
