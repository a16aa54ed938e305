//! What the user may choose for a lease, and what of it is valid: judged once, here.

use std::time::Duration;

use super::plan::PlainHttp;
use super::verification::compare::RequireManifest;
use super::verification::uploads::RequireUploads;
use crate::error::{Error, Result};
use crate::http::retry::RetryPolicy;
use crate::io::ChecksumType;
use crate::transfer::{Depth, Format, VerifySize};

/// Whether the lease is renewed by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAlive {
    /// By the keep-alive thread, at this interval or at a tenth of the lease timeout.
    Native(Option<Duration>),
    /// By the script itself.
    Off,
}

/// The options of one lease.
#[derive(Debug, Clone)]
pub struct Options {
    /// SHA-256 is asked of the server (`SetManifestChecksumType`); it lists SHA-1 unasked.
    pub checksum_type: Option<ChecksumType>,
    /// Who renews the lease.
    pub keep_alive: KeepAlive,
    /// Transfers at once.
    pub max_concurrency: usize,
    /// What failing may cost.
    pub retry: RetryPolicy,
    /// How long the other end may be silent.
    pub timeout: Duration,
    /// Whether a missing manifest entry is an error.
    pub require_manifest: RequireManifest,
    /// What an import must have been sent before it is completed.
    pub require_uploads: RequireUploads,
    /// What a disk's stream must be.
    pub disk_format: Format,
    /// How closely that is looked at.
    pub disk_depth: Depth,
    /// Whether a source must be as long as its descriptor says.
    pub verify_size: VerifySize,
    /// Bytes that are taken of a file whose size the lease does not say.
    pub max_unannounced_size: u64,
    /// Bytes that all transfers of the lease move in a second, at most.
    pub max_bytes_per_second: Option<u64>,
    /// Whether `http` data URLs are accepted from an `https` session.
    pub plain_http: PlainHttp,
}

/// Each number that may be chosen, by its name, with the least and the most that it may be.
const RANGES: [(&str, i128, i128); 4] = [
    // A host serves no more streams well, and a semaphore cannot count all that a `usize` can.
    ("max_concurrency", 1, 64),
    // What can be repeated so often will not come.
    ("max_retries", 0, 10),
    // vSphere's sizes are signed.
    ("max_unannounced_size", 1, (1 << 63) - 1),
    // Less is a stream that stands still.
    ("max_bytes_per_second", 1024, (1 << 63) - 1),
];
/// A wait of a hundred years is one for ever.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A positive number of seconds. One that is longer than anybody waits is taken as that long.
pub fn seconds(value: f64, name: &str) -> Result<Duration> {
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if !duration.is_zero() => Ok(duration.min(LONGEST)),
        _ => Err(not_positive(name)),
    }
}

/// The same where 0 is a number as well: failing may cost no time at all.
pub fn seconds_or_none(value: f64, name: &str) -> Result<Duration> {
    let seconds = Duration::try_from_secs_f64(value).map(|seconds| seconds.min(LONGEST));
    seconds.map_err(|_| invalid(format!("{name} must be a number of seconds, 0 or more")))
}

/// Refuses a number out of its range, which may be before there is a lease to make with it.
pub fn check_number(name: &str, value: impl TryInto<i128>) -> Result<()> {
    let value = value.try_into().unwrap_or(i128::MAX);
    for (one, low, high) in RANGES {
        if one == name && !(low..=high).contains(&value) {
            return Err(invalid(format!(
                "{name} must be {low} to {high}, not {value}"
            )));
        }
    }
    Ok(())
}

impl Options {
    /// Refuses what would make a lease that waits for ever, or that cannot move anything.
    pub(super) fn check(&self) -> Result<()> {
        check_number("max_concurrency", self.max_concurrency)?;
        check_number("max_retries", self.retry.max_retries)?;
        check_number("max_unannounced_size", self.max_unannounced_size)?;
        check_rate(self.max_bytes_per_second)?;
        check_wait("timeout", self.timeout)?;
        if let KeepAlive::Native(Some(interval)) = self.keep_alive {
            check_wait("keep_alive_interval", interval)?;
        }
        match self.retry.retry_timeout {
            Duration::ZERO => Ok(()),
            budget => check_wait("retry_timeout", budget),
        }
    }
}

/// Refuses a rate at which nothing would move.
pub(super) fn check_rate(rate: Option<u64>) -> Result<()> {
    rate.map_or(Ok(()), |rate| check_number("max_bytes_per_second", rate))
}

fn check_wait(name: &str, wait: Duration) -> Result<()> {
    if wait.is_zero() {
        return Err(not_positive(name));
    }
    if wait > LONGEST {
        let most = LONGEST.as_secs();
        return Err(invalid(format!("{name} must be {most} seconds at most")));
    }
    Ok(())
}

fn not_positive(name: &str) -> Error {
    invalid(format!("{name} must be a positive number of seconds"))
}

fn invalid(reason: String) -> Error {
    Error::InvalidArgument {
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            checksum_type: None,
            keep_alive: KeepAlive::Native(None),
            max_concurrency: 4,
            retry: RetryPolicy {
                max_retries: 0,
                retry_timeout: Duration::ZERO,
            },
            timeout: Duration::from_secs(1),
            require_manifest: RequireManifest::AsListed,
            require_uploads: RequireUploads::EveryDevice,
            disk_format: Format::StreamOptimized,
            disk_depth: Depth::Ends,
            verify_size: VerifySize::Yes,
            max_unannounced_size: 1,
            max_bytes_per_second: None,
            plain_http: PlainHttp::Refuse,
        }
    }

    type Breaks = fn(&mut Options);

    #[test]
    fn what_would_wait_for_ever_is_refused() {
        assert!(options().check().is_ok());
        let broken: [(&str, Breaks); 10] = [
            ("max_concurrency", |o| o.max_concurrency = 0),
            ("max_concurrency", |o| o.max_concurrency = usize::MAX),
            ("max_retries", |o| o.retry.max_retries = u32::MAX),
            ("retry_timeout", |o| o.retry.retry_timeout = Duration::MAX),
            ("timeout", |o| o.timeout = Duration::ZERO),
            ("timeout", |o| o.timeout = Duration::MAX),
            ("keep_alive_interval", |o| {
                o.keep_alive = KeepAlive::Native(Some(Duration::ZERO));
            }),
            ("max_bytes_per_second", |o| {
                o.max_bytes_per_second = Some(0);
            }),
            ("max_unannounced_size", |o| o.max_unannounced_size = 0),
            ("max_unannounced_size", |o| {
                o.max_unannounced_size = u64::MAX;
            }),
        ];
        for (name, breaks) in broken {
            let mut options = options();
            breaks(&mut options);
            let error = options.check().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn seconds_are_finite() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0] {
            assert!(seconds(value, "timeout").is_err(), "{value}");
        }
        assert_eq!(seconds(1e18, "timeout").unwrap(), LONGEST);
        assert_eq!(seconds(0.5, "timeout").unwrap().as_millis(), 500);
        assert!(seconds_or_none(0.0, "retry_timeout").unwrap().is_zero());
        assert!(seconds_or_none(f64::NAN, "retry_timeout").is_err());
    }
}
