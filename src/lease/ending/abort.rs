//! The way out that is always there: one Abort while the lease is held.

use std::sync::Arc;
use std::time::Duration;

use super::order::{self, Steps};
use crate::error::{Error, Result};
use crate::lease::Lease;
use crate::lease::phase::{Event, Phase};
use crate::soap::{Abort, methods};
use crate::text::said_at;

/// Transfers get this long to remove their partial files and close their connections. With what the
/// caller has waited for them before, an Abort is still answered within 10 seconds.
const CLEANUP: Duration = Duration::from_secs(4);

/// A Complete or Abort that is under way gets this long before an Abort.
const ENDING: Duration = Duration::from_secs(10);

/// The deadline of an Abort: its failure must not hold up the first error.
const ABORT_CALL: Duration = Duration::from_secs(10);

/// Answers to an Abort that nobody needs any more.
const ENDED_BEFORE: [&str; 3] = ["Timedout", "InvalidState", "ManagedObjectNotFound"];

/// How an abort of ours ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// The server took it.
    Aborted,
    /// It was sent or tried, and failed; the server releases the lease after its timeout.
    AbortFailed,
    /// The server had ended the lease before.
    Lost,
    /// The lease was ended before, by us or by the script.
    Untouched,
}

impl Lease {
    /// Cancels every transfer, waits for their clean-up, and sends one Abort while the lease is held.
    pub async fn abort(self: &Arc<Self>, cause: Abort) -> Ended {
        match order::abort(self, &cause).await {
            Ok(ended) => ended,
            Err(Phase::Gone) => Ended::Lost,
            Err(_) => Ended::Untouched,
        }
    }

    async fn abort_call(&self, cause: &Abort) -> Ended {
        let sent = tokio::time::timeout(ABORT_CALL, self.remote.abort(cause)).await;
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
        let after = self.status.info().map_or_else(
            || "its leaseTimeout has passed".to_owned(),
            |info| format!("its leaseTimeout ({} s) has passed", info.lease_timeout),
        );
        said_at!(
            error,
            self.place(),
            "{}: HttpNfcLeaseAbort failed: {error}; the server holds it until {after}",
            self.label()
        );
        Ended::AbortFailed
    }

    /// An Abort that the lease's holder did not ask for. Calls that work with it or complete it fail
    /// with this cause.
    pub async fn abort_from_outside(self: &Arc<Self>, why: Abort, cause: Error) -> Ended {
        self.status.expect_end(cause);
        self.abort(why).await
    }

    /// As [`order::abort_if_stopped`], for a Complete of the script's own.
    pub(in crate::lease) async fn abort_if_stopped(self: &Arc<Self>, why: &str) {
        let reason = why.to_owned();
        order::abort_if_stopped(self, &Abort { reason }).await;
    }

    /// Stops every transfer, and waits for their clean-up within a bound.
    pub(in crate::lease) async fn stop_transfers(&self) {
        self.transfers.stop();
        let _ = tokio::time::timeout(CLEANUP, self.transfers.all_ended()).await;
    }

    /// A Complete or Abort that is under way decides first.
    async fn wait_for_ending(&self) {
        let mut status = self.status.watch();
        let ended =
            status.wait_for(|known| !matches!(known.phase, Phase::Completing | Phase::Aborting));
        let _ = tokio::time::timeout(ENDING, ended).await;
    }
}

impl Steps for Arc<Lease> {
    type Failed = Error;
    type Why = Abort;
    type Answer = Ended;

    fn apply(&self, event: Event) -> bool {
        self.status.apply(event)
    }

    fn phase(&self) -> Phase {
        self.status.phase()
    }

    fn is_stopped(&self) -> bool {
        self.transfers.is_stopped()
    }

    fn why(failed: &Error) -> Abort {
        let reason = failed.to_string();
        Abort { reason }
    }

    async fn stop_transfers(&self) {
        Lease::stop_transfers(self).await;
    }

    async fn stop_keep_alive(&self) {
        self.keep_alive.stop().await;
    }

    async fn other_ending(&self) {
        self.wait_for_ending().await;
    }

    async fn send_complete(&self) -> Result<()> {
        self.complete_call().await
    }

    async fn send_abort(&self, why: &Abort) -> Ended {
        self.abort_call(why).await
    }
}
