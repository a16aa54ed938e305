//! The heart: one lease, from `initializing` to exactly one Complete or Abort.
//!
//! Imports [`crate::transfer`] and [`crate::soap`]. Read in this order: [`phase`] (the pure table),
//! this file (what is known), `status` (how it is learnt), [`transfers`], [`verification`],
//! [`ending`], [`keep_alive`].

// What a server says must not overflow anything: `number.rs`, or an operation that says what it does.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod ending;
mod keep_alive;
mod options;
mod passthrough;
mod phase;
mod plan;
#[cfg(test)]
mod racing;
mod schedule;
mod status;
mod transfers;
mod verification;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OnceCell, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::keep_alive::Registration;
use self::passthrough::Passthrough;
use self::phase::Event;
use crate::error::{Error, Result};
use crate::http::{Client, Trust};
use crate::number;
use crate::soap::{Credentials, Endpoint, LeaseInfo, RemoteLease, Session};
use crate::text::{Place, Text, said_at};
use crate::transfer::{Engine, Moved, Transfer};

pub use self::ending::{Ended, Unfinished};
pub use self::options::{KeepAlive, Options};
pub use self::passthrough::Caller;
pub use self::phase::Phase;
pub use self::plan::PlainHttp;
pub use self::transfers::FileItem;
pub use self::verification::compare::RequireManifest;
pub use self::verification::uploads::RequireUploads;

/// The user's session, with separate connections for calls and for the keep-alive.
#[derive(Debug)]
pub struct Sessions {
    /// For calls, on the engine.
    pub calls: Arc<Session>,
    /// For the keep-alive, on its own thread.
    pub keep_alive: Arc<Session>,
}

impl Sessions {
    /// Prepares both; nothing is sent.
    pub fn new(endpoint: Endpoint, credentials: Credentials) -> Result<Self> {
        let calls = Session::new(endpoint, credentials)?;
        let keep_alive = calls.with_own_connections()?;
        Ok(Self {
            calls: Arc::new(calls),
            keep_alive: Arc::new(keep_alive),
        })
    }
}

/// What is known of the lease.
#[derive(Debug, Clone)]
pub struct Status {
    /// Where it is.
    pub phase: Phase,
    /// `info`, once it was ready.
    pub info: Option<Arc<LeaseInfo>>,
    /// Why it is lost or gone.
    pub cause: Option<Error>,
    /// Why its state could not be read the last time.
    pub unread: Option<String>,
}

/// One lease.
pub struct Lease {
    /// The lease at its server, over the engine's connections.
    remote: RemoteLease,
    /// The same over the connections of the keep-alive.
    renewal: RemoteLease,
    pub(super) engine: Arc<Engine>,
    pub(super) options: Options,
    pub(super) status: watch::Sender<Status>,
    pub(super) keep_alive: Mutex<Option<Registration>>,
    /// Stops every transfer of the lease.
    pub(super) cancel: CancellationToken,
    pub(super) tracker: TaskTracker,
    pub(super) slots: Arc<Semaphore>,
    pub(super) clients: Mutex<HashMap<(String, Trust), Client>>,
    pub(super) transfers: Mutex<Vec<Transfer>>,
    pub(super) moved: Mutex<Vec<Moved>>,
    pub(super) checksum_type_set: OnceCell<()>,
    passthrough: Passthrough,
    highest_percent: AtomicI32,
    pub(super) unlisted_logged: AtomicBool,
}

impl Lease {
    /// Adopts a lease by its reference. With a native keep-alive it is served from here on.
    pub fn adopt(sessions: &Sessions, moid: String, options: Options) -> Result<Arc<Self>> {
        let lease = Arc::new(Self {
            remote: RemoteLease::new(Arc::clone(&sessions.calls), moid.clone()),
            renewal: RemoteLease::new(Arc::clone(&sessions.keep_alive), moid),
            engine: Engine::shared()?,
            status: watch::Sender::new(Status {
                phase: Phase::Initializing,
                info: None,
                cause: None,
                unread: None,
            }),
            keep_alive: Mutex::default(),
            cancel: CancellationToken::new(),
            tracker: closed_tracker(),
            slots: Arc::new(Semaphore::new(options.max_concurrency)),
            clients: Mutex::default(),
            transfers: Mutex::default(),
            moved: Mutex::default(),
            checksum_type_set: OnceCell::new(),
            passthrough: Passthrough::default(),
            highest_percent: AtomicI32::new(0),
            unlisted_logged: AtomicBool::new(false),
            options,
        });
        lease.start_keep_alive()?;
        Ok(lease)
    }

    /// The engine that runs this lease's work.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The lease's reference.
    pub fn moid(&self) -> &str {
        self.remote.moid()
    }

    /// What is known now, without asking the server.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    pub(super) fn start_keep_alive(self: &Arc<Self>) -> Result<()> {
        if let KeepAlive::Native(interval) = self.options.keep_alive {
            *lock(&self.keep_alive) = Some(keep_alive::register(Arc::clone(self), interval)?);
        }
        Ok(())
    }

    /// Ends the keep-alive without waiting: someone else renews the lease.
    pub fn let_go(&self) {
        drop(lock(&self.keep_alive).take());
    }

    /// Ends the keep-alive and waits until no Progress is under way.
    pub(super) async fn stop_keep_alive(&self) {
        let registration = lock(&self.keep_alive).take();
        if let Some(registration) = registration {
            registration.stop().await;
        }
    }

    /// Applies an event when it is legal; `true` when it was.
    pub(super) fn apply(&self, event: Event, cause: Option<Error>) -> bool {
        self.status.send_if_modified(|status| {
            let Some(next) = status.phase.after(event) else {
                return false;
            };
            status.phase = next;
            if status.cause.is_none() {
                status.cause = cause;
            }
            true
        })
    }

    /// The lease is over for us: every transfer ends with this cause.
    pub(super) fn end(&self, event: Event, cause: Error) {
        let message = cause.to_string();
        if self.apply(event, Some(cause)) {
            let held = match self.status().cause {
                Some(Error::SessionExpired { .. }) => {
                    "; the server may hold it until its leaseTimeout has passed"
                }
                _ => "",
            };
            said_at!(error, self.place(), "{}: {message}{held}", self.label());
            self.cancel.cancel();
        }
    }

    /// The info of a ready lease, `None` while it initializes, an error when it is over.
    pub(super) fn info_if_ready(&self) -> Result<Option<Arc<LeaseInfo>>> {
        let status = self.status.borrow();
        match status.phase {
            Phase::Initializing => Ok(None),
            Phase::Ready => Ok(Some(status.info.clone().unwrap_or_default())),
            phase => Err(status.cause.clone().unwrap_or(Error::LeaseState {
                state: phase.as_str(),
                hint: "open a new one with ExportVm, ExportSnapshot or ImportVApp".into(),
            })),
        }
    }

    /// The moId of its VM or vApp; empty until it is ready, and where the server named none.
    pub fn vm(&self) -> String {
        let status = self.status.borrow();
        let entity = status.info.as_ref().and_then(|info| info.entity.as_ref());
        entity.map_or_else(String::new, |(_, moid)| moid.clone())
    }

    /// What log records of the lease itself are about.
    pub fn place(&self) -> Place {
        Place {
            lease: Text::new(self.moid()),
            vm: Text::new(&self.vm()),
            ..Place::default()
        }
    }

    /// The lease in the reader's words.
    pub fn label(&self) -> Text {
        let Place { lease, vm, .. } = self.place();
        match vm.as_str() {
            "" => Text::from(format!("lease {lease}")),
            vm => Text::from(format!("lease {lease} of {vm}")),
        }
    }

    /// Bytes that the disks of the lease can hold in all; 0 where the server did not say.
    pub fn disk_capacity(&self) -> u64 {
        self.status
            .borrow()
            .info
            .as_ref()
            .map_or(0, |info| info.total_disk_capacity_kb.saturating_mul(1024))
    }

    /// The percent for the next Progress: never backwards, never 100 before Complete.
    pub(super) fn percent(&self) -> i32 {
        let snapshots: Vec<_> = lock(&self.transfers)
            .iter()
            .map(Transfer::progress)
            .collect();
        let done = number::sum(snapshots.iter().map(|snapshot| snapshot.bytes_done));
        if done == 0 {
            return self.passthrough.percent();
        }
        let known: Option<Vec<u64>> = snapshots
            .iter()
            .map(|snapshot| snapshot.bytes_total)
            .collect();
        // An export's size is unknown until it ends; the disks' capacity is what it can be at most.
        let total = known.map_or_else(|| self.disk_capacity(), number::sum);
        let percent = i32::from(number::percent(done, total).min(99));
        self.highest_percent
            .fetch_max(percent, Ordering::Relaxed)
            .max(percent)
    }
}

/// Counts and waits as an open one, which would let nobody wait while it is empty.
fn closed_tracker() -> TaskTracker {
    let tracker = TaskTracker::new();
    tracker.close();
    tracker
}

/// A panic elsewhere must not keep the Abort from being sent.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
