//! The one loop of attempts: a request is made until it goes well, or until no other is worth it.
//!
//! The verb says what may be done twice, the error whether that may help, and the policy how often
//! and how long. What one attempt does is its [`Exchange`]'s. Only a stretch of a remote file is not
//! begun again but taken up where it broke (`remote/pump.rs`), by the same [`Retries`].

use std::future::Future;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::progress::{Progress, Snapshot};
use crate::error::{Again, Error, Failure, Result, Step};
use crate::http::Connection;
use crate::http::retry::{Retries, RetryPolicy};

/// What a request does to the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Changes nothing, and brings a file.
    Get,
    /// Replaces a whole file by what is sent.
    Put,
    /// Adds to a disk: what has come of it stays.
    Post,
    /// A call that changes nothing.
    Ask,
}

impl Verb {
    /// Whether it may be made again when the other end has seen some of it.
    fn is_idempotent(self) -> bool {
        match self {
            Self::Get | Self::Put | Self::Ask => true,
            Self::Post => false,
        }
    }

    /// Whether wrong bytes may be right ones the next time. Those that are sent stay the same.
    fn brings_bytes(self) -> bool {
        self == Self::Get
    }

    /// Whether another attempt does no harm. How often it may help is [`Retries::after`]'s to say.
    fn may_repeat(self, reached: &Reached, error: &Error) -> bool {
        match error.again() {
            Again::AsAllowed => !reached.is_moved && (self.is_idempotent() || !reached.is_touched),
            Again::Once => self.brings_bytes(),
            Again::Never => false,
        }
    }
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached {
    /// What it was at, for the caller's error.
    pub(crate) step: Step,
    /// Whether the other end may have seen some of the body.
    pub(crate) is_touched: bool,
    /// Whether all bytes have moved and only the server's word on them is missing, for which they
    /// need not move once more.
    pub(crate) is_moved: bool,
    /// When the last bytes moved, or when it began: time without progress counts against the
    /// policy, whatever the verb.
    pub(crate) last_moved: Instant,
}

impl Reached {
    /// Nothing yet.
    pub(crate) fn nothing() -> Self {
        Self {
            step: Step::Connect,
            is_touched: false,
            is_moved: false,
            last_moved: Instant::now(),
        }
    }
}

/// What is attempted.
pub(crate) trait Exchange: Send {
    /// What it brings.
    type Done: Send;

    /// What it does to the other end.
    fn verb(&self) -> Verb;
    /// Forgets the attempt before.
    fn begin(&mut self);
    /// One attempt.
    fn attempt(
        &mut self,
        connection: Connection,
    ) -> impl Future<Output = Result<Self::Done>> + Send;
    /// Makes what an attempt brought the caller's. Once begun, it is not given up half-way.
    fn commit(&mut self) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }
    /// Lets go of what a failed attempt held, and says how far that had come.
    fn stop(&mut self) -> impl Future<Output = Reached> + Send;
    /// Whether the local end can go back to where it began.
    fn can_restart(&self) -> bool {
        true
    }
    /// Takes it there.
    fn restart(&mut self) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }
    /// Why the lease is lost, where it is.
    fn still_ready(&mut self) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }
    /// Logs that there will be another attempt.
    fn say(&self, error: &Error, delay: Duration);
}

/// The last attempt.
#[derive(Debug)]
pub(crate) struct Failed {
    /// Its error, or that of the lease where that is lost.
    pub(crate) error: Error,
    /// What it was at, for the caller's error.
    step: Step,
    /// The other end has some of what cannot be sent to it once more.
    is_spoilt: bool,
    /// It was not repeated, since the local end cannot go back.
    pub(super) stays: bool,
}

impl Failed {
    /// With what is known of a transfer.
    pub(super) fn of_transfer(self, key: &str, progress: &Progress) -> Failure {
        let Snapshot {
            bytes_done,
            attempts,
            ..
        } = progress.snapshot();
        Failure {
            bytes_done,
            attempts,
            spoilt: self.is_spoilt,
            ..Failure::new(key, self.step, self.error)
        }
    }
}

/// Makes attempts to the first that goes well or the last that is worth it.
pub(crate) async fn run<E: Exchange>(
    exchange: &mut E,
    policy: RetryPolicy,
    cancel: &CancellationToken,
) -> Result<E::Done, Failed> {
    run_by(exchange, policy, cancel, tokio::time::sleep).await
}

/// The same by a clock of the caller's.
async fn run_by<E: Exchange, S: Future<Output = ()> + Send>(
    exchange: &mut E,
    policy: RetryPolicy,
    cancel: &CancellationToken,
    sleep: impl Fn(Duration) -> S + Send + Sync,
) -> Result<E::Done, Failed> {
    let (verb, mut retries) = (exchange.verb(), Retries::new(policy));
    loop {
        exchange.begin();
        // What cannot be repeated goes over no connection of which nobody knows how it is.
        let pooled = verb.is_idempotent() && exchange.can_restart() && retries.are_left();
        let connection = if pooled {
            Connection::Pooled
        } else {
            Connection::Fresh
        };
        // Boxed: it is large, and would be a part of each future around it.
        let work = Box::pin(exchange.attempt(connection));
        let error = match unless(cancel, work).await {
            Ok(done) => match exchange.commit().await {
                Ok(()) => return Ok(done),
                Err(error) => error,
            },
            Err(error) => error,
        };
        let reached = exchange.stop().await;
        let may_repeat = verb.may_repeat(&reached, &error);
        let can_restart = exchange.can_restart();
        let failed = |error| Failed {
            error,
            step: reached.step,
            is_spoilt: reached.is_touched && !verb.is_idempotent(),
            stays: may_repeat && !can_restart,
        };
        let lost = reached.last_moved.elapsed();
        let delay = (may_repeat && can_restart)
            .then(|| retries.after(&error, lost))
            .flatten();
        let waiting = async {
            let delay = due(exchange, error, delay).await?;
            sleep(delay).await;
            Ok(())
        };
        unless(cancel, waiting).await.map_err(failed)?;
        exchange.restart().await.map_err(|error| Failed {
            error,
            step: Step::Body,
            is_spoilt: false,
            stays: false,
        })?;
    }
}

/// When the next attempt is due, or the error if none is left.
async fn due<E: Exchange>(
    exchange: &mut E,
    error: Error,
    delay: Option<Duration>,
) -> Result<Duration> {
    // A broken stream may mean that the lease is gone: then that is the error.
    if error.may_mean_lost_lease() {
        exchange.still_ready().await?;
    }
    let Some(delay) = delay else {
        return Err(error);
    };
    exchange.say(&error, delay);
    Ok(delay)
}

async fn unless<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::Cancelled),
        result = work => result,
    }
}

#[cfg(test)]
mod tests;
