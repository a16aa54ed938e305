//! One POST or PUT of one source, fed by a reader thread, always with a Content-Length.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::progress::Progress;
use super::repeat::{Broken, Repeat};
use super::sending::Sending;
use super::{Completed, Job, LeaseServer, Moved, SourceCheck, Verified, Way};
use crate::error::{Again, Error, Failure, Result, Step};
use crate::http::{Body, BodyStream, Connection, Request, Response};
use crate::io::Source;
use crate::text::said_at;

/// A reader that is stopped gets this long to let go of the caller's object.
const READER_WAIT: Duration = Duration::from_secs(1);

/// How often the manifest is looked at for a file of which the host did not say that it has it, and
/// the time between: it may still be closing it.
const LOOKS: (u32, Duration) = (3, Duration::from_secs(1));

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

/// One attempt while it runs.
struct Attempt {
    sending: Arc<Sending>,
    /// The reader's last word, until it was heard.
    end: Option<oneshot::Receiver<Result<String>>>,
    connection: Connection,
    verifying: bool,
}

/// What the host said to the whole of it.
enum Answer {
    /// That it has it.
    Taken,
    /// Nothing, or the same before it had the last byte. The connection was given all of it.
    Doubtful(Error),
}

impl Attempt {
    fn step(&self) -> Step {
        match () {
            () if self.verifying => Step::Verify,
            () if !self.sending.has_started() => Step::Connect,
            () if !self.sending.is_whole() => Step::Body,
            () => Step::Headers,
        }
    }

    /// The reader lets go of the source when the connection has let go of the body; one that hangs
    /// in the caller's own code is not waited for.
    async fn reader_stopped(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = tokio::time::timeout(READER_WAIT, end).await;
        }
    }
}

impl Upload {
    /// Runs to the end.
    pub async fn run(
        self,
        mut source: Box<dyn Source>,
        server: &impl LeaseServer,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Completed, Failure> {
        let mut repeat = Repeat::new(&self.job, server, cancel);
        let again = self.method == UploadMethod::Put && source.is_repeatable();
        loop {
            let number = progress.start_attempt();
            let may_repeat = again && number <= self.job.retry.max_retries;
            let mut attempt = Attempt {
                sending: Sending::new(source.length(), Arc::clone(progress)),
                end: None,
                connection: if may_repeat {
                    Connection::Pooled
                } else {
                    Connection::Fresh
                },
                verifying: false,
            };
            let work = self.attempt(source.as_mut(), server, &mut attempt);
            let error = match repeat.guarded(work).await {
                Ok(done) => {
                    progress.finish();
                    return Ok(repeat.completed(done, number));
                }
                Err(error) => error,
            };
            attempt.sending.end();
            attempt.reader_stopped().await;
            // A POST whose body has started may have changed the disk; a PUT overwrites. Bytes
            // that the host has taken are not sent again because the manifest could not be had.
            let untouched = source.is_repeatable() && !attempt.sending.has_started();
            let may_repeat =
                (again || untouched) && error.again() != Again::Once && !attempt.verifying;
            let spoilt = self.method == UploadMethod::Post && attempt.sending.has_started();
            let broken = Broken {
                error,
                step: attempt.step(),
                bytes_done: progress.snapshot().bytes_done,
                attempts: number,
                may_repeat,
                lost: attempt.sending.idle(),
            };
            let failed = repeat.wait(broken).await;
            failed.map_err(|failure| Failure { spoilt, ..failure })?;
        }
    }

    async fn attempt(
        &self,
        source: &mut dyn Source,
        server: &impl LeaseServer,
        attempt: &mut Attempt,
    ) -> Result<(Moved, Verified)> {
        let mut check = self.check.clone();
        let watch = Box::new(move |bytes: &[u8]| check.update(bytes));
        let feed = source.start(self.job.checksum_type, &self.job.what, Some(watch))?;
        attempt.end = Some(feed.end);
        let body = attempt.sending.body(feed.chunks);
        let answer = self.send(body, attempt).await;
        if attempt.sending.was_cut() {
            self.digest(attempt).await?;
        }
        let answer = answer?;
        let moved = Moved {
            key: self.job.key.clone(),
            what: Arc::clone(&self.job.what),
            bytes: source.length(),
            checksum: self.digest(attempt).await?,
            checksum_type: self.job.checksum_type,
            way: Way::There,
        };
        let verified = match answer {
            Answer::Taken => {
                attempt.verifying = true;
                server.verify(&moved).await?
            }
            Answer::Doubtful(error) => self.look_for(&moved, server, attempt, error).await?,
        };
        Ok((moved, verified))
    }

    async fn send(&self, body: BodyStream, attempt: &mut Attempt) -> Result<Answer> {
        let (timeout, sending) = (self.job.timeout, Arc::clone(&attempt.sending));
        let request = self.request(body, attempt.connection);
        let answer = tokio::select! {
            answer = self.job.client.send(request) => answer,
            seconds = sending.stalled(timeout) => Err(self.stall(seconds)),
        };
        let response = match answer {
            Err(error @ (Error::Connect { .. } | Error::Stall { .. }))
                if sending.has_started() && sending.is_whole() =>
            {
                return Ok(Answer::Doubtful(error));
            }
            answer => answer?.checked()?,
        };
        if !matches!(response.status(), 200 | 201) {
            return Err(response.into_status_error().await);
        }
        let mut response = response;
        match self.taken(&response, &sending).await? {
            Answer::Taken if response.is_page().await => Ok(Answer::Doubtful(self.page())),
            answer => Ok(answer),
        }
    }

    /// A host may answer before it has all, and take the rest then: the connection is kept for it.
    async fn taken(&self, _kept: &Response, sending: &Sending) -> Result<Answer> {
        let early = !sending.is_whole();
        tokio::select! {
            biased;
            () = sending.let_go() => {}
            seconds = sending.stalled(self.job.timeout) => return Err(self.stall(seconds)),
        }
        match early {
            false => Ok(Answer::Taken),
            true if sending.is_whole() => Ok(Answer::Doubtful(self.too_early())),
            true => Err(self.too_early()),
        }
    }

    /// What answered was not a host of a lease, unless the manifest lists the file.
    fn page(&self) -> Error {
        Error::protocol(
            &self.job.what,
            "the status of success came with a page, which no host answers to an upload, and \
             the lease manifest does not list the file",
        )
    }

    /// The digest of what was sent, or why the source was not read to its end.
    async fn digest(&self, attempt: &mut Attempt) -> Result<String> {
        let unheard = || Error::internal("the reader ends with a digest");
        let end = attempt.end.take().ok_or_else(unheard)?;
        // A pipe may go on without a byte after the last that was announced.
        match tokio::time::timeout(self.job.timeout, end).await {
            Ok(end) => end.map_err(|_| unheard())?,
            Err(_) => Err(self.stall(self.job.timeout)),
        }
    }

    /// Only the answer is missing: what the manifest lists with this size and checksum is there.
    async fn look_for(
        &self,
        moved: &Moved,
        server: &impl LeaseServer,
        attempt: &Attempt,
        doubt: Error,
    ) -> Result<Verified> {
        let (looks, pause) = match attempt.connection {
            Connection::Fresh => LOOKS,
            // It is sent again at no risk.
            Connection::Pooled => (1, Duration::ZERO),
        };
        for look in 0..looks {
            if look > 0 {
                tokio::time::sleep(pause).await;
            }
            if let Ok(Verified::Manifest) = server.verify(moved).await {
                said_at!(
                    warn,
                    self.job.place,
                    "{doubt}; the manifest lists the whole file, so the host took it"
                );
                return Ok(Verified::Manifest);
            }
        }
        Err(doubt)
    }

    fn request(&self, body: BodyStream, connection: Connection) -> Request {
        let mut headers = self.job.headers.clone();
        let (method, content_type) = match self.method {
            UploadMethod::Post => (Method::POST, "application/x-vnd.vmware-streamVmdk"),
            UploadMethod::Put => {
                let overwrite = HeaderName::from_static("overwrite");
                headers.insert(overwrite, HeaderValue::from_static("t"));
                (Method::PUT, "application/octet-stream")
            }
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Request {
            method,
            url: self.job.url.clone(),
            headers,
            body: Body::Stream(body),
            what: Arc::clone(&self.job.what),
            connection,
        }
    }

    fn too_early(&self) -> Error {
        Error::protocol(
            &self.job.what,
            "the server answered before it had the whole body",
        )
    }

    fn stall(&self, allowed: Duration) -> Error {
        Error::Stall {
            what: (&self.job.what).into(),
            moved: 0,
            seconds: allowed.as_secs_f64(),
        }
    }
}
