//! The script's own calls, which go their way as pyvmomi wrote them.

mod callers;
mod ending;

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

pub(crate) use self::callers::Caller;
use self::callers::Callers;
use super::Lease;
use super::status::LAST_FAULTS;
use crate::error::{Error, Result};
use crate::soap::{Answer, Reply, Session, envelope, handed_on, methods};

/// What the script's calls leave behind.
#[derive(Debug, Default)]
pub(super) struct Passthrough {
    /// Kept for the next call: a short one pays for no thread and no connection.
    callers: Callers,
    /// The percent that the script itself reported; it stands until our transfers move.
    percent: AtomicI32,
    /// Whether the script told the hosts to fetch the files: then no upload is missing.
    pulled: AtomicBool,
}

impl Passthrough {
    /// The script's percent for our own Progress.
    pub(super) fn percent(&self) -> i32 {
        self.percent.load(Ordering::Relaxed)
    }

    /// Whether hosts fetch the files themselves.
    pub(super) fn pulled(&self) -> bool {
        self.pulled.load(Ordering::Relaxed)
    }
}

impl Lease {
    /// The percent that the script itself reports with its Progress.
    pub fn set_script_percent(&self, percent: i32) {
        self.passthrough.percent.store(percent, Ordering::Relaxed);
    }

    /// One call of the script, on the engine. A fault may tell that the lease is over.
    pub async fn invoke(&self, method: &str, envelope: Vec<u8>) -> Result<Reply> {
        self.invoke_over(self.remote.session(), method, envelope)
            .await
    }

    /// A runtime and a connection for the thread that asks, to be [kept](Self::keep) after the call.
    /// `None` on a thread of a runtime, which must not block.
    pub fn caller(&self) -> Result<Option<Caller>> {
        self.passthrough.callers.take(self.remote.session())
    }

    /// Keeps a caller for the next call.
    pub fn keep(&self, caller: Caller) {
        self.passthrough.callers.put_back(caller);
    }

    /// One call of the script over connections of the caller's choice.
    pub async fn invoke_over(
        &self,
        session: &Session,
        method: &str,
        envelope: Vec<u8>,
    ) -> Result<Reply> {
        if method == methods::PULL_FROM_URLS {
            self.passthrough.pulled.store(true, Ordering::Relaxed);
        }
        let reply = match session.invoke(method, envelope.clone()).await {
            Err(Error::Connect { .. }) if methods::only_reads(method) => {
                session.invoke(method, envelope).await?
            }
            answered => answered?,
        };
        handed_on::check(method, &reply.body)?;
        if reply.status == 500
            && let Err(Error::Fault(fault)) = envelope::response(
                method,
                &Answer::new(reply.body.clone(), session.credentials()),
            )
            && LAST_FAULTS.contains(&fault.name.as_str())
        {
            self.learn_fault(&Error::Fault(fault));
        }
        Ok(reply)
    }
}
