//! When the next Progress is due and when a lease counts as lost. Pure: the time is passed in.

use std::time::Duration;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);
/// A failed call is repeated after this, or after the interval when that is shorter.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// The deadline of one call.
const LONGEST_CALL: Duration = Duration::from_secs(10);
/// What a server that names no usable timeout is taken to mean.
const ASSUMED_TIMEOUT: Duration = Duration::from_secs(60);

/// The keep-alive's plan for one lease. Times are counted from any fixed moment.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    interval: Duration,
    lease_timeout: Duration,
    last_success: Duration,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Call again at this moment.
    At(Duration),
    /// No success for 80 % of the lease timeout.
    Lost,
}

impl Schedule {
    /// A plan from `info.leaseTimeout` in seconds; `interval` overrides the usual tenth of it.
    pub(super) fn new(lease_timeout: i64, interval: Option<Duration>, now: Duration) -> Self {
        let lease_timeout = match u32::try_from(lease_timeout) {
            Ok(seconds) if seconds > 0 => Duration::from_secs(seconds.into()),
            _ => ASSUMED_TIMEOUT,
        };
        let interval = match interval {
            // A longer one would lose the lease, or leave no time for a second try.
            Some(interval) => interval.min(share(lease_timeout, 2)),
            None => share(lease_timeout, 10).clamp(SHORTEST, LONGEST),
        };
        Self {
            interval,
            lease_timeout,
            last_success: now,
        }
    }

    /// The deadline of one call: short leases leave no time for slow ones.
    pub(super) fn call_timeout(&self) -> Duration {
        share(self.lease_timeout, 3).clamp(SHORTEST, LONGEST_CALL)
    }

    /// The server renewed the lease; the interval counts from the start of that call.
    pub(super) fn renewed(&mut self, started: Duration, now: Duration) -> Next {
        self.last_success = now;
        Next::At(started.saturating_add(self.interval))
    }

    /// A call failed.
    pub(super) fn failed(&self, now: Duration) -> Next {
        let patience = share(self.lease_timeout, 5).saturating_mul(4);
        let lost_at = self.last_success.saturating_add(patience);
        if now >= lost_at {
            return Next::Lost;
        }
        // The last try is made just then, while the server may still hold the lease.
        let again = now.saturating_add(AFTER_FAILURE.min(self.interval));
        Next::At(again.min(lost_at))
    }
}

fn share(whole: Duration, parts: u32) -> Duration {
    whole.checked_div(parts).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn interval_is_a_tenth_within_bounds() {
        for (lease_timeout, interval) in [
            (300, 15),
            (100, 10),
            (3, 1),
            (0, 6),
            (-1, 6),
            (i64::MAX, 6),
            (4_000_000_000, 15),
        ] {
            let mut schedule = Schedule::new(lease_timeout, None, seconds(0));
            assert_eq!(
                schedule.renewed(seconds(5), seconds(6)),
                Next::At(seconds(5 + interval)),
                "{lease_timeout}"
            );
        }
    }

    #[test]
    fn an_interval_of_the_users_is_half_the_timeout_at_most() {
        for (wanted, interval) in [(5, 5), (149, 149), (1000, 150)] {
            let mut schedule = Schedule::new(300, Some(seconds(wanted)), seconds(0));
            let next = schedule.renewed(seconds(0), seconds(0));
            assert_eq!(next, Next::At(seconds(interval)));
        }
    }

    #[test]
    fn lost_at_eighty_percent_of_silence() {
        let mut schedule = Schedule::new(300, None, seconds(0));
        schedule.renewed(seconds(100), seconds(100));
        assert_eq!(schedule.failed(seconds(300)), Next::At(seconds(302)));
        assert_eq!(schedule.failed(seconds(339)), Next::At(seconds(340)));
        assert_eq!(schedule.failed(seconds(340)), Next::Lost);
    }

    #[test]
    fn short_leases_get_short_calls() {
        assert_eq!(
            Schedule::new(3, None, seconds(0)).call_timeout(),
            seconds(1)
        );
        assert_eq!(
            Schedule::new(300, None, seconds(0)).call_timeout(),
            seconds(10)
        );
    }
}
