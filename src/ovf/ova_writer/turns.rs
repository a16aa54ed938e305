//! When a member begins: at once where the streams are held up by their host, as those of most are;
//! else when a core is free for it.
//!
//! What is spooled is written twice. That pays where it saves a wait for the host. A stream that is
//! as fast as a core of this machine is held up by nothing: another one beside it on the same core
//! would save no time, and cost the copy.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::sync::lock;

/// Bytes in a second. A host gives 20 to 30 MB/s to one stream; a core digests and decrypts several
/// times as much as this.
const FAST: u64 = 128 << 20;
/// How long is looked at before a stream is called fast or slow.
const LOOK: Duration = Duration::from_secs(1);

/// Whose turn it is.
pub(super) struct Turns {
    /// So many streams may be fast at once: a core for each, and one for the rest.
    cores: usize,
    fast: u64,
    look: Duration,
    state: Mutex<State>,
    /// Bytes that went straight into the archive.
    straight: AtomicU64,
    /// Told of each change.
    changed: Notify,
}

struct State {
    /// The member that may go straight into the archive. A core is kept for it.
    next: usize,
    /// Those that have begun, from `next` on.
    begun: BTreeSet<usize>,
    /// How many have begun and are not whole.
    moving: usize,
    /// Nobody waits any more.
    is_over: bool,
}

/// A member that has begun, until it is dropped.
pub(super) struct Turn(Arc<Turns>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0
            .change(|state| state.moving = state.moving.saturating_sub(1));
    }
}

impl Turns {
    /// Those of this machine. Without an archive to go straight into, none waits.
    pub(super) fn new(is_archive: bool) -> Arc<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        Self::of(cores, FAST, LOOK, is_archive)
    }

    fn of(cores: usize, fast: u64, look: Duration, is_archive: bool) -> Arc<Self> {
        Arc::new(Self {
            cores: cores.saturating_sub(1).max(1),
            fast,
            look,
            state: Mutex::new(State {
                next: 0,
                begun: BTreeSet::new(),
                moving: 0,
                is_over: !is_archive,
            }),
            straight: AtomicU64::new(0),
            changed: Notify::new(),
        })
    }

    /// Waits until this member begins.
    pub(super) async fn wait(self: &Arc<Self>, index: usize) -> Turn {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.begin(index, |state| state.may(index, self.cores)) {
                break;
            }
            let (since, before) = (Instant::now(), self.straight.load(Ordering::Relaxed));
            let is_unchanged = timeout(self.look, changed).await.is_err();
            if is_unchanged && self.is_slow(since, before) {
                self.begin(index, |_| true);
                break;
            }
        }
        Turn(Arc::clone(self))
    }

    /// So many bytes more went straight into the archive.
    pub(super) fn went_straight(&self, bytes: usize) {
        self.straight.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Another member may go straight into the archive.
    pub(super) fn next(&self, next: usize) {
        self.change(|state| {
            state.next = next;
            state.begun = state.begun.split_off(&next);
        });
    }

    /// Nothing becomes of the archive any more: who waits goes on, and hears of it.
    pub(super) fn over(&self) {
        self.change(|state| state.is_over = true);
    }

    fn begin(&self, index: usize, may: impl FnOnce(&State) -> bool) -> bool {
        let mut state = lock(&self.state);
        let begins = may(&state);
        if begins {
            state.begun.insert(index);
            state.moving = state.moving.saturating_add(1);
        }
        begins
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.state));
        self.changed.notify_waiters();
    }

    fn is_slow(&self, since: Instant, before: u64) -> bool {
        let moved = self.straight.load(Ordering::Relaxed).saturating_sub(before);
        let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        moved < self.fast.saturating_mul(millis) / 1000
    }
}

impl State {
    fn may(&self, index: usize, cores: usize) -> bool {
        let kept = usize::from(!self.begun.contains(&self.next));
        self.is_over || self.next == index || self.moving.saturating_add(kept) < cores
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use tokio::task::{JoinHandle, yield_now};

    use super::*;

    /// No look ends.
    const NEVER: Duration = Duration::from_hours(1);
    /// Many end in any test.
    const OFTEN: Duration = Duration::from_millis(1);

    fn waiting(turns: &Arc<Turns>, index: usize) -> JoinHandle<Turn> {
        let turns = Arc::clone(turns);
        tokio::spawn(async move { turns.wait(index).await })
    }

    /// Not one of many looks let it begin.
    async fn waits_on(turn: &JoinHandle<Turn>) {
        tokio::time::sleep(OFTEN.saturating_mul(50)).await;
        assert!(!turn.is_finished());
    }

    #[tokio::test]
    async fn beside_a_fast_stream_none_begins_on_its_core() {
        for cores in [1, 2] {
            // Nothing is slower than this.
            let turns = Turns::of(cores, 0, OFTEN, true);
            let first = turns.wait(0).await;
            let (second, third) = (waiting(&turns, 1), waiting(&turns, 2));
            waits_on(&second).await;
            // The first is whole. The turn is the second one's, also if the third looks first.
            turns.next(1);
            drop(first);
            waits_on(&third).await;
            let second = second.await.unwrap();
            waits_on(&third).await;
            turns.next(2);
            let _third = third.await.unwrap();
            drop(second);
        }
    }

    #[tokio::test]
    async fn beside_a_slow_stream_all_begin() {
        let turns = Turns::of(2, u64::MAX, OFTEN, true);
        let _first = turns.wait(0).await;
        turns.went_straight(1 << 20);
        let (second, third) = (waiting(&turns, 1), waiting(&turns, 2));
        let _both = (second.await.unwrap(), third.await.unwrap());
    }

    #[tokio::test]
    async fn what_is_slow() {
        let turns = Turns::of(2, FAST, NEVER, true);
        let since = Instant::now().checked_sub(LOOK).unwrap();
        assert!(turns.is_slow(since, 0));
        turns.went_straight(usize::try_from(FAST / 2).unwrap());
        assert!(turns.is_slow(since, 0));
        turns.went_straight(usize::MAX / 2);
        assert!(!turns.is_slow(since, 0));
        assert!(turns.is_slow(since, turns.straight.load(Ordering::Relaxed)));
    }

    #[tokio::test]
    async fn each_core_has_a_stream() {
        let turns = Turns::of(5, FAST, NEVER, true);
        let mut those = Vec::new();
        for index in [0, 3, 1, 2] {
            those.push(turns.wait(index).await);
        }
        let fifth = waiting(&turns, 4);
        yield_now().await;
        assert!(!fifth.is_finished());
        those.pop();
        let _fifth = fifth.await.unwrap();
    }

    #[tokio::test]
    async fn a_core_is_kept_for_the_first() {
        let turns = Turns::of(3, FAST, NEVER, true);
        let _second = turns.wait(1).await;
        let third = waiting(&turns, 2);
        yield_now().await;
        assert!(!third.is_finished());
        let first = turns.wait(0).await;
        drop(first);
        let _third = third.await.unwrap();
    }

    #[tokio::test]
    async fn none_waits_for_nothing() {
        let turns = Turns::of(2, FAST, NEVER, false);
        let _those = (
            turns.wait(2).await,
            turns.wait(1).await,
            turns.wait(0).await,
        );
        let turns = Turns::of(2, FAST, NEVER, true);
        let _first = turns.wait(0).await;
        let second = waiting(&turns, 1);
        yield_now().await;
        assert!(!second.is_finished());
        turns.over();
        let _second = second.await.unwrap();
    }
}
