//! The repetition of one transfer: when to try again, and what the last failure was.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{Completed, Job, LeaseServer, Moved, Verified};
use crate::error::{Again, Error, Failure, Result, Step};
use crate::http::retry::Retries;
use crate::text::said_at;

/// The repetitions of one transfer.
pub(super) struct Repeat<'a, S> {
    job: &'a Job,
    server: &'a S,
    cancel: &'a CancellationToken,
    retries: Retries,
    started: Instant,
    /// Whether bytes were wrong before.
    were_wrong: bool,
}

/// How one attempt ended.
pub(super) struct Broken {
    pub(super) error: Error,
    pub(super) step: Step,
    pub(super) bytes_done: u64,
    pub(super) attempts: u32,
    /// Whether the bytes may be sent or asked for once more at all.
    pub(super) may_repeat: bool,
    /// Time without progress, which counts against the budget.
    pub(super) lost: Duration,
}

impl<'a, S: LeaseServer> Repeat<'a, S> {
    pub(super) fn new(job: &'a Job, server: &'a S, cancel: &'a CancellationToken) -> Self {
        let retries = Retries::new(job.retry);
        Self {
            job,
            server,
            cancel,
            retries,
            started: Instant::now(),
            were_wrong: false,
        }
    }

    /// Runs work unless and until the transfer is cancelled.
    pub(super) async fn guarded<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Error::Cancelled),
            result = work => result,
        }
    }

    pub(super) fn completed(
        &self,
        (moved, verified): (Moved, Verified),
        attempts: u32,
    ) -> Completed {
        Completed {
            moved,
            verified,
            seconds: self.started.elapsed().as_secs_f64(),
            attempts,
        }
    }

    /// Returns when the next attempt is due, or with the failure when there is none.
    pub(super) async fn wait(&mut self, broken: Broken) -> Result<(), Failure> {
        let Broken {
            error,
            step,
            bytes_done,
            attempts,
            may_repeat,
            lost,
        } = broken;
        let worth_it = match error.again() {
            Again::AsAllowed => true,
            Again::Once => !std::mem::replace(&mut self.were_wrong, true),
            Again::Never => false,
        };
        let delay = if may_repeat && worth_it {
            self.retries
                .next(lost, fastrand::f64(), error.retry_after())
        } else {
            None
        };
        let waiting = async {
            // A broken stream may mean that the lease is gone: then that is the error.
            if error.may_mean_lost_lease() {
                self.server.still_ready().await?;
            }
            let Some(delay) = delay else {
                return Err(error);
            };
            said_at!(
                warn,
                self.job.place,
                "{error}; starting it again in {:.1} s",
                delay.as_secs_f64()
            );
            tokio::time::sleep(delay).await;
            Ok(())
        };
        self.guarded(waiting).await.map_err(|error| Failure {
            bytes_done,
            attempts,
            ..Failure::new(&self.job.key, step, error)
        })
    }
}
