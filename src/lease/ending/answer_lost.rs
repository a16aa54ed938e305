//! A Complete whose answer was lost: whether it came through.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::lease::Lease;
use crate::soap::LeaseState;

/// Between two questions about a lease whose Complete had no answer.
pub(in crate::lease) const ASK_AGAIN: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// What became of a lease whose Complete had no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lease) enum AfterComplete {
    /// The call had come through.
    Taken,
    /// It had not: the lease is held.
    Held,
    /// The server did not say, or somebody else ended it.
    Unknown,
}

impl Lease {
    /// What became of a lease whose Complete had no answer.
    ///
    /// Servers remove the lease with its Complete, so that one that was there before and is gone now
    /// was completed, by the call whose answer was lost. An import that ended otherwise took what it
    /// made along; that is looked for. What an export wrote was verified before, either way.
    pub(in crate::lease) async fn after_complete(&self, patience: &[Duration]) -> AfterComplete {
        for wait in patience {
            match self.read_state().await {
                Ok(Some(LeaseState::Done)) => return AfterComplete::Taken,
                Ok(Some(LeaseState::Ready)) => return AfterComplete::Held,
                Err(Error::Fault(fault)) if fault.name.as_str() == "ManagedObjectNotFound" => {
                    return if self.entity_is_there().await {
                        AfterComplete::Taken
                    } else {
                        AfterComplete::Unknown
                    };
                }
                Ok(_) | Err(Error::Fault(_)) => return AfterComplete::Unknown,
                Err(_) => tokio::time::sleep(*wait).await,
            }
        }
        AfterComplete::Unknown
    }

    async fn read_state(&self) -> Result<Option<LeaseState>> {
        Ok(self.remote.properties(&["state"]).await?.state)
    }

    /// Whether the VM or vApp of the lease exists; where the server named none it counts as there.
    async fn entity_is_there(&self) -> bool {
        let Some((kind, moid)) = self.status.info().and_then(|info| info.entity.clone()) else {
            return true;
        };
        self.remote.session().look_for(&kind, &moid).await.is_ok()
    }
}
