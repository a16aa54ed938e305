//! An error, and what the transfer that it ended knows of itself.

use std::path::PathBuf;

use super::Error;
use crate::advice::Remedy;
use crate::text::ServerText;

/// Which step of a transfer failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reaching the host: until it answers, or until it takes a body.
    Connect,
    /// The answer of the host: its refusal of a download, or its word on the whole of an upload.
    Headers,
    /// The bytes.
    Body,
    /// Size, checksum and the lease's manifest.
    Verify,
    /// Giving the file its name.
    Commit,
    /// The lease, before a transfer was started or as the cause of its end.
    Lease,
}

impl Step {
    /// The word for callers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Headers => "headers",
            Self::Body => "body",
            Self::Verify => "verify",
            Self::Commit => "commit",
            Self::Lease => "lease",
        }
    }
}

/// What went wrong in one transfer, and how far it had come.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The cause.
    pub error: Error,
    /// Which step failed.
    pub step: Step,
    /// `DeviceUrl.key` of the device, fit to be shown.
    pub disk_key: ServerText,
    /// Bytes that had moved in the last attempt.
    pub bytes_done: u64,
    /// How many times the transfer was started.
    pub attempts: u32,
    /// Files that could not be removed.
    pub files_left: Vec<PathBuf>,
    /// Whether the host has some of a disk that cannot be sent to it once more.
    pub(crate) spoilt: bool,
    /// Why the transfer was not repeated, where it else would have been.
    pub note: Option<&'static str>,
}

impl Failure {
    /// Of a transfer of which nothing had moved.
    pub(crate) fn new(disk_key: &str, step: Step, error: Error) -> Self {
        Self {
            error,
            step,
            disk_key: disk_key.into(),
            bytes_done: 0,
            attempts: 0,
            files_left: Vec::new(),
            spoilt: false,
            note: None,
        }
    }

    /// What the caller can do about it.
    pub fn remedy(&self) -> Remedy {
        match self.error.remedy() {
            Remedy::Retry if self.spoilt => Remedy::NewLease,
            other => other,
        }
    }
}
