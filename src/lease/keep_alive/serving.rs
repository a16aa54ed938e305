//! One lease at the keep-alive: asked until it is ready, and then renewed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::lease::Lease;
use crate::lease::phase::{Event, Phase};
use crate::lease::schedule::{Next, Schedule};
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
        let unread = match &answer {
            Ok(Ok(seen)) => seen.unready().map(str::to_owned),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer in time".into()),
        };
        lease.status.set_unread(unread.clone());
        match answer {
            Ok(Ok(_)) => last_answer = now,
            _ if patience.failed(now.saturating_sub(last_answer)) == Next::Lost => {
                let why = unread.unwrap_or_default();
                let reason = format!("the server could not be asked whether it is ready: {why}");
                lease.ended(
                    Event::ContactLost,
                    Error::LeaseInit {
                        reason: reason.into(),
                        fault: None,
                    },
                );
                return false;
            }
            // Who waits for the lease must hear it; asking again would not change it, and a proxy
            // may lock the login out.
            Ok(Err(
                error @ (Error::Tls { .. }
                | Error::ThumbprintMismatch { .. }
                | Error::HttpStatus { status: 407, .. }),
            )) => {
                lease.ended(Event::ContactLost, error);
                return false;
            }
            Ok(Err(error)) => said_at!(
                warn,
                lease.place(),
                "{}: keep-alive: {error}",
                lease.label()
            ),
            Err(_) => said_at!(
                warn,
                lease.place(),
                "{}: keep-alive: no answer about its state",
                lease.label()
            ),
        }
        tokio::select! {
            () = stop.cancelled() => return false,
            () = tokio::time::sleep(poll) => poll = poll.saturating_mul(2).min(LAST_POLL),
        }
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
        let next = match result {
            Ok(Ok(())) => schedule.renewed(asked, now),
            Ok(Err(error)) => {
                if lease.learn_fault(&error) {
                    return;
                }
                said_at!(
                    warn,
                    lease.place(),
                    "{}: keep-alive: {error}; trying again",
                    lease.label()
                );
                schedule.failed(now)
            }
            Err(_) => {
                said_at!(
                    warn,
                    lease.place(),
                    "{}: keep-alive: no answer to HttpNfcLeaseProgress; trying again",
                    lease.label()
                );
                schedule.failed(now)
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
