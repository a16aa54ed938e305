//! The heart: one lease, from `initializing` to exactly one Complete or Abort.
//!
//! Imports [`crate::transfer`] and [`crate::soap`]. Read in this order: [`phase`] (the pure table),
//! `status` (what is known, and how it is learnt), this file (the parts), [`transfers`], [`verification`],
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

use std::sync::Arc;

use self::keep_alive::KeepAliveService;
use self::passthrough::Passthrough;
use self::phase::Event;
use self::status::Status;
use self::transfers::Transfers;
use self::verification::Verification;
use crate::error::{Error, Result};
use crate::soap::{Credentials, Endpoint, RemoteLease, Session};
use crate::text::{Place, Text, said_at};
use crate::transfer::Engine;

pub use self::ending::{Ended, Unfinished};
pub use self::options::{KeepAlive, Options, check_number, seconds, seconds_or_none};
pub use self::phase::Phase;
pub use self::plan::PlainHttp;
pub use self::transfers::{FileItem, set_max_bytes_per_second};
pub use self::verification::compare::RequireManifest;
pub use self::verification::uploads::RequireUploads;

/// The user's session, with separate connections for calls and for the keep-alive.
#[derive(Debug)]
pub struct Sessions {
    /// For calls, on the engine.
    pub calls: Arc<Session>,
    /// For the keep-alive, on its own thread.
    pub(crate) keep_alive: Arc<Session>,
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

/// One lease. Each part is changed by its own methods alone.
pub struct Lease {
    /// What was chosen for it, as it was found valid.
    options: Options,
    /// Runs its work, watched or not.
    engine: Arc<Engine>,
    /// The lease at its server, over the engine's connections.
    remote: RemoteLease,
    /// What is known of it; decides which call is still legal.
    status: Status,
    /// What was started; knows whether all of it has ended.
    transfers: Transfers,
    /// Compares what moved with what the server lists.
    verification: Verification,
    /// Its place at the thread that renews leases.
    keep_alive: KeepAliveService,
    /// What the script's own calls leave behind.
    passthrough: Passthrough,
}

impl Lease {
    /// Adopts a lease by its reference. With a native keep-alive it is served from here on.
    pub fn adopt(sessions: &Sessions, moid: String, options: Options) -> Result<Arc<Self>> {
        options.check()?;
        let renewed = RemoteLease::new(Arc::clone(&sessions.keep_alive), moid.clone());
        let lease = Arc::new(Self {
            engine: Engine::shared()?,
            remote: RemoteLease::new(Arc::clone(&sessions.calls), moid),
            status: Status::default(),
            transfers: Transfers::new(options.max_concurrency, options.max_bytes_per_second),
            verification: Verification::default(),
            keep_alive: KeepAliveService::new(renewed),
            passthrough: Passthrough::default(),
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

    /// Where it is, as far as is known; makes no call.
    pub fn phase(&self) -> Phase {
        self.status.phase()
    }

    /// The lease is over for us: every transfer ends with this cause.
    fn ended(&self, event: Event, cause: Error) {
        let message = cause.to_string();
        if self.status.apply_with(event, cause) {
            let held = match self.status.cause() {
                Some(Error::SessionExpired { .. }) => {
                    "; the server may hold it until its leaseTimeout has passed"
                }
                _ => "",
            };
            said_at!(error, self.place(), "{}: {message}{held}", self.label());
            self.transfers.stop();
        }
    }

    /// The moId of its VM or vApp; empty until it is ready, and where the server named none.
    pub fn vm(&self) -> String {
        let entity = self.status.info().and_then(|info| info.entity.clone());
        entity.map_or_else(String::new, |(_, moid)| moid)
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
            .info()
            .map_or(0, |info| info.total_disk_capacity_kb.saturating_mul(1024))
    }
}
