//! One lease at the keep-alive: asked until it is ready, and then renewed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::lease::Lease;
use crate::lease::phase::{Event, Phase};
use crate::lease::schedule::{Next, Schedule};
use crate::lease::status::{Unread, fault_text};
use crate::text::said_at;
use crate::transfer::panics::caught;

/// Between two looks at a lease that is initializing.
const FIRST_POLL: Duration = Duration::from_millis(50);
const LAST_POLL: Duration = Duration::from_secs(1);

/// Serves the lease until it ends or `stop` is cancelled.
pub(super) async fn serve(
    lease: &Arc<Lease>,
    interval: Option<Duration>,
    stop: &CancellationToken,
) {
    if wait_until_ready(lease, stop).await {
        renew(lease, interval, stop).await;
    }
}

/// `false` when the lease ended or the service was stopped before it was ready.
async fn wait_until_ready(lease: &Arc<Lease>, stop: &CancellationToken) -> bool {
    let started = Instant::now();
    let patience = Schedule::new(0, None, Duration::ZERO);
    let mut poll = FIRST_POLL;
    let mut last_answer = Duration::ZERO;
    while !stop.is_cancelled() {
        let look = async { caught(lease.refresh_over(&lease.keep_alive.remote)).await? };
        let answer = tokio::time::timeout(patience.call_timeout(), look).await;
        match lease.status.phase() {
            Phase::Initializing => {}
            phase => return phase == Phase::Ready,
        }
        let now = started.elapsed();
        if let Ok(Ok(seen)) = answer {
            lease.status.set_unread(seen.unready().map(Unread::from));
            last_answer = now;
        } else {
            let error = answer.ok().and_then(Result::err);
            let next = patience.failed(now.saturating_sub(last_answer));
            if is_last_look(lease, error, next) {
                return false;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return false,
            () = tokio::time::sleep(poll) => poll = poll.saturating_mul(2).min(LAST_POLL),
        }
    }
    false
}

/// What follows from a look without an answer, or with this error: whether it ended the lease.
fn is_last_look(lease: &Arc<Lease>, error: Option<Error>, next: Next) -> bool {
    let unread = match &error {
        Some(error) => Unread::from(error.clone()),
        None => Unread::from("no answer in time"),
    };
    lease.status.set_unread(Some(unread.clone()));
    if next == Next::Lost {
        let Unread { why, cause } = unread;
        let reason = format!("the server could not be asked whether it is ready: {why}");
        lease.ended(
            Event::ContactLost,
            Error::LeaseInit {
                reason: reason.into(),
                fault: None,
                cause,
            },
        );
        return true;
    }
    match error {
        Some(error) if error.must_be_heard() => {
            lease.ended(Event::ContactLost, error);
            return true;
        }
        Some(error) => said_at!(
            warn,
            lease.place(),
            "{}: keep-alive: {error}",
            lease.label()
        ),
        None => said_at!(
            warn,
            lease.place(),
            "{}: keep-alive: no answer about its state",
            lease.label()
        ),
    }
    false
}

async fn renew(lease: &Arc<Lease>, interval: Option<Duration>, stop: &CancellationToken) {
    let started = Instant::now();
    let lease_timeout = lease.status.info().map_or(0, |info| info.lease_timeout);
    let mut schedule = Schedule::new(lease_timeout, interval, Duration::ZERO);
    while !stop.is_cancelled() {
        let asked = started.elapsed();
        // A call that panics is one that failed: the next may go well.
        let call = async { caught(lease.keep_alive.remote.progress(lease.percent())).await? };
        let result = tokio::time::timeout(schedule.call_timeout(), call).await;
        let now = started.elapsed();
        let (next, cause) = match result {
            Ok(Ok(())) => (schedule.renewed(asked, now), None),
            Ok(Err(error)) => {
                if ends_it(lease, &error, schedule.call_timeout()).await {
                    return;
                }
                said_at!(
                    warn,
                    lease.place(),
                    "{}: keep-alive: {error}; trying again",
                    lease.label()
                );
                (schedule.failed(now), Some(Arc::new(error)))
            }
            Err(_) => {
                said_at!(
                    warn,
                    lease.place(),
                    "{}: keep-alive: no answer to HttpNfcLeaseProgress; trying again",
                    lease.label()
                );
                (schedule.failed(now), None)
            }
        };
        let Next::At(due) = next else {
            let reason = format!(
                "no HttpNfcLeaseProgress got through for 80 % of its timeout ({lease_timeout} s)"
            );
            lease.ended(
                Event::ContactLost,
                Error::LeaseLost {
                    reason: reason.into(),
                    fault: None,
                    cause,
                },
            );
            return;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(due.saturating_sub(now)) => {}
        }
    }
}

/// Whether a Progress that failed like this ends the lease for us.
///
/// After `InvalidState` nothing moves any more. Whether the server holds the lease all the same, so that
/// an Abort has to follow, only its state can tell.
async fn ends_it(lease: &Arc<Lease>, error: &Error, patience: Duration) -> bool {
    let Error::Fault(fault) = error else {
        return false;
    };
    if fault.name.as_str() != "InvalidState" {
        return lease.learn_fault(error);
    }
    let cause = Error::LeaseLost {
        reason: fault_text(fault),
        fault: Some(fault.clone()),
        cause: None,
    };
    lease.status.expect_end(cause.clone());
    lease.transfers.stop();
    let look = async { caught(lease.refresh_over(&lease.keep_alive.remote)).await? };
    let _ = tokio::time::timeout(patience, look).await;
    lease.ended(Event::ContactLost, cause);
    true
}
