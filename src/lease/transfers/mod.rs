//! What was started for a lease: planned here, run by the engine.

mod starting;
mod starts;
pub(super) mod turns;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::starting::FileItem;
pub(super) use self::starts::Begun;
use self::starts::{Moves, Starts};
use self::turns::Order;
use super::Lease;
use super::options::check_rate;
use super::phase::Event;
use super::plan::Plan;
use crate::error::{Error, Failure, Result, Step};
use crate::http::{Client, Trust, host_of};
use crate::soap::Endpoint;
use crate::sync::lock;
use crate::transfer::{Completed, Engine, Moved, Progress, RateLimit, Snapshot, Transfer};

/// The transfers of a lease.
#[derive(Debug)]
pub(super) struct Transfers {
    /// All of them.
    started: Starts<Transfer>,
    /// What arrived whole, to be compared once more before Complete.
    moved: Mutex<Vec<Moved>>,
    /// Stops every transfer of the lease.
    stop: CancellationToken,
    /// Counts each until its outcome is there for everybody.
    running: TaskTracker,
    /// They share it.
    rate_limit: Arc<RateLimit>,
    /// `max_concurrency` of them move at once.
    pub(super) places: Arc<Semaphore>,
    /// One for each host and trust, so that the disks of a host share connections.
    clients: Mutex<HashMap<(String, Trust), Client>>,
}

impl Moves for Transfer {
    fn still_moves(&self) -> bool {
        self.outcome().is_none()
    }
}

impl Transfers {
    pub(super) fn new(max_concurrency: usize, rate: Option<u64>) -> Self {
        let running = TaskTracker::new();
        // An open one would let nobody wait while it is empty; it counts all the same.
        running.close();
        Self {
            started: Starts::default(),
            moved: Mutex::default(),
            stop: CancellationToken::new(),
            running,
            rate_limit: Arc::new(RateLimit::new(rate)),
            places: Arc::new(Semaphore::new(max_concurrency)),
            clients: Mutex::default(),
        }
    }

    /// Stops every transfer, and each that would start.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Whether they were stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Waits until the outcome of each is there.
    pub(super) async fn all_ended(&self) {
        self.running.wait().await;
    }

    /// What arrived whole so far.
    pub(super) fn moved(&self) -> Vec<Moved> {
        lock(&self.moved).clone()
    }

    /// The counters of each.
    pub(super) fn progress(&self) -> Vec<Snapshot> {
        self.started
            .with(|all| all.iter().map(Transfer::progress).collect())
    }

    /// The first failure that nobody has observed.
    pub(super) fn unobserved_failure(&self) -> Option<Arc<Failure>> {
        self.started
            .with(|all| all.iter().find_map(Transfer::unobserved_failure))
    }

    /// The client for a device's host.
    fn client(&self, plan: &Plan, endpoint: &Endpoint) -> Result<Client> {
        let mut clients = lock(&self.clients);
        let place = (host_of(&plan.url), plan.trust.clone());
        if let Some(client) = clients.get(&place) {
            return Ok(client.clone());
        }
        let client = endpoint.client(&plan.trust)?;
        clients.insert(place, client.clone());
        Ok(client)
    }
}

/// Limits what all leases of the process move in a second, beside the limit that each may have, and also
/// what moves now. Returns what the limit was.
pub fn set_max_bytes_per_second(rate: Option<u64>) -> Result<Option<u64>> {
    check_rate(rate)?;
    Ok(Engine::set_rate(rate))
}

impl Lease {
    pub(super) fn start<W, F>(
        self: &Arc<Self>,
        order: Order,
        key: &str,
        progress: Arc<Progress>,
        work: W,
    ) -> Result<Transfer>
    where
        W: FnOnce(CancellationToken) -> F,
        F: Future<Output = Result<Completed, Failure>> + Send + 'static,
    {
        let cancel = self.transfers.stop.child_token();
        // Boxed: a future that awaits another one it has taken keeps room for it twice.
        let (working, stopped) = (Box::pin(work(cancel.clone())), cancel.clone());
        // From here on the lease's end knows of it, or it is not started.
        self.transfers.started.add(|started| {
            self.status.info_if_ready()?;
            let before = turns::before(order, started, key);
            let turn = turns::wait(before, Arc::clone(&self.transfers.places));
            let (lease, device) = (Arc::clone(self), key.to_owned());
            let work = async move {
                // One that is cancelled before its turn does not wait for it.
                let turn = tokio::select! {
                    biased;
                    () = stopped.cancelled() => Ok(None),
                    turn = turn => turn,
                };
                let (mut result, place) = match turn {
                    Ok(place) => (working.await, place),
                    Err(error) => (Err(Failure::new(&device, Step::Lease, error)), None),
                };
                match &mut result {
                    Ok(completed) => lock(&lease.transfers.moved).push(completed.moved.clone()),
                    Err(failure) => lease.explain(failure),
                }
                (result, place)
            };
            let (engine, running) = (&self.engine, &self.transfers.running);
            Transfer::start(engine, running, key, progress, cancel, work)
        })
    }

    /// Limits what all transfers of the lease move in a second, also those that move now. Returns what
    /// the limit was.
    pub fn set_max_bytes_per_second(&self, rate: Option<u64>) -> Result<Option<u64>> {
        check_rate(rate)?;
        Ok(self.transfers.rate_limit.set(rate))
    }

    /// Whether all transfers have ended and this end is the next thing, to which none is added.
    pub(super) fn begin_end(&self, end: Event) -> Begun {
        self.transfers.started.end(|| self.status.apply(end))
    }

    /// A transfer that was cancelled because the lease was lost says so.
    fn explain(&self, failure: &mut Failure) {
        failure.error = self.lost_instead(failure.error.clone());
        if matches!(failure.error, Error::Cancelled)
            && let Some(cause) = self.status.cause()
        {
            failure.error = cause;
            failure.step = Step::Lease;
        }
    }
}
