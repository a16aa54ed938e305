//! One error enum for the crate: a variant for each thing a caller can do differently.
//!
//! `what` names the object in the reader's words ("disk-1.vmdk at esx7"); it never holds a URL, a
//! cookie or a ticket. Every text in here is a [`Text`] or a [`ServerText`]: escaped and bounded.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::advice::{Asked, Remedy, of_status};
use crate::text::{ServerText, Text};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A fault that the server sent, with the whole reply so that pyvmomi can rebuild its own class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFault {
    /// The WSDL name of the fault type (`Timedout`, `InvalidState`, ...), empty when untyped.
    pub name: ServerText,
    /// The `faultstring`.
    pub message: ServerText,
    /// The SOAP envelope as received.
    pub envelope: Vec<u8>,
}

/// Everything that can go wrong, by what the caller can do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "each variant's message says what its fields are"
)]
pub enum Error {
    #[error("{what}: {reason}")]
    Connect { what: Text, reason: Text },

    #[error("{what}: TLS failed: {reason}")]
    Tls { what: Text, reason: Text },

    #[error(
        "{what}: the certificate's thumbprint is {actual}, expected {expected}; \
         nothing was sent, the host may be an impostor or its certificate was replaced"
    )]
    ThumbprintMismatch {
        what: Text,
        expected: ServerText,
        actual: Text,
    },

    #[error(
        "{what}: the data URL is http:// but the session is https://; \
         pass allow_http=True only when the network is trusted"
    )]
    InsecureUrl { what: Text },

    #[error("{what}: unexpected redirect ({status}) to {location}; redirects are never followed")]
    UnexpectedRedirect {
        what: Text,
        status: u16,
        location: ServerText,
    },

    #[error("{what}: HTTP status {status} {reason} ({usually})", usually = of_status(*asked, *status).0)]
    HttpStatus {
        what: Text,
        asked: Asked,
        status: u16,
        reason: Text,
    },

    #[error("{what}: {}", stalled(*.moved, *.seconds))]
    Stall {
        what: Text,
        moved: u64,
        seconds: f64,
    },

    #[error("{what}: the stream ended early after {seen} bytes ({reason})")]
    Truncated { what: Text, seen: u64, reason: Text },

    #[error("{what}: broken protocol: {reason}")]
    Protocol { what: Text, reason: Text },

    #[error("{what}: {limit} exceeded (limit {allowed}, seen {seen})")]
    LimitExceeded {
        what: Text,
        limit: &'static str,
        allowed: u64,
        seen: u64,
    },

    #[error(
        "{what}: {checksum_type} is {actual} here and {expected} at the server; the bytes are wrong"
    )]
    ChecksumMismatch {
        what: Text,
        checksum_type: &'static str,
        expected: ServerText,
        actual: Text,
    },

    #[error("{what}: size is {actual} bytes, expected {expected}")]
    SizeMismatch {
        what: Text,
        expected: u64,
        actual: u64,
    },

    #[error(
        "{what}: the lease manifest has no {checksum_type} entry for it, and require_manifest is set{hint}"
    )]
    ManifestMissing {
        what: Text,
        checksum_type: &'static str,
        hint: &'static str,
    },

    #[error(
        "{what}: the host said that it took it, and the lease manifest lists other uploads and not this one; \
         require_manifest=False takes the host's word"
    )]
    Unlisted { what: Text },

    #[error(
        "nothing was uploaded for {devices}; require_uploads=spec.fileItem leaves out disks that are to stay empty, \
         require_uploads=False any"
    )]
    MissingUpload { devices: Text },

    #[error("{what}: not a streamOptimized VMDK: {reason}; verify_format=False accepts any bytes")]
    DiskFormat { what: Text, reason: Text },

    #[error("unsafe file name '{name}' from the server: {reason}")]
    UnsafePath { name: ServerText, reason: Text },

    #[error("{path}: {source}", path = path.display())]
    Io {
        path: PathBuf,
        source: Arc<io::Error>,
    },

    #[error("{}: {}", .0.name, .0.message)]
    Fault(Box<ServerFault>),

    #[error("the lease did not become ready: {reason}")]
    LeaseInit {
        reason: Text,
        fault: Option<Box<ServerFault>>,
    },

    #[error(
        "the lease is lost: {reason}; nothing unverified was kept; start again with a new lease"
    )]
    LeaseLost {
        reason: Text,
        fault: Option<Box<ServerFault>>,
    },

    #[error("the lease could not be completed: {reason}")]
    LeaseComplete {
        reason: Text,
        fault: Option<Box<ServerFault>>,
    },

    #[error("the session is gone (NotAuthenticated): {reason}; log in again and open a new lease")]
    SessionExpired {
        reason: Text,
        fault: Option<Box<ServerFault>>,
    },

    #[error("the lease is {state}; {hint}")]
    LeaseState { state: &'static str, hint: Text },

    #[error("invalid argument: {reason}")]
    InvalidArgument { reason: Text },

    #[error("timed out after {seconds:.1} s waiting for {what}")]
    WaitTimeout { what: Text, seconds: f64 },

    #[error("the transfer was cancelled")]
    Cancelled,

    #[error(
        "it was not sent: what goes to the same device before it was not taken ({before}), and it may be a delta of that"
    )]
    NotSent { before: Text },

    #[error("this lease belongs to the parent process; open a new one in this process")]
    Forked,

    #[error("a local reader or writer failed")]
    Foreign(ForeignError),

    #[error("internal error: {invariant}; please report it")]
    Internal { invariant: Text },
}

/// An error object that belongs to the caller and passes through the core unread.
#[derive(Clone)]
pub struct ForeignError(pub Arc<dyn std::any::Any + Send + Sync>);

impl std::fmt::Debug for ForeignError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ForeignError")
    }
}

impl Error {
    /// A local I/O failure with the path it happened on.
    pub fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io {
            path: path.into(),
            source: Arc::new(source),
        }
    }

    /// An invariant of ours that did not hold.
    pub fn internal(invariant: impl Into<Text>) -> Self {
        Self::Internal {
            invariant: invariant.into(),
        }
    }

    /// What the caller can do about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Connect { .. }
            | Self::Stall { .. }
            | Self::Truncated { .. }
            | Self::ChecksumMismatch { .. }
            | Self::SizeMismatch { .. }
            | Self::WaitTimeout { .. } => Remedy::Retry,
            Self::HttpStatus { asked, status, .. } => of_status(*asked, *status).1,
            Self::LeaseInit { .. }
            | Self::LeaseLost { .. }
            | Self::LeaseComplete { .. }
            | Self::LeaseState { .. }
            | Self::NotSent { .. }
            | Self::Unlisted { .. }
            | Self::SessionExpired { .. } => Remedy::NewLease,
            Self::Tls { .. }
            | Self::InsecureUrl { .. }
            | Self::ManifestMissing { .. }
            | Self::DiskFormat { .. }
            | Self::UnsafePath { .. }
            | Self::MissingUpload { .. }
            | Self::Io { .. }
            | Self::InvalidArgument { .. }
            | Self::Forked => Remedy::FixInput,
            Self::ThumbprintMismatch { .. }
            | Self::UnexpectedRedirect { .. }
            | Self::Protocol { .. }
            | Self::LimitExceeded { .. }
            | Self::Fault(_)
            | Self::Cancelled
            | Self::Foreign(_)
            | Self::Internal { .. } => Remedy::Nobody,
        }
    }

    /// Whether a whole-disk GET may be repeated after this, while the lease is `ready`.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Stall { .. }
            | Self::Truncated { .. }
            | Self::ChecksumMismatch { .. }
            | Self::SizeMismatch { .. } => true,
            Self::HttpStatus { status, .. } => {
                matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
            }
            _ => false,
        }
    }

    /// Whether the bytes themselves were wrong: these get one repetition, not the whole budget.
    pub fn is_integrity(&self) -> bool {
        matches!(
            self,
            Self::ChecksumMismatch { .. } | Self::SizeMismatch { .. }
        )
    }

    /// Whether the cause may be that the server no longer holds the lease.
    pub fn may_mean_lost_lease(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Stall { .. } | Self::Truncated { .. } => true,
            Self::HttpStatus { status, .. } => {
                matches!(status, 401 | 403 | 404 | 410 | 500 | 502 | 503)
            }
            _ => false,
        }
    }
}

/// The rule is a rate: some bytes may have moved.
fn stalled(moved: u64, seconds: f64) -> String {
    match moved {
        0 => format!("no data moved for {seconds:.0} s"),
        _ => format!("{moved} bytes moved in {seconds:.0} s, which is too slow to go on"),
    }
}

impl Failure {
    /// What the caller can do about it.
    pub fn remedy(&self) -> Remedy {
        match self.error.remedy() {
            Remedy::Retry if self.spoilt => Remedy::NewLease,
            other => other,
        }
    }
}

/// What went wrong in one transfer, and how far it had come.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The cause.
    pub error: Error,
    /// Which step failed: `connect`, `headers`, `body`, `verify`, `commit` or `lease`.
    pub phase: &'static str,
    /// `DeviceUrl.key` of the device.
    pub disk_key: String,
    /// Bytes that had moved in the last attempt.
    pub bytes_done: u64,
    /// How many times the transfer was started.
    pub attempts: u32,
    /// Files that could not be removed.
    pub files_left: Vec<PathBuf>,
    /// Whether the host has some of a disk that cannot be sent to it once more.
    pub spoilt: bool,
    /// Why the transfer was not repeated, where it else would have been.
    pub note: Option<&'static str>,
}
