//! One POST or PUT of one source, fed by a reader thread, always with a Content-Length.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::attempt::{self, Exchange, Reached, Verb};
use super::file_sum::{Comparing, Computed};
use super::progress::Progress;
use super::sending::Sending;
use super::{Completed, Job, LeaseServer, Moved, SourceCheck, Verified, Way};
use crate::error::{Error, Failure, Result, Step};
use crate::http::{Body, BodyStream, Connection, Request, Response};
use crate::io::{Digests, Source};
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

/// What the host said to the whole of it.
enum Answer {
    /// That it has it.
    Taken,
    /// Nothing, or the same before it had the last byte. The connection was given all of it.
    Doubtful(Error),
}

impl UploadMethod {
    fn verb(self) -> Verb {
        match self {
            Self::Post => Verb::Post,
            Self::Put => Verb::Put,
        }
    }
}

impl Upload {
    /// Runs to the end.
    pub async fn run(
        self,
        source: Box<dyn Source>,
        server: &impl LeaseServer,
        progress: &Arc<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Completed, Failure> {
        let started = Instant::now();
        let mut put = Put {
            upload: &self,
            sending: Sending::new(source.length(), Arc::clone(progress)),
            source,
            server,
            progress,
            end: None,
            verifying: false,
        };
        let done = attempt::run(&mut put, self.job.retry, cancel).await;
        done.map(|done| Completed::new(done, progress, started))
            .map_err(|failed| failed.of_transfer(&self.job.key, progress))
    }

    async fn send(
        &self,
        body: BodyStream,
        connection: Connection,
        sending: &Sending,
    ) -> Result<Answer> {
        let timeout = self.job.timeout;
        let request = self.request(body, connection);
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
        match self.taken(&response, sending).await? {
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

    /// Only the answer is missing: what the manifest lists with this size and checksum is there.
    async fn look_for(
        &self,
        moved: &Moved,
        server: &impl LeaseServer,
        (looks, pause): (u32, Duration),
        doubt: Error,
    ) -> Result<Verified> {
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
        Error::stall(&self.job.what, 0, allowed)
    }
}

/// An upload while it runs.
struct Put<'a, S> {
    /// What is sent; the same in each attempt.
    upload: &'a Upload,
    /// Where the bytes come from. It goes back to its begin for another attempt, if it can.
    source: Box<dyn Source>,
    /// Who knows the manifest, and whether the lease is lost.
    server: &'a S,
    /// Counts for those that watch; each attempt's body gets it.
    progress: &'a Arc<Progress>,
    /// This attempt's body: what the host may have of it.
    sending: Arc<Sending>,
    /// The reader's last word, until it was heard.
    end: Option<oneshot::Receiver<Result<String>>>,
    /// Whether all was sent and the manifest is asked: a failure then is not one of the body.
    verifying: bool,
}

impl<S: LeaseServer> Exchange for Put<'_, S> {
    type Done = (Moved, Verified);

    fn verb(&self) -> Verb {
        self.upload.method.verb()
    }

    fn begin(&mut self) {
        self.progress.start_attempt();
        self.sending = Sending::new(self.source.length(), Arc::clone(self.progress));
        self.end = None;
        self.verifying = false;
    }

    async fn attempt(&mut self, connection: Connection) -> Result<(Moved, Verified)> {
        let upload = self.upload;
        let (mut check, content) = upload.check.begin();
        let (comparing, file_checksum) = Comparing::begin(&upload.job, self.source.length())?;
        let watch = Box::new(move |bytes: &[u8], all: Option<&Digests>| {
            check.update(bytes)?;
            all.map_or(Ok(()), |digests| comparing.compare(digests))
        });
        let (digests, what) = (upload.job.digests(), &upload.job.what);
        let feed = self.source.start(digests, what, Some(watch))?;
        self.end = Some(feed.end);
        let body = self.sending.body(feed.next, upload.job.rate_limits.clone());
        let answer = upload.send(body, connection, &self.sending).await;
        if self.sending.was_cut() {
            self.digest().await?;
        }
        let answer = answer?;
        let moved = Moved {
            key: upload.job.key.clone(),
            what: Arc::clone(what),
            bytes: self.source.length(),
            checksum: self.digest().await?,
            checksum_type: upload.job.checksum_type,
            file_checksum: file_checksum.as_ref().map(Computed::get).transpose()?,
            content: content.get().copied(),
            way: Way::There,
        };
        let verified = match answer {
            Answer::Taken => {
                self.verifying = true;
                self.server.verify(&moved).await?
            }
            Answer::Doubtful(error) => {
                let looks = match connection {
                    Connection::Fresh => LOOKS,
                    // It is sent again at no risk.
                    Connection::Pooled => (1, Duration::ZERO),
                };
                upload.look_for(&moved, self.server, looks, error).await?
            }
        };
        Ok((moved, verified))
    }

    /// The reader lets go of the source when the connection has let go of the body; one that hangs
    /// in the caller's own code is not waited for.
    async fn stop(&mut self) -> Reached {
        self.sending.end();
        if let Some(end) = self.end.take() {
            let _ = tokio::time::timeout(READER_WAIT, end).await;
        }
        Reached {
            step: match () {
                () if self.verifying => Step::Verify,
                () if !self.sending.has_started() => Step::Connect,
                () if !self.sending.is_whole() => Step::Body,
                () => Step::Headers,
            },
            is_touched: self.sending.has_started(),
            is_moved: self.verifying,
            last_moved: self.sending.last_moved(),
        }
    }

    fn can_restart(&self) -> bool {
        self.source.is_repeatable()
    }

    async fn still_ready(&mut self) -> Result<()> {
        self.server.still_ready().await
    }

    fn say(&self, error: &Error, delay: Duration) {
        self.upload.job.say_again(error, delay);
    }
}

impl<S: LeaseServer> Put<'_, S> {
    /// The digest of what was sent, or why the source was not read to its end.
    async fn digest(&mut self) -> Result<String> {
        let (unheard, timeout) = (
            || Error::internal("the reader ends with a digest"),
            self.upload.job.timeout,
        );
        let end = self.end.take().ok_or_else(unheard)?;
        // A pipe may go on without a byte after the last that was announced.
        match tokio::time::timeout(timeout, end).await {
            Ok(end) => end.map_err(|_| unheard())?,
            Err(_) => Err(self.upload.stall(timeout)),
        }
    }
}
