//! When and after how long a repetition is allowed: one decision for all who repeat a request.

use std::time::Duration;

use crate::error::{Again, Error};

/// Decorrelated jitter between these two, as object stores use it.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);

/// What a caller allows.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Repetitions of one disk, 0 to 10.
    pub max_retries: u32,
    /// Seconds that failing may take in all before the last error is raised.
    pub retry_timeout: Duration,
}

/// The state of one transfer's repetitions.
#[derive(Debug)]
pub(crate) struct Retries {
    /// What the caller allows.
    policy: RetryPolicy,
    /// How many repetitions there were: they are counted.
    used: u32,
    /// The next delay is at most three times this.
    last_delay: Duration,
    /// Time without progress, delays included: it counts against `retry_timeout`.
    waited: Duration,
    /// Whether the bytes were wrong once: wrong twice, they stay so.
    were_wrong: bool,
}

impl Retries {
    /// Starts with nothing used.
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Self {
            policy,
            used: 0,
            last_delay: SHORTEST,
            waited: Duration::ZERO,
            were_wrong: false,
        }
    }

    /// Whether the count allows another repetition.
    pub(crate) fn are_left(&self) -> bool {
        self.used < self.policy.max_retries
    }

    /// The delay before the next attempt of what may be done twice, or `None` where that would not
    /// help against this error or the budget is used up.
    ///
    /// `lost` is the time that the failed attempt spent without progress.
    pub(crate) fn after(&mut self, error: &Error, lost: Duration) -> Option<Duration> {
        let helps = match error.again() {
            Again::AsAllowed => true,
            Again::Once => !std::mem::replace(&mut self.were_wrong, true),
            Again::Never => false,
        };
        helps
            .then(|| self.next(lost, fastrand::f64(), error.retry_after()))
            .flatten()
    }

    /// The delay by the budget alone. Pure: time and chance are passed in.
    ///
    /// `lost` is the time that the failed attempt spent without progress, `chance` is uniform in
    /// `0.0..1.0`, `retry_after` is the server's wish.
    fn next(
        &mut self,
        lost: Duration,
        chance: f64,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        if !self.are_left() {
            return None;
        }
        let ceiling = self.last_delay.saturating_mul(3).min(LONGEST);
        let spread = ceiling.saturating_sub(SHORTEST);
        let jittered = SHORTEST.saturating_add(spread.mul_f64(chance.clamp(0.0, 1.0)));
        let delay = retry_after.unwrap_or_default().max(jittered);
        // A server may wish for any number of seconds.
        let waited = self.waited.saturating_add(lost).saturating_add(delay);
        if waited > self.policy.retry_timeout {
            return None;
        }
        self.used = self.used.saturating_add(1);
        self.last_delay = jittered;
        self.waited = waited;
        Some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retries(max_retries: u32, seconds: u64) -> Retries {
        Retries::new(RetryPolicy {
            max_retries,
            retry_timeout: Duration::from_secs(seconds),
        })
    }

    #[test]
    fn stops_at_the_count() {
        let mut retries = retries(2, 180);
        assert!(retries.next(Duration::ZERO, 0.5, None).is_some());
        assert!(retries.next(Duration::ZERO, 0.5, None).is_some());
        assert_eq!(retries.next(Duration::ZERO, 0.5, None), None);
    }

    #[test]
    fn delays_stay_in_their_bounds() {
        let mut retries = retries(100, 10_000);
        for step in 0..100 {
            let delay = retries
                .next(Duration::ZERO, f64::from(step % 11) / 10.0, None)
                .unwrap();
            assert!((SHORTEST..=LONGEST).contains(&delay));
        }
    }

    #[test]
    fn retry_after_is_honoured_within_the_budget() {
        assert_eq!(
            retries(2, 180).next(Duration::ZERO, 0.0, Some(Duration::from_secs(9))),
            Some(Duration::from_secs(9))
        );
        assert_eq!(
            retries(2, 180).next(Duration::ZERO, 0.0, Some(Duration::from_secs(86_400))),
            None
        );
    }

    #[test]
    fn no_wish_is_too_long_to_be_refused() {
        let mut retries = retries(2, 180);
        let one = retries.next(Duration::ZERO, 0.0, Some(Duration::from_secs(1)));
        assert_eq!(one, Some(Duration::from_secs(1)));
        let wish = Some(Duration::from_secs(u64::MAX));
        assert_eq!(retries.next(Duration::MAX, 0.0, wish), None);
    }

    #[test]
    fn the_error_says_whether_it_is_worth_it() {
        let broken = Error::Stall {
            what: "disk".into(),
            moved: 0,
            seconds: 1.0,
        };
        let wrong = Error::SizeMismatch {
            what: "disk".into(),
            expected: 2,
            actual: 1,
        };
        let mut retries = retries(9, 900);
        let mut is_repeated = |error| retries.after(error, Duration::ZERO).is_some();
        let errors = [&wrong, &broken, &wrong, &broken, &Error::Forked];
        assert_eq!(
            errors.map(&mut is_repeated),
            [true, true, false, true, false]
        );
    }

    #[test]
    fn lost_time_counts() {
        assert_eq!(
            retries(2, 60).next(Duration::from_secs(60), 0.0, None),
            None
        );
    }
}
