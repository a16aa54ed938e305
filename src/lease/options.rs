//! What the user may choose for a lease.

use std::time::Duration;

use super::plan::PlainHttp;
use super::verification::compare::RequireManifest;
use super::verification::uploads::RequireUploads;
use crate::http::retry::RetryPolicy;
use crate::io::ChecksumType;
use crate::transfer::VerifySize;
use crate::transfer::download::Format;

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
    /// Whether a source must be as long as its descriptor says.
    pub verify_size: VerifySize,
    /// Bytes that are taken of a file whose size the lease does not say.
    pub max_unannounced_size: u64,
    /// Whether `http` data URLs are accepted from an `https` session.
    pub plain_http: PlainHttp,
}
