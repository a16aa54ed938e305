//! A token bucket that transfers share, and whose rate may change at any time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::sync::lock;

/// What a bucket saves while nothing moves, as time: a thread that wakes late makes up for it.
const SAVED: Duration = Duration::from_millis(50);

/// The sum is looked at again after so long, however far away its end is.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A nanosecond at one byte per second, so that no rate needs a fraction.
const PER_BYTE: u128 = 1_000_000_000;

/// A limit in bytes per second. Bytes are counted when they are taken, and wait until the rate has
/// covered them and all that were taken before.
#[derive(Debug)]
pub struct RateLimit {
    /// Bytes per second; 0 means without a limit. Written under the lock of `bucket`.
    rate: AtomicU64,
    bucket: Mutex<Bucket>,
    /// Wakes all that wait when the rate changes.
    changed: Notify,
}

impl Default for RateLimit {
    /// No limit.
    fn default() -> Self {
        Self::new(None)
    }
}

/// Both sums are in [`PER_BYTE`]ths of a byte, from the first one on.
#[derive(Debug)]
struct Bucket {
    /// What was taken.
    taken: u128,
    /// What the rate has covered by `at`: no more than `taken` and what is saved.
    covered: u128,
    at: Instant,
}

/// Where some bytes stand in the sum of what was taken.
#[derive(Debug, Clone, Copy)]
struct Place(u128);

impl RateLimit {
    /// With so many bytes per second, or without a limit.
    pub(crate) fn new(rate: Option<u64>) -> Self {
        Self {
            rate: AtomicU64::new(rate.unwrap_or_default()),
            bucket: Mutex::new(Bucket {
                taken: 0,
                covered: 0,
                at: Instant::now(),
            }),
            changed: Notify::new(),
        }
    }

    /// Changes it, also for who waits now. Returns what it was.
    pub(crate) fn set(&self, rate: Option<u64>) -> Option<u64> {
        let mut bucket = lock(&self.bucket);
        let before = self.rate();
        bucket.advance(before.unwrap_or_default(), Instant::now());
        if before.is_none() {
            bucket.covered = bucket.taken;
        }
        self.rate.store(rate.unwrap_or_default(), Ordering::Relaxed);
        drop(bucket);
        self.changed.notify_waiters();
        before
    }

    /// Bytes per second.
    pub(crate) fn rate(&self) -> Option<u64> {
        Some(self.rate.load(Ordering::Relaxed)).filter(|rate| *rate > 0)
    }

    /// Takes so many bytes and waits until they are covered; at once where nothing is limited.
    pub(super) async fn take(&self, bytes: u64) {
        if self.rate().is_none() {
            return;
        }
        let place = lock(&self.bucket).take(bytes);
        loop {
            // Made before the look: a change between the two wakes it.
            let changed = self.changed.notified();
            let Some(wait) = self.wait(place) else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = changed => {}
            }
        }
    }

    /// How long until what was taken up to here is covered.
    fn wait(&self, place: Place) -> Option<Duration> {
        let mut bucket = lock(&self.bucket);
        let rate = self.rate()?;
        bucket.advance(rate, Instant::now());
        bucket.wait(place, rate)
    }
}

impl Bucket {
    fn take(&mut self, bytes: u64) -> Place {
        self.taken = self
            .taken
            .saturating_add(u128::from(bytes).saturating_mul(PER_BYTE));
        Place(self.taken)
    }

    /// Covers what the time since the last look is worth.
    fn advance(&mut self, rate: u64, now: Instant) {
        let worth = |time: Duration| time.as_nanos().saturating_mul(u128::from(rate));
        let passed = now.saturating_duration_since(self.at);
        self.at = self.at.max(now);
        self.covered = self
            .covered
            .saturating_add(worth(passed))
            .min(self.taken.saturating_add(worth(SAVED)));
    }

    fn wait(&self, Place(place): Place, rate: u64) -> Option<Duration> {
        let missing = place.checked_sub(self.covered).filter(|left| *left > 0)?;
        let nanos = missing.checked_div(u128::from(rate))?.saturating_add(1);
        let wait = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        Some(wait.min(LONGEST_WAIT))
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use std::sync::Arc;

    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);
    const RATE: u64 = 1_000_000;

    /// Takes pieces one after another at `rate` by a clock that wakes `late`: the time for all.
    fn time_for(pieces: &[u64], rate: u64, late: Duration) -> Duration {
        let limit = RateLimit::new(Some(rate));
        let mut bucket = lock(&limit.bucket);
        let begun = bucket.at;
        let mut now = begun;
        for bytes in pieces {
            let place = bucket.take(*bytes);
            bucket.advance(rate, now);
            while let Some(wait) = bucket.wait(place, rate) {
                now += wait + late;
                bucket.advance(rate, now);
            }
        }
        now - begun
    }

    #[test]
    fn ten_seconds_are_ten_seconds_however_late_a_thread_wakes() {
        for piece in [1_000, 65_536, 262_144] {
            let pieces = vec![piece; usize::try_from(10 * RATE / piece).unwrap()];
            let asked = Duration::from_micros(pieces.iter().sum()); // a microsecond a byte
            for late in [0, 1, 20, 45] {
                let took = time_for(&pieces, RATE, late * MILLISECOND);
                // What was late at the very end cannot be made up for.
                let most = asked + asked / 100 + SAVED;
                assert!((asked..=most).contains(&took), "{piece} {late}: {took:?}");
            }
        }
    }

    #[test]
    fn a_pause_saves_a_moment_and_no_more() {
        let limit = RateLimit::new(Some(RATE));
        let mut bucket = lock(&limit.bucket);
        let later = bucket.at + Duration::from_secs(3600);
        bucket.advance(RATE, later);
        let place = bucket.take(RATE);
        bucket.advance(RATE, later);
        let wait = bucket.wait(place, RATE).unwrap();
        assert_eq!(wait.as_millis(), 950);
    }

    #[test]
    fn numbers_without_end_overflow_nothing() {
        let limit = RateLimit::new(Some(u64::MAX));
        let mut bucket = lock(&limit.bucket);
        let later = bucket.at + Duration::from_secs(u64::from(u32::MAX));
        let places: Vec<_> = (0..4).map(|_| bucket.take(u64::MAX)).collect();
        bucket.advance(u64::MAX, later);
        assert!(bucket.wait(places[3], u64::MAX).is_none());
        assert_eq!(bucket.wait(Place(u128::MAX), 1), Some(LONGEST_WAIT));
    }

    async fn took(limit: Arc<RateLimit>, bytes: u64) -> Duration {
        let begun = Instant::now();
        limit.take(bytes).await;
        begun.elapsed()
    }

    #[tokio::test]
    async fn who_waits_hears_of_a_change() {
        let limit = Arc::new(RateLimit::new(Some(1024)));
        let waiting = [(); 3].map(|()| tokio::spawn(took(Arc::clone(&limit), 1 << 30)));
        tokio::time::sleep(50 * MILLISECOND).await;
        assert!(waiting.iter().all(|task| !task.is_finished()));
        assert_eq!(limit.set(Some(1 << 40)), Some(1024));
        for task in waiting {
            assert!(task.await.unwrap() >= 50 * MILLISECOND);
        }
        let waiting = tokio::spawn(took(Arc::clone(&limit), 1 << 60));
        tokio::time::sleep(10 * MILLISECOND).await;
        assert_eq!(limit.set(None), Some(1 << 40));
        waiting.await.unwrap();
        assert_eq!(limit.set(Some(1 << 40)), None);
        // What was let go without a limit is not owed.
        assert!(took(limit, 1 << 20).await < Duration::from_secs(60));
    }

    #[tokio::test]
    async fn all_that_share_it_move_no_faster_than_it() {
        let limit = Arc::new(RateLimit::new(Some(RATE)));
        let begun = Instant::now();
        let tasks = [(); 4].map(|()| {
            let limit = Arc::clone(&limit);
            tokio::spawn(async move {
                for _ in 0..10 {
                    limit.take(10_000).await;
                }
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
        assert!(begun.elapsed() >= 400 * MILLISECOND);
    }
}
