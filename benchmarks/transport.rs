//! The transport alone: the core's downloads and uploads, with no lease and no Python around them.
//!
//! The protocol is that of `tests/peers/cmd/benchclient`:
//! `get|put [--parallel] [--sha256] --thumbprint SHA1 URL FILE ...`, and JSON on standard output.

use std::error::Error as Cause;
use std::fmt::Write as _;
use std::fs::read_to_string;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use nfclease::error::{Failure, Result};
use nfclease::http::retry::RetryPolicy;
use nfclease::http::{Client, Pin, Trust, Verify};
use nfclease::io::{ChecksumType, FileSink, FileSource, Overwrite, Source};
use nfclease::transfer::{
    Completed, Depth, Described, Download, Engine, FileSum, Format, Job, LeaseServer, Moved,
    Progress, RateLimits, SourceCheck, Upload, UploadMethod, Verified,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

type Running = JoinHandle<Result<Completed, Failure>>;

struct NoLease;

impl LeaseServer for NoLease {
    async fn still_ready(&self) -> Result<()> {
        Ok(())
    }

    async fn verify(&self, _moved: &Moved) -> Result<Verified> {
        Ok(Verified::Stream)
    }
}

/// What the command line says.
#[derive(Default)]
struct Asked {
    put: bool,
    parallel: bool,
    sha256: bool,
    thumbprint: String,
    pairs: Vec<(String, String)>,
}

impl Asked {
    fn of(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut asked = Self {
            put: words.next()? == "put",
            ..Self::default()
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--parallel" => asked.parallel = true,
                "--sha256" => asked.sha256 = true,
                "--thumbprint" => asked.thumbprint = words.next()?,
                _ => asked.pairs.push((word, words.next()?)),
            }
        }
        Some(asked)
    }

    fn job(&self, url: &str) -> Result<Job, Box<dyn Cause>> {
        let pin = Pin::from_thumbprint(&self.thumbprint)?.ok_or("a thumbprint is needed")?;
        Ok(Job {
            client: Client::new(&Trust::of(Verify::Pin(pin)), None, Duration::from_secs(10))?,
            url: Url::parse(url)?,
            headers: HeaderMap::new(),
            key: "disk".into(),
            what: "disk".into(),
            place: Arc::default(),
            checksum_type: ChecksumType::Sha1,
            file_sum: (self.sha256)
                .then(|| FileSum::new(ChecksumType::Sha256, None))
                .transpose()?,
            timeout: Duration::from_secs(60),
            retry: RetryPolicy {
                max_retries: 0,
                retry_timeout: Duration::ZERO,
            },
            rate_limits: RateLimits::default(),
        })
    }

    fn start(&self, engine: &Engine, url: &str, path: &Path) -> Result<Running, Box<dyn Cause>> {
        let job = self.job(url)?;
        let running = if self.put {
            engine.transfer(upload(job, Box::new(FileSource::open(path)?)))
        } else {
            engine.transfer(download(
                job,
                FileSink::create(path, Overwrite::Replace, Arc::default())?,
            ))
        };
        Ok(running?)
    }
}

async fn download(job: Job, sink: FileSink) -> Result<Completed, Failure> {
    let download = Download {
        job,
        format: Format::Any,
        depth: Depth::Ends,
        limit: None,
        file_size: None,
    };
    let (progress, cancel) = (Progress::new(None), CancellationToken::new());
    download
        .run(Box::new(sink), &NoLease, &progress, &cancel)
        .await
}

async fn upload(job: Job, source: Box<dyn Source>) -> Result<Completed, Failure> {
    let progress = Arc::new(Progress::new(Some(source.length())));
    let check = SourceCheck::new(
        Arc::clone(&job.what),
        Arc::clone(&job.place),
        Described::as_anything(),
        source.length(),
    );
    let upload = Upload {
        job,
        method: UploadMethod::Post,
        check,
    };
    let cancel = CancellationToken::new();
    upload.run(source, &NoLease, &progress, &cancel).await
}

/// User and system seconds in ticks of 10 ms, and `VmHWM`, as JSON.
fn usage() -> Result<String, Box<dyn Cause>> {
    let stat = read_to_string("/proc/self/stat")?;
    let (_, after) = stat.rsplit_once(") ").ok_or("no /proc/self/stat")?;
    let fields: Vec<&str> = after.split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
    let (user, sys) = ticks(11).zip(ticks(12)).ok_or("no times")?;
    let status = read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak
        .and_then(|text| text.split_whitespace().next())
        .unwrap_or("0");
    let (user, sys) = (user / 100.0, sys / 100.0);
    Ok(format!(
        r#"{{"cpu_user": {user}, "cpu_sys": {sys}, "peak_kib": {peak}}}"#
    ))
}

#[tokio::main(flavor = "current_thread")]
#[allow(
    clippy::disallowed_methods,
    reason = "the one thread that waits is its own"
)]
async fn main() -> Result<(), Box<dyn Cause>> {
    let asked = Asked::of(std::env::args().skip(1)).ok_or("see the first lines of transport.rs")?;
    let engine = Engine::shared()?;
    let (startup, begin) = (usage()?, Instant::now());
    let (mut running, mut files) = (Vec::new(), String::new());
    let mut pairs = asked.pairs.iter().peekable();
    while let Some((url, path)) = pairs.next() {
        running.push(asked.start(&engine, url, Path::new(path))?);
        if asked.parallel && pairs.peek().is_some() {
            continue;
        }
        for task in running.drain(..) {
            let moved = task.await?.map_err(|failure| failure.error)?.moved;
            let comma = if files.is_empty() { "" } else { ", " };
            let (bytes, sha1) = (moved.bytes, moved.checksum);
            let sha256 = moved.file_checksum.unwrap_or_default();
            write!(
                files,
                r#"{comma}{{"bytes": {bytes}, "sha1": "{sha1}", "sha256": "{sha256}"}}"#
            )?;
        }
    }
    let (seconds, total) = (begin.elapsed().as_secs_f64(), usage()?);
    writeln!(
        std::io::stdout(),
        r#"{{"files": [{files}], "seconds": {seconds}, "startup": {startup}, "total": {total}}}"#
    )?;
    Ok(())
}
