//! When a transfer that was started may begin.
//!
//! `max_concurrency` of them move at once, in the order of their starts. Files that go to one device
//! go one after another: "some of them may be delta files that patch already-uploaded files"
//! (`OvfCreateImportSpecResult.fileItem`). Where a package has a delta, all its files do: only the server
//! knows which device has the parent.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};
use crate::transfer::Transfer;

/// What a transfer waits for besides a free place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lease) enum Order {
    /// Nothing.
    Any,
    /// The transfers to the same device that were started before.
    OnDevice,
    /// All transfers that were started before.
    AfterAll,
}

/// What was started before, of what this order is about, and is not known to have ended well. Who asked
/// for a failure and starts anew knows what it does.
pub(super) fn before(order: Order, started: &[Transfer], key: &str) -> Vec<Transfer> {
    started
        .iter()
        .filter(|transfer| match order {
            Order::Any => false,
            Order::OnDevice => transfer.key() == key,
            Order::AfterAll => true,
        })
        .filter(|transfer| transfer.outcome().is_none() || transfer.has_failed_unasked())
        .cloned()
        .collect()
}

type Waiting = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

/// Waits for the success of those before, and then for a place: who waits for others holds none.
pub(super) fn wait(
    before: Vec<Transfer>,
    places: Arc<Semaphore>,
) -> impl Future<Output = Result<Option<OwnedSemaphorePermit>>> + Send {
    let mut place: Waiting = Box::pin(places.acquire_owned());
    // The first look takes a place in the queue: tasks begin in any order.
    let mut taken = Poll::Pending;
    if before.is_empty() {
        taken = place.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    async move {
        for transfer in before {
            if let Err(failure) = transfer.ended().await {
                let before = Arc::new(failure.error.clone());
                return Err(Error::NotSent { before });
            }
        }
        match taken {
            Poll::Ready(place) => Ok(place.ok()),
            Poll::Pending => Ok(place.await.ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_in_the_order_of_the_starts() {
        let places = Arc::new(Semaphore::new(1));
        let mut turns: Vec<_> = (0..20)
            .map(|_| Box::pin(wait(Vec::new(), Arc::clone(&places))))
            .collect();
        // The earliest is next, in whichever order they are polled.
        while !turns.is_empty() {
            let mut ready = Vec::new();
            for (index, turn) in turns.iter_mut().enumerate().rev() {
                let mut context = Context::from_waker(Waker::noop());
                if let Poll::Ready(place) = turn.as_mut().poll(&mut context) {
                    ready.push((index, place.unwrap()));
                }
            }
            let [(index, _)] = ready.as_slice() else {
                panic!("one at a time, not {}", ready.len());
            };
            assert_eq!(*index, 0);
            drop(turns.remove(0));
        }
    }
}
