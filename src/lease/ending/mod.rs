//! The ways out: finish (verify, then Complete), abort, and what the script calls itself.

mod answer_lost;

use std::sync::Arc;
use std::time::Duration;

use self::answer_lost::{ASK_AGAIN, AfterComplete};
use super::Lease;
use super::phase::{Event, Phase};
use super::status::fault_text;
use super::transfers::Begun;
use crate::error::{Error, Failure, Result};
use crate::soap::{Abort, Reply, methods};
use crate::text::{Text, said_at};

/// Transfers get this long to remove their partial files and close their connections. With what the
/// caller has waited for them before, an Abort is still answered within 10 seconds.
const CLEANUP: Duration = Duration::from_secs(4);

/// A Complete or Abort that is under way gets this long before an Abort.
const SETTLE: Duration = Duration::from_secs(10);

/// The deadline of an Abort: its failure must not hold up the first error.
const ABORT_CALL: Duration = Duration::from_secs(10);

/// Complete is sent again only when the server still reads `ready`.
const COMPLETE_ATTEMPTS: u32 = 3;

/// Answers to an Abort that nobody needs any more.
const ENDED_BEFORE: [&str; 3] = ["Timedout", "InvalidState", "ManagedObjectNotFound"];

/// How an abort of ours ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// The server took it.
    Aborted,
    /// It was sent or tried, and failed; the server releases the lease after its timeout.
    AbortFailed(Error),
    /// The server had ended the lease before.
    Lost,
    /// The lease was ended before, by us or by the script.
    Untouched,
}

/// Why a lease could not be finished.
#[derive(Debug)]
pub enum Unfinished {
    /// A transfer that nobody looked at had failed.
    Transfer(Arc<Failure>),
    /// The lease itself.
    Lease(Error),
}

impl From<Error> for Unfinished {
    fn from(error: Error) -> Self {
        Self::Lease(error)
    }
}

impl Lease {
    /// Waits for all transfers, compares all sums once more, and sends Complete.
    pub async fn finish(self: &Arc<Self>) -> Result<(), Unfinished> {
        loop {
            self.tracker.wait().await;
            if let Some(ended) = self.ended_before() {
                return ended.map_err(Unfinished::from);
            }
            if let Some(failure) = self.unseen_failure() {
                return Err(Unfinished::Transfer(failure));
            }
            if self.cancel.is_cancelled() {
                return Err(self.status().cause.unwrap_or(Error::Cancelled).into());
            }
            self.be_ready().await?;
            let verified = self.verify_all().await;
            verified.map_err(|error| self.lost_instead(error))?;
            match self.begin_end(Event::Complete) {
                // Another thread started one while the sums were compared.
                Begun::StillMoving => {}
                Begun::Yes => return Ok(self.complete().await?),
                Begun::Refused => return Ok(self.info_if_ready().map(|_| ())?),
            }
        }
    }

    /// How it was ended before its finish: by the script itself, to which what it cancelled thereby is
    /// no news, or by what the block cannot know of.
    fn ended_before(&self) -> Option<Result<()>> {
        let status = self.status();
        match status.phase {
            Phase::Completed | Phase::HandedOn => Some(Ok(())),
            Phase::Aborted => Some(match status.cause {
                Some(cause @ (Error::SessionExpired { .. } | Error::Cancelled)) => Err(cause),
                _ => Ok(()),
            }),
            _ => None,
        }
    }

    /// An Abort that the block of the lease did not ask for: whoever works with the lease, and the end
    /// of the block, are told this cause.
    pub async fn abort_from_outside(self: &Arc<Self>, why: Abort, cause: Error) -> Ended {
        self.status.send_if_modified(|status| {
            status.cause.get_or_insert(cause);
            false
        });
        self.abort(why).await
    }

    /// Leaves the lease to somebody else, who renews and ends it. No transfer may run.
    pub async fn detach(self: &Arc<Self>) -> Result<(), Unfinished> {
        if let Some(failure) = self.unseen_failure() {
            return Err(Unfinished::Transfer(failure));
        }
        let phase = self.status().phase.as_str();
        let hint = match self.begin_end(Event::Detach) {
            Begun::Yes => {
                self.stop_keep_alive().await;
                return Ok(());
            }
            Begun::StillMoving => {
                "a transfer of it still runs: wait for its result, or cancel it, then detach"
            }
            Begun::Refused => {
                self.info_if_ready()?;
                "it cannot be handed on"
            }
        };
        let hint = hint.into();
        Err(Unfinished::Lease(Error::LeaseState { state: phase, hint }))
    }

    /// A Complete of a lease that initializes is refused, and the lease would be held for ever after.
    async fn be_ready(&self) -> Result<()> {
        if self.status().phase == Phase::Initializing {
            self.refresh().await?;
        }
        match self.info_if_ready()? {
            Some(_) => Ok(()),
            None => Err(Error::LeaseInit {
                reason: "its block was left before it was ready; call wait_ready() in the block"
                    .into(),
                fault: None,
            }),
        }
    }

    async fn complete(self: &Arc<Self>) -> Result<()> {
        self.stop_keep_alive().await;
        // The last Progress may have learnt that the server has ended it.
        if self.status().phase != Phase::Completing {
            return self.info_if_ready().map(|_| ());
        }
        let (mut attempt, mut unanswered) = (1, false);
        loop {
            let Err(error) = self.remote.complete().await else {
                self.apply(Event::CompleteTaken, None);
                return Ok(());
            };
            unanswered |= !matches!(error, Error::Fault(_));
            if unanswered {
                match self.after_complete(&ASK_AGAIN).await {
                    AfterComplete::Taken => {
                        self.apply(Event::CompleteTaken, None);
                        return Ok(());
                    }
                    AfterComplete::Held if attempt < COMPLETE_ATTEMPTS => {
                        attempt = attempt.saturating_add(1);
                        continue;
                    }
                    _ => {}
                }
            }
            let error = self.complete_failed(error);
            self.abort_if_given_up(&error.to_string()).await;
            return Err(error);
        }
    }

    /// Who wanted the Abort has found the Complete under way, and waits for it no more.
    async fn abort_if_given_up(self: &Arc<Self>, why: &str) {
        if self.cancel.is_cancelled() && self.status().phase.is_held() {
            let reason = why.to_owned();
            self.abort(Abort { reason }).await;
        }
    }

    fn complete_failed(&self, error: Error) -> Error {
        if self.observe_fault(&error) {
            return self.status().cause.unwrap_or(error);
        }
        self.apply(Event::CompleteRefused, None);
        match error {
            Error::Fault(fault) => Error::LeaseComplete {
                reason: fault_text(&fault),
                fault: Some(fault),
                cause: None,
            },
            other => Error::LeaseComplete {
                reason: Text::of(&other),
                fault: None,
                cause: Some(Arc::new(other)),
            },
        }
    }

    /// Cancels every transfer, waits for their clean-up, and sends one Abort while the lease is held.
    pub async fn abort(self: &Arc<Self>, cause: Abort) -> Ended {
        self.quiesce().await;
        self.settle().await;
        let before = self.status().phase;
        if !self.apply(Event::Abort, None) {
            return if before == Phase::Gone {
                Ended::Lost
            } else {
                Ended::Untouched
            };
        }
        let sent = tokio::time::timeout(ABORT_CALL, self.remote.abort(&cause)).await;
        self.apply(Event::AbortSent, None);
        let error = match sent {
            Ok(Ok(())) => return Ended::Aborted,
            Ok(Err(error)) => error,
            Err(_) => Error::WaitTimeout {
                what: methods::ABORT.into(),
                seconds: ABORT_CALL.as_secs_f64(),
            },
        };
        if let Error::Fault(fault) = &error
            && ENDED_BEFORE.contains(&fault.name.as_str())
        {
            return Ended::Lost;
        }
        let after = self.status().info.map_or_else(
            || "its leaseTimeout has passed".to_owned(),
            |info| format!("its leaseTimeout ({} s) has passed", info.lease_timeout),
        );
        said_at!(
            error,
            self.place(),
            "{}: HttpNfcLeaseAbort failed: {error}; the server holds it until {after}",
            self.label()
        );
        Ended::AbortFailed(error)
    }

    /// Stops transfers and keep-alive, and waits for both within a bound.
    async fn quiesce(&self) {
        self.cancel.cancel();
        let _ = tokio::time::timeout(CLEANUP, self.tracker.wait()).await;
        self.stop_keep_alive().await;
    }

    /// A Complete or Abort that is under way decides first.
    async fn settle(&self) {
        let mut status = self.status.subscribe();
        let settled =
            status.wait_for(|status| !matches!(status.phase, Phase::Completing | Phase::Aborting));
        let _ = tokio::time::timeout(SETTLE, settled).await;
    }

    /// The script's own Complete: one call, sent whatever we believe of the lease.
    pub async fn script_complete(self: &Arc<Self>, envelope: Vec<u8>) -> Result<Reply> {
        self.refuse_amid_our_abort()?;
        let legal = self.apply(Event::Complete, None);
        self.stop_keep_alive().await;
        let reply = self.invoke(methods::COMPLETE, envelope).await;
        if legal {
            let taken = match &reply {
                Ok(reply) => reply.status == 200,
                // What comes out is as pyvmomi has it; that the lease has ended is known.
                Err(_) => self.after_complete(&ASK_AGAIN[..1]).await == AfterComplete::Taken,
            };
            self.apply(
                if taken {
                    Event::CompleteTaken
                } else {
                    Event::CompleteRefused
                },
                None,
            );
            if !taken {
                // Refused as too early, or because someone else has ended it?
                let _ = self.refresh().await;
                self.abort_if_given_up("its Complete was refused").await;
                if self.status().phase.is_held() {
                    self.start_keep_alive()?;
                }
            }
        }
        reply
    }

    /// A call of the script that our own Abort has overtaken would be a second ending.
    fn refuse_amid_our_abort(&self) -> Result<()> {
        match self.status().phase {
            phase @ Phase::Aborting => Err(Error::LeaseState {
                state: phase.as_str(),
                hint: "it is ended already".into(),
            }),
            _ => Ok(()),
        }
    }

    /// The script's own Abort: transfers are cancelled first, then one call.
    pub async fn script_abort(self: &Arc<Self>, envelope: Vec<u8>) -> Result<Reply> {
        self.refuse_amid_our_abort()?;
        let legal = self.apply(Event::Abort, None);
        self.quiesce().await;
        let reply = self.invoke(methods::ABORT, envelope).await;
        if legal {
            self.apply(Event::AbortSent, None);
        }
        reply
    }
}
