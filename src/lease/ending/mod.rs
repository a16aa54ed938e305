//! The ways out: complete (verify, then Complete), detach, and [`abort`].

mod abort;
mod answer_lost;
mod order;

use std::sync::Arc;

pub use self::abort::Ended;
pub(super) use self::answer_lost::{ASK_AGAIN, AfterComplete};
use super::Lease;
use super::phase::{Event, Phase};
use super::status::fault_text;
use super::transfers::Begun;
use crate::error::{Error, Failure, Result};
use crate::text::Text;

/// Complete is sent again only when the server still reads `ready`.
const COMPLETE_ATTEMPTS: u32 = 3;

/// Why a lease could not be completed.
#[derive(Debug)]
pub enum Unfinished {
    /// A transfer had failed, and the caller has not observed it.
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
    pub async fn complete(self: &Arc<Self>) -> Result<(), Unfinished> {
        loop {
            self.transfers.all_ended().await;
            if let Some(ended) = self.ended_before() {
                return ended.map_err(Unfinished::from);
            }
            if let Some(failure) = self.transfers.unobserved_failure() {
                return Err(Unfinished::Transfer(failure));
            }
            if self.transfers.is_stopped() {
                return Err(self.status.cause().unwrap_or(Error::Cancelled).into());
            }
            self.be_ready().await?;
            let verified = self.verify_all().await;
            verified.map_err(|error| self.lost_instead(error))?;
            match self.begin_end(Event::Complete) {
                // Another thread started one while the sums were compared.
                Begun::StillMoving => {}
                Begun::Yes => return Ok(self.send_complete().await?),
                Begun::Refused => return Ok(self.status.info_if_ready().map(|_| ())?),
            }
        }
    }

    /// How it was ended before its Complete: by the script itself, which knows what it
    /// cancelled thereby, or by what it cannot know of.
    fn ended_before(&self) -> Option<Result<()>> {
        let known = self.status.now();
        match known.phase {
            Phase::Completed | Phase::HandedOn => Some(Ok(())),
            Phase::Aborted => Some(match known.cause {
                Some(cause @ (Error::SessionExpired { .. } | Error::Cancelled)) => Err(cause),
                _ => Ok(()),
            }),
            _ => None,
        }
    }

    /// Gives the plain lease back: the caller renews and ends it. No transfer may run.
    pub async fn detach(self: &Arc<Self>) -> Result<(), Unfinished> {
        if let Some(failure) = self.transfers.unobserved_failure() {
            return Err(Unfinished::Transfer(failure));
        }
        let phase = self.status.phase().as_str();
        let hint = match self.begin_end(Event::Detach) {
            Begun::Yes => {
                self.keep_alive.stop().await;
                return Ok(());
            }
            Begun::StillMoving => {
                "a transfer of it still runs: wait for its result, or cancel it, then detach"
            }
            Begun::Refused => {
                self.status.info_if_ready()?;
                "it cannot be handed on"
            }
        };
        let hint = hint.into();
        Err(Unfinished::Lease(Error::LeaseState { state: phase, hint }))
    }

    /// A Complete of a lease that initializes is refused, and the lease would be held for ever after.
    async fn be_ready(&self) -> Result<()> {
        if self.status.phase() == Phase::Initializing {
            self.refresh().await?;
        }
        match self.status.info_if_ready()? {
            Some(_) => Ok(()),
            None => Err(Error::NotReady),
        }
    }

    /// The Complete that has begun, and an Abort behind it where that is wanted.
    async fn send_complete(self: &Arc<Self>) -> Result<()> {
        match order::complete(self).await {
            Some(sent) => sent,
            None => self.status.info_if_ready().map(|_| ()),
        }
    }

    /// The call alone, again where its answer is lost and the lease is held.
    async fn complete_call(&self) -> Result<()> {
        let (mut attempt, mut unanswered) = (1, false);
        loop {
            let Err(error) = self.remote.complete().await else {
                return Ok(());
            };
            unanswered |= !matches!(error, Error::Fault(_));
            if unanswered {
                match self.after_complete(&ASK_AGAIN).await {
                    AfterComplete::Taken => return Ok(()),
                    AfterComplete::Held if attempt < COMPLETE_ATTEMPTS => {
                        attempt = attempt.saturating_add(1);
                        continue;
                    }
                    _ => {}
                }
            }
            return Err(self.complete_failed(error));
        }
    }

    fn complete_failed(&self, error: Error) -> Error {
        if self.learn_fault(&error) {
            return self.status.cause().unwrap_or(error);
        }
        self.status.apply(Event::CompleteRefused);
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
}
