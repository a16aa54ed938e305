//! One error enum for the crate: a variant for each thing a caller can do differently.
//!
//! `what` names the object in the reader's words ("disk-1.vmdk at esx7"); it never holds a URL, a
//! cookie or a ticket. Every text in here is a [`Text`] or a [`ServerText`]: escaped and bounded.

mod cause;
mod class;
mod failure;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::advice::{Asked, of_status};
use crate::text::{ServerText, Text};

pub(crate) use cause::Cause;
pub(crate) use class::Again;
pub use failure::Failure;
pub(crate) use failure::Step;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A fault that the server sent, with the whole reply so that pyvmomi can rebuild its own class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFault {
    /// The WSDL name of the fault type (`Timedout`, `InvalidState`, ...), empty when untyped.
    pub name: ServerText,
    /// The `faultstring`.
    pub(crate) message: ServerText,
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
    Connect {
        what: Text,
        reason: Text,
        /// What may help, where that is known.
        help: Option<TlsHelp>,
        #[source]
        cause: Option<Cause>,
    },

    #[error("{what}: TLS failed: {reason}")]
    Tls {
        what: Text,
        reason: Text,
        /// What may help, where that is known.
        help: Option<TlsHelp>,
        #[source]
        cause: Option<Cause>,
    },

    #[error(
        "{what}: the certificate's thumbprint is {actual}, expected {expected}; \
         nothing was sent, the host may be an impostor or its certificate was replaced"
    )]
    ThumbprintMismatch {
        what: Text,
        expected: ServerText,
        actual: Text,
        /// Whether the pin is a CA's certificate, which no server shows.
        is_ca: bool,
    },

    /// What the session's own TLS allows, older protocols or ciphers, is not spoken here.
    #[error(
        "invalid argument: the session allows neither TLS 1.2 nor 1.3 with a cipher suite that is \
         safe today (ECDHE with AES-GCM or ChaCha20), and nfclease does not speak older ones"
    )]
    NoSafeTls,

    #[error("{what}: the data URL is http:// but the session is https://")]
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
        /// The server's wish.
        retry_after: Option<Duration>,
    },

    #[error("{what}: {}", stalled(*.moved, *.seconds))]
    Stall {
        what: Text,
        moved: u64,
        seconds: f64,
    },

    #[error("{what}: the stream ended early after {seen} bytes ({reason})")]
    Truncated {
        what: Text,
        seen: u64,
        reason: Text,
        #[source]
        cause: Option<Cause>,
    },

    #[error("{what}: broken protocol: {reason}")]
    Protocol {
        what: Text,
        reason: Text,
        #[source]
        cause: Option<Cause>,
    },

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

    #[error(
        "{what}: {checksum_type} is {actual} here and {expected} in the manifest file; the file is \
         damaged, or was changed without its line there"
    )]
    ManifestFileMismatch {
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

    /// Its length is the same; where that differs, it is a size that does.
    #[error(
        "{what}: the source changed while it was read: {reason}; nothing may write to it meanwhile"
    )]
    SourceChanged { what: Text, reason: Text },

    #[error(
        "{what}: the lease manifest has no {checksum_type} entry for it, and require_manifest is set{}",
        listed.map(|listed| format!("; it lists {listed}")).unwrap_or_default()
    )]
    ManifestMissing {
        what: Text,
        checksum_type: &'static str,
        /// The type of the checksum that is there in its place.
        listed: Option<&'static str>,
    },

    #[error(
        "{what}: the host took it, but the lease manifest lists other uploads and not this one"
    )]
    Unlisted { what: Text },

    #[error("nothing was uploaded for {devices}")]
    MissingUpload { devices: Text },

    #[error(
        "{what} (the source against its descriptor): size is {actual} bytes, expected {expected}"
    )]
    DescribedSize {
        what: Text,
        expected: u64,
        actual: u64,
    },

    #[error("{what}: not a streamOptimized VMDK: {reason}")]
    DiskFormat { what: Text, reason: Text },

    /// A disk that was looked at to the grain is damaged, or none; `reason` says which, and where.
    #[error("{what}: {reason}")]
    DamagedDisk { what: Text, reason: Text },

    #[error("unsafe file name '{name}': {reason}")]
    UnsafePath { name: ServerText, reason: Text },

    /// An OVF package, its descriptor or its manifest file.
    #[error("{what}: {reason}")]
    Package { what: Text, reason: Text },

    #[error("{what}: unsafe file name '{name}': {reason}")]
    UnsafeMember {
        what: Text,
        name: ServerText,
        reason: Text,
    },

    #[error("{path}: the file exists", path = path.display())]
    Exists { path: PathBuf },

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
        #[source]
        cause: Option<Arc<Error>>,
    },

    #[error("the lease was to be completed before it was ready")]
    NotReady,

    #[error(
        "the lease is lost: {reason}; nothing unverified was kept; start again with a new lease"
    )]
    LeaseLost {
        reason: Text,
        fault: Option<Box<ServerFault>>,
        #[source]
        cause: Option<Arc<Error>>,
    },

    #[error("the lease could not be completed: {reason}")]
    LeaseComplete {
        reason: Text,
        fault: Option<Box<ServerFault>>,
        #[source]
        cause: Option<Arc<Error>>,
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
        "it was not sent: an earlier file for the same device failed ({before}), and this one may be a delta of it"
    )]
    NotSent {
        #[source]
        before: Arc<Error>,
    },

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

    /// What a protocol does not allow.
    pub(crate) fn protocol(what: impl Into<Text>, reason: impl Into<Text>) -> Self {
        Self::Protocol {
            what: what.into(),
            reason: reason.into(),
            cause: None,
        }
    }

    /// The same, where another error shows it: that one is the source.
    pub(crate) fn protocol_by(
        what: impl Into<Text>,
        reason: impl Into<Text>,
        cause: &(dyn std::error::Error + 'static),
    ) -> Self {
        Self::Protocol {
            what: what.into(),
            reason: reason.into(),
            cause: Some(Cause::of(cause, ServerText::new)),
        }
    }

    /// So little has moved in so long.
    pub(crate) fn stall(what: impl Into<Text>, moved: u64, waited: Duration) -> Self {
        Self::Stall {
            what: what.into(),
            moved,
            seconds: waited.as_secs_f64(),
        }
    }

    /// What is wrong with a package.
    pub(crate) fn package(what: impl Into<Text>, reason: impl Into<Text>) -> Self {
        Self::Package {
            what: what.into(),
            reason: reason.into(),
        }
    }

    /// An invariant of ours that did not hold.
    pub fn internal(invariant: impl Into<Text>) -> Self {
        Self::Internal {
            invariant: invariant.into(),
        }
    }
}

/// What may help a connection on its way; how it is given is the caller's matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsHelp {
    /// A pin, with which the host would be believed.
    Pin,
    /// A client certificate: the server may want one, and the session has none that can be read.
    Identity,
    /// Another choice of TLS versions in the session.
    Versions,
    /// A CA or a pin, of a package's address.
    Package,
}

/// The rule is a rate: some bytes may have moved.
fn stalled(moved: u64, seconds: f64) -> String {
    match moved {
        0 => format!("no data moved for {seconds:.0} s"),
        _ => format!("{moved} bytes moved in {seconds:.0} s, which is too slow to go on"),
    }
}
