//! The pieces of an upload, handed out no faster than its limits say.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::RateLimits;
use crate::io::Next;

type Waiting = Pin<Box<dyn Future<Output = bool> + Send + Sync>>;

/// Where the connection gets what it sends.
pub(in crate::transfer) struct Pieces {
    source: Next,
    limits: RateLimits,
    /// Of the source's last piece, what is not handed out yet.
    rest: Bytes,
    /// Of `rest`, so many bytes wait for the limits.
    waiting: Option<(usize, Waiting)>,
}

impl Pieces {
    pub(in crate::transfer) fn new(source: Next, limits: RateLimits) -> Self {
        Self {
            source,
            limits,
            rest: Bytes::new(),
            waiting: None,
        }
    }

    /// The next piece. Where it waits for a limit of ours, `held` is set: the host is not silent then.
    /// The caller clears it, when it has noted that the piece moved.
    pub(in crate::transfer) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        held: &AtomicBool,
    ) -> Poll<Option<Bytes>> {
        if self.rest.is_empty() {
            match ready!((self.source)(cx)) {
                Some(piece) => self.rest = piece,
                None => return Poll::Ready(None),
            }
        }
        if self.waiting.is_none() {
            let Some(portion) = self.limits.portion() else {
                return Poll::Ready(Some(std::mem::take(&mut self.rest)));
            };
            let portion = portion.min(self.rest.len());
            let limits = self.limits.clone();
            let taking = async move { limits.take(portion as u64).await };
            self.waiting = Some((portion, Box::pin(taking)));
        }
        if let Some((portion, waiting)) = &mut self.waiting {
            held.store(true, Ordering::Relaxed);
            ready!(waiting.as_mut().poll(cx));
            let piece = self.rest.split_to(*portion);
            self.waiting = None;
            return Poll::Ready(Some(piece));
        }
        Poll::Pending
    }
}
