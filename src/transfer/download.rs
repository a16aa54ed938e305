//! One GET of one device into one sink: stream, digest and write in one pass, in one task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use tokio_util::sync::CancellationToken;

use super::attempt::{self, Exchange, Reached, Verb};
use super::format::{Depth, DiskCheck, Format};
use super::limit::Limit;
use super::pace::Pace;
use super::pairing::Pairing;
use super::progress::Progress;
use super::{Comparison, Completed, Job, LeaseServer, Moved, Verified, Way};
use crate::error::{Error, Failure, Result, Step};
use crate::http::{Body, Connection, Request, Response, is_page};
use crate::io::{Digests, Sink};
use crate::vmdk::Flaw;

/// A download, ready to run.
#[derive(Debug)]
pub struct Download {
    /// The device and how to reach it.
    pub job: Job,
    /// What the stream must be.
    pub format: Format,
    /// How closely a disk is looked at.
    pub depth: Depth,
    /// More than this is a server that never ends.
    pub limit: Option<Limit>,
    /// `DeviceUrl.fileSize` of a file other than a disk.
    pub file_size: Option<u64>,
}

/// Of a sink that cannot forget what was written.
const STAYS: &str = "not repeated, since the target cannot go back to where the download began";

impl Download {
    /// Runs to the end. The sink is committed or discarded when this returns.
    pub async fn run(
        self,
        mut sink: Box<dyn Sink>,
        server: &impl LeaseServer,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Completed, Failure> {
        // One that is cancelled meanwhile ends below.
        tokio::select! {
            biased;
            () = cancel.cancelled() => (),
            () = sink.turn() => (),
        }
        let started = Instant::now();
        let mut get = Get {
            download: &self,
            sink,
            server,
            progress,
            reached: Reached::nothing(),
        };
        match attempt::run(&mut get, self.job.retry, cancel).await {
            Ok(done) => Ok(Completed::new(done, progress, started)),
            Err(failed) => Err(Failure {
                files_left: get.sink.discard().await,
                note: failed.stays.then_some(STAYS),
                ..failed.of_transfer(&self.job.key, progress)
            }),
        }
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

    fn flaw(&self, flaw: Flaw, seen: u64) -> Error {
        let what = self.job.what.to_string();
        match flaw {
            Flaw::Format(reason) => Error::DiskFormat {
                what: what.into(),
                reason: reason.into(),
            },
            Flaw::Damaged(reason) => Error::DamagedDisk {
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

/// A download while it runs.
struct Get<'a, S> {
    /// What is asked for; the same in each attempt.
    download: &'a Download,
    /// Where the bytes go. It goes back to its begin for another attempt.
    sink: Box<dyn Sink>,
    /// Who knows the manifest, and whether the lease is lost.
    server: &'a S,
    /// Counts for those that watch.
    progress: &'a Progress,
    /// How far this attempt has come: it decides whether another one helps.
    reached: Reached,
}

impl<S: LeaseServer> Exchange for Get<'_, S> {
    type Done = (Moved, Verified);

    fn verb(&self) -> Verb {
        Verb::Get
    }

    fn begin(&mut self) {
        self.progress.start_attempt();
        self.reached = Reached::nothing();
    }

    async fn attempt(&mut self, connection: Connection) -> Result<(Moved, Verified)> {
        let download = self.download;
        let mut response = self.request(connection).await?;
        if let Some(total) = response.content_length() {
            download.check_limit(total)?;
            self.progress.set_total(total);
        }
        // What the answer says of itself counts; a fileSize may be nonsense.
        if let Some(size) = response.content_length().or(download.file_size) {
            self.sink.expect(size)?;
        }
        self.reached.step = Step::Body;
        let mut digests = download.job.digests();
        let rule = download.format.rule();
        let mut check = rule.map(|rule| DiskCheck::new(rule, download.depth));
        let bytes = self
            .stream(&mut response, &mut digests, check.as_mut())
            .await?;
        if let Some(check) = &mut check {
            check.finish().map_err(|flaw| download.flaw(flaw, bytes))?;
        }
        let mut moved = Moved {
            key: download.job.key.clone(),
            what: Arc::clone(&download.job.what),
            bytes,
            file_checksum: digests.also(),
            checksum: digests.first(),
            checksum_type: download.job.checksum_type,
            content: check.as_ref().and_then(DiskCheck::content),
            way: Way::Here,
        };
        self.reached.step = Step::Verify;
        self.reached.is_moved = true;
        let verified = self.verify(&mut moved).await?;
        self.reached.is_moved = false;
        let listed = verified == Verified::Manifest;
        if !listed {
            let head = check.as_ref().map(|check| check.stream().head());
            download.refuse_page(head.unwrap_or_default())?;
        }
        if !(listed && response.is_framed()) {
            let is_disk = check.as_ref().is_some_and(|check| check.stream().is_disk());
            let proved = listed || is_disk || response.is_framed();
            download.check_size(&moved, proved)?;
        }
        Ok((moved, verified))
    }

    async fn commit(&mut self) -> Result<()> {
        self.reached.step = Step::Commit;
        self.sink.commit().await
    }

    async fn stop(&mut self) -> Reached {
        self.reached
    }

    fn can_restart(&self) -> bool {
        self.sink.is_repeatable()
    }

    async fn restart(&mut self) -> Result<()> {
        self.sink.restart().await
    }

    async fn still_ready(&mut self) -> Result<()> {
        self.server.still_ready().await
    }

    fn say(&self, error: &Error, delay: Duration) {
        self.download.job.say_again(error, delay);
    }
}

impl<S: LeaseServer> Get<'_, S> {
    /// Compares with the manifest. Where that lists only a sum of another type, what was written is
    /// read once more for it, if it can be and the sum is not at hand.
    async fn verify(&mut self, moved: &mut Moved) -> Result<Verified> {
        let needed = match self.server.compare(moved).await? {
            Comparison::Done(verified) => return Ok(verified),
            Comparison::Needs(checksum_type) => checksum_type,
        };
        let job = &self.download.job;
        let at_hand = match &job.file_sum {
            Some(file_sum) if file_sum.checksum_type() == needed => moved.file_checksum.clone(),
            _ => None,
        };
        let checksum = match at_hand {
            Some(checksum) => Some(checksum),
            None => self.sink.digest(needed).await?,
        };
        if let Some(checksum) = checksum {
            moved.checksum = checksum;
            moved.checksum_type = needed;
        }
        self.server.verify(moved).await
    }

    async fn request(&mut self, connection: Connection) -> Result<Response> {
        let job = &self.download.job;
        let request = Request {
            method: Method::GET,
            url: job.url.clone(),
            headers: job.headers.clone(),
            body: Body::Empty,
            what: Arc::clone(&job.what),
            connection,
        };
        let head = tokio::time::timeout(job.timeout, job.client.send(request));
        let response = head
            .await
            .map_err(|_| Error::stall(&job.what, 0, job.timeout))??
            .checked()?;
        self.reached.step = Step::Headers;
        match response.status() {
            200 => Ok(response),
            _ => Err(response.into_status_error().await),
        }
    }

    /// Returns how many bytes came.
    async fn stream(
        &mut self,
        response: &mut Response,
        digests: &mut Digests,
        mut check: Option<&mut DiskCheck>,
    ) -> Result<u64> {
        let (download, mut bytes) = (self.download, 0);
        let pairing = Pairing::new(digests);
        let mut pace = Pace::new(download.job.timeout);
        loop {
            let chunk = pace.next(&download.job.what, response).await;
            if let Some(moved) = pace.last_moved() {
                self.reached.last_moved = moved;
            }
            let Some(chunk) = chunk? else {
                return Ok(bytes);
            };
            if let Some(check) = check.as_deref_mut() {
                check
                    .update(&chunk)
                    .map_err(|flaw| download.flaw(flaw, bytes))?;
            }
            pairing.update(digests, &chunk).await;
            let length = chunk.len() as u64;
            pace.hold(&download.job.rate_limits, length).await;
            self.sink.write(chunk).await?;
            bytes = self.progress.add(length);
            download.check_limit(bytes)?;
        }
    }
}
