//! Connections that wait for the next request to their host.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, Weak};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::super::settings::{MOST_IDLE, POOL_IDLE};
use super::connect::Destination;
use super::link::Link;
use crate::sync::lock;

/// The idle connections of a client.
#[derive(Default)]
pub(super) struct Pool(Mutex<State>);

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    /// Whether a task closes those whose time is over.
    is_watched: bool,
}

struct Idle {
    to: Destination,
    link: Link,
    until: Instant,
}

impl Pool {
    /// A connection that was alive a moment ago.
    pub(super) async fn take(&self, to: &Destination, or_elsewhere: bool) -> Option<Link> {
        while let Some(mut link) = self.latest(to, or_elsewhere) {
            // A look at the sockets first: the host may have closed it meanwhile.
            yield_now().await;
            if poll_fn(|cx| Poll::Ready(link.is_ready(cx))).await {
                return Some(link);
            }
        }
        None
    }

    /// The one that was used last, of this thread if there is one.
    fn latest(&self, to: &Destination, or_elsewhere: bool) -> Option<Link> {
        let idle = &mut lock(&self.0).idle;
        let last = |or_elsewhere| {
            idle.iter()
                .rposition(|idle| idle.to == *to && idle.link.is_of_use(or_elsewhere))
        };
        let at = last(false).or_else(|| last(or_elsewhere))?;
        Some(idle.remove(at).link)
    }

    /// Keeps one for the next request, for a while.
    pub(super) fn put(self: &Arc<Self>, to: Destination, link: Link) {
        let (Ok(runtime), Some(until)) =
            (Handle::try_current(), Instant::now().checked_add(POOL_IDLE))
        else {
            return;
        };
        let mut state = lock(&self.0);
        if state.idle.iter().filter(|idle| idle.to == to).count() >= MOST_IDLE {
            return;
        }
        state.idle.push(Idle { to, link, until });
        if !std::mem::replace(&mut state.is_watched, true) {
            runtime.spawn(watch(Arc::downgrade(self), until));
        }
    }

    /// Closes those whose time is over; returns when that of the next one is.
    fn close_old(&self) -> Option<Instant> {
        let (now, mut state) = (Instant::now(), lock(&self.0));
        state.idle.retain(|idle| idle.until > now);
        let next = state.idle.iter().map(|idle| idle.until).min();
        state.is_watched = next.is_some();
        next
    }
}

async fn watch(pool: Weak<Pool>, first: Instant) {
    let mut next = Some(first);
    while let Some(until) = next {
        sleep_until(until).await;
        let Some(pool) = pool.upgrade() else { return };
        next = pool.close_old();
    }
}
