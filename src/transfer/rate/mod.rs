//! How fast bytes may move: the limits that a transfer is under, and where it waits for them.
//!
//! A download takes its bytes when they have come, so that its host is slowed by what is not read; an
//! upload before they are sent. Nothing waits here but the transfer itself.

mod bucket;
mod pieces;

use std::sync::Arc;

pub use self::bucket::RateLimit;
pub(super) use self::pieces::Pieces;

/// The least that is taken at once of what is sent: less is not worth a timer.
const LEAST_PORTION: u64 = 1024;

/// The limits of one transfer.
#[derive(Debug, Clone, Default)]
pub struct RateLimits {
    /// Shared with all transfers of its lease.
    pub(crate) lease: Arc<RateLimit>,
    /// Shared with all transfers of the process.
    pub(crate) process: Arc<RateLimit>,
}

impl RateLimits {
    /// Bytes per second: the lower of the two.
    fn rate(&self) -> Option<u64> {
        let rates = [self.lease.rate(), self.process.rate()];
        rates.into_iter().flatten().min()
    }

    /// Waits until so many bytes may have moved, and says whether there is a limit at all.
    pub(super) async fn take(&self, bytes: u64) -> bool {
        if self.rate().is_none() {
            return false;
        }
        tokio::join!(self.lease.take(bytes), self.process.take(bytes));
        true
    }

    /// What may be sent at once, so that it goes out evenly: what comes to 50 ms. `None` is all.
    fn portion(&self) -> Option<usize> {
        let portion = (self.rate()? / 20).max(LEAST_PORTION);
        Some(usize::try_from(portion).unwrap_or(usize::MAX))
    }
}
