//! The keep-alive: one thread for the process, with a runtime and connections of its own.
//!
//! It never attaches to Python and shares nothing with the transfers but atomics, so that neither
//! a held GIL nor a blocked disk keeps a lease from being renewed.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::phase::{Event, Phase};
use super::schedule::{Next, Schedule};
use super::{Lease, lock};
use crate::error::{Error, Result};
use crate::text::{Text, said_at};
use crate::transfer::panics::caught;

/// Between two looks at a lease that is initializing.
const FIRST_POLL: Duration = Duration::from_millis(50);
const LAST_POLL: Duration = Duration::from_secs(1);

/// How long an ending waits for a Progress that is under way before it goes ahead.
const STOP_WAIT: Duration = Duration::from_secs(2);

static THREAD: Mutex<Option<Thread>> = Mutex::new(None);

struct Thread {
    pid: u32,
    inbox: mpsc::UnboundedSender<Served>,
}

struct Served {
    lease: Arc<Lease>,
    interval: Option<Duration>,
    stop: CancellationToken,
    /// Whether the service ended as it should.
    done: bool,
    /// Dropped last: who waits for the end of the service finds what it left of the lease.
    _ended: DropGuard,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It panicked, or its thread did: a lease that nobody renews must not look like one.
        if !self.done {
            let reason = "its keep-alive stopped by an internal error; please report it".into();
            let fault = None;
            self.lease
                .end(Event::ContactLost, Error::LeaseLost { reason, fault });
        }
    }
}

/// A lease's place at the keep-alive. Dropping it ends the service without waiting.
#[derive(Debug)]
pub(crate) struct Registration {
    stop: CancellationToken,
    ended: CancellationToken,
}

impl Registration {
    /// Ends the service; returns when no Progress is under way.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        let _ = tokio::time::timeout(STOP_WAIT, self.ended.cancelled()).await;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn place(lease: Arc<Lease>, interval: Option<Duration>) -> (Registration, Served) {
    let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
    let served = Served {
        lease,
        interval,
        stop: stop.clone(),
        done: false,
        _ended: ended.clone().drop_guard(),
    };
    (Registration { stop, ended }, served)
}

/// A service that only needs to be dropped, as a panic drops it.
#[cfg(test)]
pub(super) fn dying(lease: Arc<Lease>) -> (Registration, impl Send) {
    place(lease, None)
}

/// Puts a lease under the keep-alive; starts the thread when there is none.
pub(super) fn register(lease: Arc<Lease>, interval: Option<Duration>) -> Result<Registration> {
    let (registration, mut served) = place(lease, interval);
    let pid = std::process::id();
    let mut running = lock(&THREAD);
    if let Some(there) = running.as_ref().filter(|there| there.pid == pid) {
        match there.inbox.send(served) {
            Ok(()) => return Ok(registration),
            Err(unsent) => served = unsent.0,
        }
    }
    let (inbox, outbox) = mpsc::unbounded_channel();
    if let Err(error) = start(outbox) {
        served.done = true; // who asked is told
        return Err(error);
    }
    // A thread that has nothing to serve yet waits for the first.
    let _ = inbox.send(served);
    *running = Some(Thread { pid, inbox });
    Ok(registration)
}

fn start(inbox: mpsc::UnboundedReceiver<Served>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Error::io("<keep-alive thread>", e))?;
    thread::Builder::new()
        .name("nfclease-keep-alive".into())
        .spawn(move || {
            #[allow(
                clippy::disallowed_methods,
                reason = "this thread exists to run this runtime"
            )]
            runtime.block_on(serve_all(inbox));
        })
        .map(|_| ())
        .map_err(|e| Error::io("<keep-alive thread>", e))
}

async fn serve_all(mut inbox: mpsc::UnboundedReceiver<Served>) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            Some(served) = inbox.recv() => {
                tasks.spawn(serve(served));
            }
            Some(joined) = tasks.join_next() => {
                if let Err(error) = joined {
                    tracing::error!("keep-alive: {}", Text::of(error));
                }
            }
        }
        while let Ok(served) = inbox.try_recv() {
            tasks.spawn(serve(served));
        }
        if tasks.is_empty() {
            // Leases register under this lock, so that none slips in between look and end.
            let mut running = lock(&THREAD);
            if let Ok(served) = inbox.try_recv() {
                tasks.spawn(serve(served));
            } else {
                *running = None;
                return;
            }
        }
    }
}

async fn serve(mut served: Served) {
    let (lease, stop) = (&served.lease, &served.stop);
    if wait_until_ready(lease, stop).await {
        renew(lease, served.interval, stop).await;
    }
    served.done = true;
}

/// `false` when the lease ended or the service was stopped before it was ready.
async fn wait_until_ready(lease: &Arc<Lease>, stop: &CancellationToken) -> bool {
    let started = Instant::now();
    let patience = Schedule::new(0, None, Duration::ZERO);
    let mut poll = FIRST_POLL;
    let mut last_answer = Duration::ZERO;
    while !stop.is_cancelled() {
        let look = async { caught(lease.refresh_over(&lease.renewal)).await? };
        let answer = tokio::time::timeout(patience.call_timeout(), look).await;
        match lease.status().phase {
            Phase::Initializing => {}
            phase => return phase == Phase::Ready,
        }
        let now = started.elapsed();
        let unread = match &answer {
            Ok(Ok(seen)) => seen.unready().map(str::to_owned),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer in time".into()),
        };
        lease.set_unread(unread.clone());
        match answer {
            Ok(Ok(_)) => last_answer = now,
            _ if patience.failed(now.saturating_sub(last_answer)) == Next::Lost => {
                let why = unread.unwrap_or_default();
                let reason = format!("the server could not be asked whether it is ready: {why}");
                lease.end(
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
                lease.end(Event::ContactLost, error);
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
    let lease_timeout = lease.status().info.map_or(0, |info| info.lease_timeout);
    let mut schedule = Schedule::new(lease_timeout, interval, Duration::ZERO);
    while !stop.is_cancelled() {
        let asked = started.elapsed();
        // A call that panics is one that failed: the next may go well.
        let call = async { caught(lease.renewal.progress(lease.percent())).await? };
        let result = tokio::time::timeout(schedule.call_timeout(), call).await;
        let now = started.elapsed();
        let next = match result {
            Ok(Ok(())) => schedule.renewed(asked, now),
            Ok(Err(error)) => {
                if lease.observe_fault(&error) {
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
            lease.end(
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
