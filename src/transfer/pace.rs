//! The stall rule: a stream that trickles is as dead as one that stopped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::rate::RateLimits;
use crate::error::{Error, Result};
use crate::http::Response;

/// Below this rate over a whole window, a stream counts as stalled.
const SLOWEST_BYTES_PER_SECOND: f64 = 1024.0;

/// Sums what moved against the time spent waiting for the other end; a slow local disk is not
/// the other end's fault and is not counted.
#[derive(Debug)]
pub(crate) struct Pace {
    window: Duration,
    waited: Duration,
    moved: u64,
    /// When the last piece came.
    last_moved: Option<Instant>,
}

impl Pace {
    /// A stall is judged over `window`.
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            window,
            waited: Duration::ZERO,
            moved: 0,
            last_moved: None,
        }
    }

    /// The next piece of an answer's body; a stall where none comes within the window, or too little
    /// over it.
    pub(crate) async fn next(
        &mut self,
        what: &Arc<str>,
        response: &mut Response,
    ) -> Result<Option<Bytes>> {
        let asked = Instant::now();
        let chunk = tokio::time::timeout(self.window, response.chunk()).await;
        let chunk = chunk.map_err(|_| Error::stall(what, 0, self.window))??;
        let Some(chunk) = chunk else {
            return Ok(None);
        };
        self.last_moved = Some(Instant::now());
        if self.keeps_up(asked.elapsed(), chunk.len() as u64) {
            Ok(Some(chunk))
        } else {
            Err(Error::stall(what, self.moved, self.waited))
        }
    }

    /// Waits until the limits allow what came. That is our own wait: no clock that is about the other
    /// end counts it.
    pub(crate) async fn hold(&mut self, limits: &RateLimits, bytes: u64) {
        if limits.take(bytes).await {
            self.last_moved = Some(Instant::now());
        }
    }

    /// When the last piece came, if any did.
    pub(crate) fn last_moved(&self) -> Option<Instant> {
        self.last_moved
    }

    /// Adds one wait and what it brought; `false` means stalled.
    fn keeps_up(&mut self, waited: Duration, moved: u64) -> bool {
        self.waited = self.waited.saturating_add(waited);
        self.moved = self.moved.saturating_add(moved);
        if self.waited < self.window {
            return true;
        }
        #[allow(clippy::cast_precision_loss, reason = "a rate needs no exact bytes")]
        let rate = self.moved as f64 / self.waited.as_secs_f64();
        if rate < SLOWEST_BYTES_PER_SECOND {
            return false;
        }
        self.waited = Duration::ZERO;
        self.moved = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_trickle_is_a_stall() {
        let mut pace = Pace::new(60 * SECOND);
        let verdicts: Vec<bool> = (0..12).map(|_| pace.keeps_up(5 * SECOND, 1)).collect();
        assert!(verdicts[..11].iter().all(|ok| *ok) && !verdicts[11]);
        assert_eq!((pace.moved, pace.waited), (12, 60 * SECOND));
    }

    #[test]
    fn a_slow_stream_is_not_a_stall() {
        let mut pace = Pace::new(60 * SECOND);
        assert!((0..120).all(|_| pace.keeps_up(SECOND, 2048)));
    }
}
