//! One GET of one device into one sink: stream, digest and write in one pass, in one task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use tokio_util::sync::CancellationToken;

use super::pace::Pace;
use super::progress::Progress;
use super::{Completed, Job, LeaseServer, Moved, Verified};
use crate::error::{Error, Failure, Result};
use crate::http::retry::Retries;
use crate::http::{Body, Request, Response};
use crate::io::{Digest, Sink};
use crate::vmdk::{Flaw, StreamCheck};

/// What the stream must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A disk: header, footer and end-of-stream marker of a streamOptimized VMDK.
    StreamOptimized,
    /// Anything.
    Any,
}

/// A download, ready to run.
#[derive(Debug)]
pub struct Download {
    /// The device and how to reach it.
    pub job: Job,
    /// What the stream must be.
    pub format: Format,
    /// More than this is a server that never ends.
    pub limit: Option<u64>,
}

/// What one attempt has come to.
struct Attempt {
    phase: &'static str,
    bytes: u64,
    last_progress: Instant,
    retry_after: Option<Duration>,
}

impl Download {
    /// Runs to the end. The sink is committed or discarded when this returns.
    pub async fn run(
        self,
        mut sink: Box<dyn Sink>,
        server: &impl LeaseServer,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Completed, Failure> {
        let started = Instant::now();
        let mut retries = Retries::new(self.job.retry);
        let mut bad_sums = 0;
        loop {
            let attempts = progress.start_attempt();
            let mut attempt = Attempt {
                phase: "connect",
                bytes: 0,
                last_progress: Instant::now(),
                retry_after: None,
            };
            let result = tokio::select! {
                biased;
                () = cancel.cancelled() => Err(Error::Cancelled),
                result = self.attempt(sink.as_mut(), server, progress, &mut attempt) => result,
            };
            let error = match result {
                Ok((moved, verified)) => {
                    progress.finish();
                    return Ok(Completed {
                        moved,
                        verified,
                        seconds: started.elapsed().as_secs_f64(),
                        attempts,
                    });
                }
                Err(error) => error,
            };
            bad_sums += u32::from(error.is_integrity());
            let again = async {
                let error = still_worth_it(error, server).await?;
                let delay = retries.next(
                    attempt.last_progress.elapsed(),
                    fastrand::f64(),
                    attempt.retry_after,
                );
                let Some(delay) = delay.filter(|_| bad_sums < 2 && error.is_retryable()) else {
                    return Err(error);
                };
                tracing::warn!("{error}; starting it again in {:.1} s", delay.as_secs_f64());
                tokio::time::sleep(delay).await;
                sink.restart()
            };
            let again = tokio::select! {
                biased;
                () = cancel.cancelled() => Err(Error::Cancelled),
                again = again => again,
            };
            if let Err(error) = again {
                let failure = Failure {
                    error,
                    phase: attempt.phase,
                    disk_key: self.job.key.clone(),
                    bytes_done: attempt.bytes,
                    attempts,
                    files_left: sink.discard(),
                };
                return Err(failure);
            }
        }
    }

    async fn attempt(
        &self,
        sink: &mut dyn Sink,
        server: &impl LeaseServer,
        progress: &Progress,
        attempt: &mut Attempt,
    ) -> Result<(Moved, Verified)> {
        let mut response = self.request(attempt).await?;
        if let Some(total) = response.content_length() {
            self.check_limit(total)?;
            progress.set_total(total);
        }
        attempt.phase = "body";
        let mut digest = Digest::new(self.job.checksum_type);
        let mut check = (self.format == Format::StreamOptimized).then(StreamCheck::default);
        self.stream(
            &mut response,
            sink,
            &mut digest,
            check.as_mut(),
            progress,
            attempt,
        )
        .await?;
        if let Some(check) = &check {
            check
                .finish()
                .map_err(|flaw| self.flaw(flaw, attempt.bytes))?;
        }
        let moved = Moved {
            key: self.job.key.clone(),
            what: Arc::clone(&self.job.what),
            bytes: attempt.bytes,
            checksum: digest.finish(),
            checksum_type: self.job.checksum_type,
        };
        attempt.phase = "verify";
        let verified = server.verify(&moved).await?;
        if verified == Verified::Stream && check.is_none() && !response.is_framed() {
            return Err(Error::Truncated {
                what: moved.what.to_string(),
                seen: moved.bytes,
                reason:
                    "neither a length, a last chunk nor a manifest entry proves that this is all"
                        .into(),
            });
        }
        attempt.phase = "commit";
        sink.commit()?;
        Ok((moved, verified))
    }

    async fn request(&self, attempt: &mut Attempt) -> Result<Response> {
        let request = Request {
            method: Method::GET,
            url: self.job.url.clone(),
            headers: self.job.headers.clone(),
            body: Body::Empty,
            what: Arc::clone(&self.job.what),
        };
        let head = tokio::time::timeout(self.job.timeout, self.job.client.send(request));
        let response = head.await.map_err(|_| self.stall())??.checked()?;
        attempt.phase = "headers";
        if response.status() == 200 {
            return Ok(response);
        }
        attempt.retry_after = response.retry_after();
        let (status, phrase) = (response.status(), response.reason());
        let text = tokio::time::timeout(Duration::from_secs(2), response.excerpt())
            .await
            .unwrap_or_default();
        Err(Error::HttpStatus {
            what: self.job.what.to_string(),
            status,
            reason: format!("{phrase} {text}").trim().to_owned(),
        })
    }

    async fn stream(
        &self,
        response: &mut Response,
        sink: &mut dyn Sink,
        digest: &mut Digest,
        mut check: Option<&mut StreamCheck>,
        progress: &Progress,
        attempt: &mut Attempt,
    ) -> Result<()> {
        let mut pace = Pace::new(self.job.timeout);
        loop {
            let asked = Instant::now();
            let chunk = tokio::time::timeout(self.job.timeout, response.chunk())
                .await
                .map_err(|_| self.stall())??;
            let Some(chunk) = chunk else { return Ok(()) };
            attempt.last_progress = Instant::now();
            if !pace.keeps_up(attempt.last_progress - asked, chunk.len() as u64) {
                return Err(self.stall());
            }
            if let Some(check) = check.as_deref_mut() {
                check
                    .update(&chunk)
                    .map_err(|flaw| self.flaw(flaw, attempt.bytes))?;
            }
            digest.update(&chunk);
            sink.write(&chunk)?;
            attempt.bytes = progress.add(chunk.len() as u64);
            self.check_limit(attempt.bytes)?;
        }
    }

    fn check_limit(&self, seen: u64) -> Result<()> {
        match self.limit {
            Some(allowed) if seen > allowed => Err(Error::LimitExceeded {
                what: self.job.what.to_string(),
                limit: "size of the stream",
                allowed,
                seen,
            }),
            _ => Ok(()),
        }
    }

    fn stall(&self) -> Error {
        Error::Stall {
            what: self.job.what.to_string(),
            seconds: self.job.timeout.as_secs_f64(),
        }
    }

    fn flaw(&self, flaw: Flaw, seen: u64) -> Error {
        let what = self.job.what.to_string();
        match flaw {
            Flaw::Format(reason) => Error::DiskFormat { what, reason },
            Flaw::Cut(reason) => Error::Truncated { what, seen, reason },
        }
    }
}

/// A broken stream may mean that the lease is gone: then that is the error, and no retry helps.
pub(super) async fn still_worth_it(error: Error, server: &impl LeaseServer) -> Result<Error> {
    if error.may_mean_lost_lease() {
        server.still_ready().await?;
    }
    Ok(error)
}
