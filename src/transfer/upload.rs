//! One POST or PUT of one source, fed by a reader thread, always with a Content-Length.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::progress::Progress;
use super::repeat::{Broken, Repeat};
use super::{Completed, Job, LeaseServer, Moved, SourceCheck, Verified};
use crate::error::{Error, Failure, Result};
use crate::http::{Body, BodyAborted, BodyStream, Request};
use crate::io::Source;
use crate::io::source::Piece;

/// A host that has taken the last byte may still be closing the disk.
const SHORTEST_ANSWER_WAIT: Duration = Duration::from_secs(120);

/// How often a silent socket is looked at.
const TICK: Duration = Duration::from_millis(500);

/// How the server wants an item (`OvfManager.FileItem.create`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadMethod {
    /// A disk: POST as `application/x-vnd.vmware-streamVmdk`.
    Post,
    /// A file to create: PUT with `Overwrite: t`, which makes a repetition safe.
    Put,
}

/// An upload, ready to run.
#[derive(Debug)]
pub struct Upload {
    /// The device and how to reach it.
    pub job: Job,
    /// POST or PUT.
    pub method: UploadMethod,
    /// What its source must be.
    pub check: SourceCheck,
}

impl Upload {
    /// Runs to the end.
    pub async fn run(
        self,
        mut source: Source,
        server: &impl LeaseServer,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Completed, Failure> {
        let mut repeat = Repeat::new(&self.job, server, cancel);
        loop {
            let attempts = progress.start_attempt();
            let mut phase = "connect";
            let body_started = Arc::new(AtomicBool::new(false));
            let attempted = Instant::now();
            let work = self.attempt(&mut source, server, progress, &body_started, &mut phase);
            let error = match repeat.guarded(work).await {
                Ok(done) => {
                    progress.finish();
                    return Ok(repeat.completed(done, attempts));
                }
                Err(error) => error,
            };
            // A POST whose body has started may have changed the disk; a PUT overwrites. Bytes
            // that the host has taken are not sent again because the manifest could not be had.
            let untouched = !body_started.load(Ordering::Relaxed);
            let may_repeat = source.is_repeatable()
                && (self.method == UploadMethod::Put || untouched)
                && !error.is_integrity()
                && phase != "verify";
            let broken = Broken {
                error,
                phase,
                bytes_done: progress.snapshot().bytes_done,
                attempts,
                may_repeat,
                lost: attempted.elapsed(),
                retry_after: None,
            };
            repeat.wait(broken).await?;
        }
    }

    async fn attempt(
        &self,
        source: &mut Source,
        server: &impl LeaseServer,
        progress: &Arc<Progress>,
        body_started: &Arc<AtomicBool>,
        phase: &mut &'static str,
    ) -> Result<(Moved, Verified)> {
        let length = source.length();
        let mut check = self.check.clone();
        let watch = Box::new(move |bytes: &[u8]| check.update(bytes));
        let started = source.start(self.job.checksum_type, &self.job.what, Some(watch))?;
        let feed = Arc::new(Mutex::new(started.chunks));
        let failed: Arc<Mutex<Option<Error>>> = Arc::default();
        *phase = "body";
        let body = body(length, &feed, &failed, progress, body_started);
        let sent = self.send(body, length, progress).await;
        if let Some(error) = failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        sent?;
        let moved = Moved {
            key: self.job.key.clone(),
            what: Arc::clone(&self.job.what),
            bytes: length,
            checksum: digest_of(&feed, &self.job.what).await?,
            checksum_type: self.job.checksum_type,
        };
        *phase = "verify";
        let verified = server.verify(&moved).await?;
        Ok((moved, verified))
    }

    async fn send(&self, body: BodyStream, length: u64, progress: &Progress) -> Result<()> {
        let mut headers = self.job.headers.clone();
        let method = match self.method {
            UploadMethod::Post => {
                headers.insert(
                    CONTENT_TYPE,
                    HeaderValue::from_static("application/x-vnd.vmware-streamVmdk"),
                );
                Method::POST
            }
            UploadMethod::Put => {
                headers.insert(
                    CONTENT_TYPE,
                    HeaderValue::from_static("application/octet-stream"),
                );
                headers.insert(
                    HeaderName::from_static("overwrite"),
                    HeaderValue::from_static("t"),
                );
                Method::PUT
            }
        };
        let request = Request {
            method,
            url: self.job.url.clone(),
            headers,
            body: Body::Stream(body),
            what: Arc::clone(&self.job.what),
        };
        let response = tokio::select! {
            response = self.job.client.send(request) => response?.checked()?,
            stalled = self.stalled(length, progress) => return Err(stalled),
        };
        if matches!(response.status(), 200 | 201) {
            return Ok(());
        }
        Err(response.into_status_error().await)
    }

    /// Returns when the socket has taken nothing for too long.
    async fn stalled(&self, length: u64, progress: &Progress) -> Error {
        let mut last = (progress.snapshot().bytes_done, Instant::now());
        loop {
            tokio::time::sleep(TICK).await;
            let done = progress.snapshot().bytes_done;
            if done != last.0 {
                last = (done, Instant::now());
                continue;
            }
            let allowed = if done == length {
                self.job.timeout.max(SHORTEST_ANSWER_WAIT)
            } else {
                self.job.timeout
            };
            if last.1.elapsed() >= allowed {
                return Error::Stall {
                    what: (&self.job.what).into(),
                    seconds: allowed.as_secs_f64(),
                };
            }
        }
    }
}

type Pieces = Arc<Mutex<mpsc::Receiver<Result<Piece>>>>;

fn body(
    length: u64,
    feed: &Pieces,
    failed: &Arc<Mutex<Option<Error>>>,
    progress: &Arc<Progress>,
    started: &Arc<AtomicBool>,
) -> BodyStream {
    let (feed, failed) = (Arc::clone(feed), Arc::clone(failed));
    let (progress, started) = (Arc::clone(progress), Arc::clone(started));
    let next = move |cx: &mut Context<'_>| {
        started.store(true, Ordering::Relaxed);
        if progress.snapshot().bytes_done >= length {
            return Poll::Ready(None);
        }
        let piece = feed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .poll_recv(cx);
        piece.map(|piece| match piece {
            Some(Ok(Piece::Data(bytes))) => {
                progress.add(bytes.len() as u64);
                Some(Ok(bytes))
            }
            Some(Ok(Piece::End(_))) | None => Some(Err(BodyAborted)),
            Some(Err(error)) => {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Some(Err(BodyAborted))
            }
        })
    };
    BodyStream {
        length,
        next: Box::new(next),
    }
}

/// The reader's closing message, which follows the last byte.
async fn digest_of(feed: &Pieces, what: &str) -> Result<String> {
    let end = std::future::poll_fn(|cx| {
        feed.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .poll_recv(cx)
    })
    .await;
    match end {
        Some(Ok(Piece::End(digest))) => Ok(digest),
        Some(Err(error)) => Err(error),
        Some(Ok(Piece::Data(_))) => Err(Error::Protocol {
            what: what.into(),
            reason: "the server answered before it had the whole body".into(),
        }),
        None => Err(Error::internal("the reader ends with a digest")),
    }
}
