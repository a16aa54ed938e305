//! One disk, then many: tasks that the engine owns and callers only watch.
//!
//! Imports [`crate::http`], [`crate::io`] and [`crate::vmdk`]; knows of a lease only what
//! [`LeaseServer`] asks of it. Read [`download`] first, then [`upload`].

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub(crate) mod attempt;
pub mod download;
pub(crate) mod engine;
mod file_sum;
mod format;
mod limit;
pub(crate) mod pace;
mod pairing;
pub mod panics;
pub(crate) mod progress;
mod rate;
mod sending;
pub(crate) mod source_check;
pub(crate) mod task;
pub(crate) mod upload;
mod workers;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use url::Url;

use crate::error::{Error, Result};
use crate::http::Client;
use crate::http::retry::RetryPolicy;
use crate::io::{ChecksumType, Digests};
use crate::text::{Place, said_at};

pub use crate::vmdk::Content;
pub use download::Download;
pub use engine::Engine;
pub use file_sum::FileSum;
pub use format::{Depth, Format};
pub use limit::{Limit, UNANNOUNCED};
pub use progress::Progress;
pub(crate) use progress::Snapshot;
pub use rate::{RateLimit, RateLimits};
pub use source_check::{Described, SourceCheck, VerifySize};
pub use task::{Outcome, Transfer};
pub use upload::{Upload, UploadMethod};

/// What both directions need to know of their device.
#[derive(Debug, Clone)]
pub struct Job {
    /// The client whose trust fits the device's host; all devices of the host share it.
    pub client: Client,
    /// The data URL; a bearer secret.
    pub url: Url,
    /// The session's cookie, when the device's host is the session's own.
    pub headers: HeaderMap,
    /// `DeviceUrl.key`, by which the manifest lists it.
    pub key: String,
    /// The device in the reader's words, for every message of it.
    pub what: Arc<str>,
    /// What log records of it are about, so that they can be found by VM and host.
    pub place: Arc<Place>,
    /// The digest to compute in passing: the one that the manifest is expected to list.
    pub checksum_type: ChecksumType,
    /// The sum that the package's manifest file has of the file, computed in the same pass.
    pub file_sum: Option<FileSum>,
    /// How long the other end may be silent: nothing else ends a transfer that stands still.
    pub timeout: Duration,
    /// How often it is repeated, and for how long.
    pub retry: RetryPolicy,
    /// How fast its bytes may move.
    pub rate_limits: RateLimits,
}

impl Job {
    /// What computes the server's digest, and beside it the manifest file's.
    fn digests(&self) -> Digests {
        let also = self.file_sum.as_ref().map(FileSum::checksum_type);
        Digests::new(self.checksum_type, also)
    }

    /// Logs that there will be another attempt.
    fn say_again(&self, error: &Error, delay: Duration) {
        said_at!(
            warn,
            self.place,
            "{error}; starting it again in {:.1} s",
            delay.as_secs_f64()
        );
    }
}

/// How far the bytes were proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// Against the lease manifest: size and checksum are the server's.
    Manifest,
    /// A download: framing, size and format only; the manifest has no checksum of it. An upload: the
    /// host's word, which took all of it; the manifest has no checksum of it, and lists no other
    /// upload alone.
    Stream,
}

/// What moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// `DeviceUrl.key`.
    pub(crate) key: String,
    /// The device in the reader's words.
    pub(crate) what: Arc<str>,
    /// Bytes of the stream.
    pub bytes: u64,
    /// Their digest, lower-case hex.
    pub checksum: String,
    /// Which digest it is.
    pub checksum_type: ChecksumType,
    /// The digest for a manifest file, where one was asked for.
    pub file_checksum: Option<String>,
    /// Of a disk: what it holds.
    pub content: Option<Content>,
    /// Which way it went.
    pub(crate) way: Way,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the server: an export.
    Here,
    /// To the server: an import.
    There,
}

/// A finished transfer.
#[derive(Debug, Clone)]
pub struct Completed {
    /// What moved.
    pub moved: Moved,
    /// How far it was proved.
    pub verified: Verified,
    /// Seconds from the first request to the last check.
    pub seconds: f64,
    /// How many times it was started.
    pub attempts: u32,
}

impl Completed {
    /// What the last attempt brought. Its progress is over.
    fn new((moved, verified): (Moved, Verified), progress: &Progress, started: Instant) -> Self {
        progress.finish();
        Self {
            moved,
            verified,
            seconds: started.elapsed().as_secs_f64(),
            attempts: progress.snapshot().attempts,
        }
    }
}

/// What a comparison with the lease manifest says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// How far the bytes are proved.
    Done(Verified),
    /// The server lists only a sum of this type, which was not computed.
    Needs(ChecksumType),
}

/// What a transfer asks of the lease's server besides the bytes.
pub trait LeaseServer: Send + Sync + 'static {
    /// `Ok` while the lease is `ready`; else why it is lost.
    fn still_ready(&self) -> impl Future<Output = Result<()>> + Send;
    /// Compares with the lease manifest.
    fn verify(&self, moved: &Moved) -> impl Future<Output = Result<Verified>> + Send;
    /// The same for what may be read once more: it may need a sum of another type first.
    fn compare(&self, moved: &Moved) -> impl Future<Output = Result<Comparison>> + Send {
        async { self.verify(moved).await.map(Comparison::Done) }
    }
}
