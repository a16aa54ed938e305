//! One GET of one device into one sink: stream, digest and write in one pass, in one task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use tokio_util::sync::CancellationToken;

use super::pace::Pace;
use super::progress::Progress;
use super::repeat::{Broken, Repeat};
use super::{Completed, Job, LeaseServer, Moved, Verified, Way};
use crate::error::{Again, Error, Failure, Result, Step};
use crate::http::client::is_page;
use crate::http::{Body, Connection, Request, Response};
use crate::io::{Digest, Sink};
use crate::vmdk::{Flaw, Rule, StreamCheck};

/// What the stream must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A disk: header, footer and end-of-stream marker of a streamOptimized VMDK.
    StreamOptimized,
    /// The same if its first bytes are those of a disk: the server did not say what it is.
    Unknown,
    /// No disk, as the server says.
    File,
    /// Anything, as the user says.
    Any,
}

impl Format {
    /// When a stream of this format has to be a whole disk; `None`: nothing is looked at.
    pub(super) fn rule(self) -> Option<Rule> {
        match self {
            Self::StreamOptimized => Some(Rule::Always),
            Self::Unknown => Some(Rule::WhenItStartsSo),
            Self::File => Some(Rule::Never),
            Self::Any => None,
        }
    }
}

/// The most that a stream may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// So many bytes.
    pub bytes: u64,
    /// What it limits, and how it is raised.
    pub name: &'static str,
}

impl Limit {
    /// By what the lease says of the size. An export's stream is compressed and cannot be much
    /// larger than the disks; where nothing is said, `unannounced` is the most.
    pub fn new(announced: u64, unannounced: u64) -> Self {
        if announced == 0 {
            return Self {
                bytes: unannounced,
                name: "size of a stream whose size the lease does not say (max_unannounced_size)",
            };
        }
        let headroom = (announced / 20).saturating_add(HEADROOM_BYTES);
        Self {
            bytes: announced.saturating_add(headroom),
            name: "size of the stream",
        }
    }
}

/// A download, ready to run.
#[derive(Debug)]
pub struct Download {
    /// The device and how to reach it.
    pub job: Job,
    /// What the stream must be.
    pub format: Format,
    /// More than this is a server that never ends.
    pub limit: Option<Limit>,
    /// `DeviceUrl.fileSize` of a file other than a disk.
    pub file_size: Option<u64>,
}

/// A small disk's stream has its tables too.
const HEADROOM_BYTES: u64 = 64 * 1024 * 1024;

/// Of a sink that cannot forget what was written.
const STAYS: &str = "not repeated, since the target cannot go back to where the download began";

/// How one attempt ended.
struct Attempt {
    step: Step,
    bytes: u64,
    last_progress: Instant,
    /// Not when all bytes are here and only the manifest could not be had.
    may_repeat: bool,
    connection: Connection,
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
        let mut repeat = Repeat::new(&self.job, server, cancel);
        loop {
            let attempts = progress.start_attempt();
            let mut attempt = Attempt {
                step: Step::Connect,
                bytes: 0,
                last_progress: Instant::now(),
                may_repeat: true,
                connection: if attempts <= self.job.retry.max_retries {
                    Connection::Pooled
                } else {
                    Connection::Fresh
                },
            };
            let work = self.attempt(sink.as_mut(), server, progress, &mut attempt);
            let moved = repeat.guarded(work).await;
            let done = match moved {
                Ok(done) => {
                    attempt.step = Step::Commit;
                    // Not given up half-way.
                    sink.commit().await.map(|()| done)
                }
                Err(error) => Err(error),
            };
            let error = match done {
                Ok(done) => {
                    progress.finish();
                    return Ok(repeat.completed(done, attempts));
                }
                Err(error) => error,
            };
            let stays = !sink.is_repeatable();
            let note =
                (stays && attempt.may_repeat && error.again() != Again::Never).then_some(STAYS);
            let broken = Broken {
                error,
                step: attempt.step,
                bytes_done: attempt.bytes,
                attempts,
                may_repeat: attempt.may_repeat && !stays,
                lost: attempt.last_progress.elapsed(),
            };
            let next = repeat.wait(broken).await;
            if let Err(failure) = next {
                return Err(Failure {
                    files_left: sink.discard().await,
                    note,
                    ..failure
                });
            }
            if let Err(error) = sink.restart().await {
                let failure = Failure {
                    attempts,
                    files_left: sink.discard().await,
                    ..Failure::new(&self.job.key, Step::Body, error)
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
        // What the answer says of itself counts; a fileSize may be nonsense.
        if let Some(size) = response.content_length().or(self.file_size) {
            sink.expect(size)?;
        }
        attempt.step = Step::Body;
        let mut digest = Digest::new(self.job.checksum_type);
        let mut check = self.format.rule().map(StreamCheck::new);
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
            way: Way::Here,
        };
        attempt.step = Step::Verify;
        let verified = server.verify(&moved).await;
        attempt.may_repeat = !verified
            .as_ref()
            .is_err_and(|error| error.again() != Again::Once);
        let verified = verified?;
        let listed = verified == Verified::Manifest;
        if !listed {
            self.refuse_page(check.as_ref().map(StreamCheck::head).unwrap_or_default())?;
        }
        if !(listed && response.is_framed()) {
            let is_disk = check.as_ref().is_some_and(StreamCheck::is_disk);
            let proved = listed || is_disk || response.is_framed();
            self.check_size(&moved, proved)?;
        }
        Ok((moved, verified))
    }

    /// Where neither a sum nor a size says what the file is, a page for a browser is refused.
    fn refuse_page(&self, head: &[u8]) -> Result<()> {
        if self.file_size.is_some() || !is_page(head) {
            return Ok(());
        }
        Err(Error::protocol(
            &self.job.what,
            "the host answered 200 with a page in place of the file",
        ))
    }

    /// Where the manifest or the framing leaves a doubt, the announced size decides.
    fn check_size(&self, moved: &Moved, proved: bool) -> Result<()> {
        let what = moved.what.to_string();
        match self.file_size {
            Some(expected) if expected != moved.bytes => Err(Error::SizeMismatch {
                what: what.into(),
                expected,
                actual: moved.bytes,
            }),
            None if !proved => Err(Error::Truncated {
                what: what.into(),
                seen: moved.bytes,
                reason: "neither a length, a last chunk, a fileSize nor the manifest proves that this is all"
                    .into(),
                cause: None,
            }),
            _ => Ok(()),
        }
    }

    async fn request(&self, attempt: &mut Attempt) -> Result<Response> {
        let request = Request {
            method: Method::GET,
            url: self.job.url.clone(),
            headers: self.job.headers.clone(),
            body: Body::Empty,
            what: Arc::clone(&self.job.what),
            connection: attempt.connection,
        };
        let head = tokio::time::timeout(self.job.timeout, self.job.client.send(request));
        let response = head
            .await
            .map_err(|_| self.stall(0, self.job.timeout))??
            .checked()?;
        attempt.step = Step::Headers;
        if response.status() == 200 {
            return Ok(response);
        }
        Err(response.into_status_error().await)
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
                .map_err(|_| self.stall(0, self.job.timeout))??;
            let Some(chunk) = chunk else { return Ok(()) };
            attempt.last_progress = Instant::now();
            if !pace.keeps_up(asked.elapsed(), chunk.len() as u64) {
                let (moved, seconds) = pace.seen();
                return Err(self.stall(moved, seconds));
            }
            if let Some(check) = check.as_deref_mut() {
                check
                    .update(&chunk)
                    .map_err(|flaw| self.flaw(flaw, attempt.bytes))?;
            }
            digest.update(&chunk);
            let length = chunk.len() as u64;
            sink.write(chunk).await?;
            attempt.bytes = progress.add(length);
            self.check_limit(attempt.bytes)?;
        }
    }

    fn check_limit(&self, seen: u64) -> Result<()> {
        match self.limit {
            Some(limit) if seen > limit.bytes => Err(Error::LimitExceeded {
                what: (&self.job.what).into(),
                limit: limit.name,
                allowed: limit.bytes,
                seen,
            }),
            _ => Ok(()),
        }
    }

    fn stall(&self, moved: u64, waited: Duration) -> Error {
        Error::Stall {
            what: (&self.job.what).into(),
            moved,
            seconds: waited.as_secs_f64(),
        }
    }

    fn flaw(&self, flaw: Flaw, seen: u64) -> Error {
        let what = self.job.what.to_string();
        match flaw {
            Flaw::Format(reason) => Error::DiskFormat {
                what: what.into(),
                reason: reason.into(),
            },
            Flaw::Cut(reason) => Error::Truncated {
                what: what.into(),
                seen,
                reason: reason.into(),
                cause: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_decides_and_else_the_caller() {
        assert_eq!(Limit::new(100, 7).bytes, 105 + HEADROOM_BYTES);
        assert_eq!(Limit::new(0, 7).bytes, 7);
        assert!(Limit::new(0, 7).name.contains("max_unannounced_size"));
        assert_eq!(Limit::new(u64::MAX, 7).bytes, u64::MAX);
    }
}
