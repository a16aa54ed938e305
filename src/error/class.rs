//! What an error means for the next step: one class for each variant, and what follows from it.

use std::time::Duration;

use super::Error;
use crate::advice::{Asked, Remedy, of_status};

/// What an error was about.
enum Class {
    /// The way to the other end, or whether it is there.
    Way,
    /// The bytes that came or went.
    Bytes,
    /// The patience for a call.
    Call,
    /// What the other end said to which request.
    Status(Asked, u16),
    /// The lease, which is useless now.
    Lease,
    /// A file, an option or the session.
    Input,
    /// What only a person can judge.
    Person,
}

/// How often the same request is worth another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// As often as the caller allows: what was wrong may pass.
    AsAllowed,
    /// Once: bytes that are wrong twice are wrong.
    Once,
    /// Not at all.
    Never,
}

impl Error {
    /// What the caller can do about it.
    pub fn remedy(&self) -> Remedy {
        match self.class() {
            Class::Way | Class::Bytes | Class::Call => Remedy::Retry,
            Class::Status(asked, status) => of_status(asked, status).1,
            Class::Lease => Remedy::NewLease,
            Class::Input => Remedy::FixInput,
            Class::Person => Remedy::Nobody,
        }
    }

    /// How a message goes on, so that it says what to do. `remedy` is that of all that failed; where
    /// it is to mend something, the text itself or a keyword says what.
    pub fn next_step(&self, remedy: Remedy) -> &'static str {
        match (remedy, self) {
            (Remedy::Retry, _) => "; try the same call again",
            (
                Remedy::NewLease,
                Self::LeaseLost { .. } | Self::LeaseState { .. } | Self::SessionExpired { .. },
            )
            | (Remedy::FixInput | Remedy::Nobody, _) => "",
            (Remedy::NewLease, _) => "; try again with a new lease",
        }
    }

    /// How often the same request is worth another attempt, where what it does may be done twice.
    pub(crate) fn again(&self) -> Again {
        match self.class() {
            Class::Way | Class::Call | Class::Status(_, 408 | 429 | 500 | 502..=504) => {
                Again::AsAllowed
            }
            Class::Bytes => Again::Once,
            Class::Status(..) | Class::Lease | Class::Input | Class::Person => Again::Never,
        }
    }

    /// Whether the server may have ended the lease, so that this would be a consequence of it.
    pub(crate) fn may_mean_lost_lease(&self) -> bool {
        match self.class() {
            Class::Way => true,
            Class::Status(_, status) => matches!(status, 401 | 403 | 404 | 410 | 500 | 502 | 503),
            _ => false,
        }
    }

    /// Whether who waits for a lease must hear it at once: asking again would not change it, and a
    /// proxy may lock the login out.
    pub(crate) fn must_be_heard(&self) -> bool {
        matches!(
            self,
            Self::Tls { .. }
                | Self::ThumbprintMismatch { .. }
                | Self::HttpStatus { status: 407, .. }
        )
    }

    /// How long the other end wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::HttpStatus { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The one line in which a variant says what it means for the next step.
    fn class(&self) -> Class {
        match self {
            Self::Connect { .. } | Self::Stall { .. } | Self::Truncated { .. } => Class::Way,
            Self::ChecksumMismatch { .. } | Self::SizeMismatch { .. } => Class::Bytes,
            Self::WaitTimeout { .. } => Class::Call,
            Self::HttpStatus { asked, status, .. } => Class::Status(*asked, *status),
            Self::LeaseInit { .. }
            | Self::NotReady
            | Self::LeaseLost { .. }
            | Self::LeaseComplete { .. }
            | Self::LeaseState { .. }
            | Self::NotSent { .. }
            | Self::Unlisted { .. }
            | Self::SessionExpired { .. } => Class::Lease,
            Self::Tls { .. }
            | Self::NoSafeTls
            | Self::DescribedSize { .. }
            | Self::SourceChanged { .. }
            | Self::ManifestFileMismatch { .. }
            | Self::InsecureUrl { .. }
            | Self::ManifestMissing { .. }
            | Self::DiskFormat { .. }
            | Self::DamagedDisk { .. }
            | Self::UnsafePath { .. }
            | Self::UnsafeMember { .. }
            | Self::Package { .. }
            | Self::MissingUpload { .. }
            | Self::Exists { .. }
            | Self::Io { .. }
            | Self::InvalidArgument { .. }
            | Self::Forked => Class::Input,
            Self::ThumbprintMismatch { .. }
            | Self::UnexpectedRedirect { .. }
            | Self::Protocol { .. }
            | Self::LimitExceeded { .. }
            | Self::Fault(_)
            | Self::Cancelled
            | Self::Foreign(_)
            | Self::Internal { .. } => Class::Person,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_by_itself_is_said() {
        let (what, reason) = ("disk at esx", "why");
        let status = |status| Error::HttpStatus {
            what: what.into(),
            asked: Asked::Get,
            status,
            reason: reason.into(),
            retry_after: None,
        };
        let errors = [
            Error::Connect {
                what: what.into(),
                reason: reason.into(),
                help: None,
                cause: None,
            },
            Error::Stall {
                what: what.into(),
                moved: 0,
                seconds: 1.0,
            },
            Error::Truncated {
                what: what.into(),
                seen: 1,
                reason: reason.into(),
                cause: None,
            },
            Error::ChecksumMismatch {
                what: what.into(),
                checksum_type: "sha1",
                expected: "a".into(),
                actual: "b".into(),
            },
            Error::SizeMismatch {
                what: what.into(),
                expected: 1,
                actual: 2,
            },
            Error::WaitTimeout {
                what: what.into(),
                seconds: 1.0,
            },
            status(500),
            status(404),
            Error::Unlisted { what: what.into() },
            Error::LeaseInit {
                reason: reason.into(),
                fault: None,
                cause: None,
            },
            Error::LeaseLost {
                reason: reason.into(),
                fault: None,
                cause: None,
            },
            Error::LeaseComplete {
                reason: reason.into(),
                fault: None,
                cause: None,
            },
            Error::SessionExpired {
                reason: reason.into(),
                fault: None,
            },
        ];
        for error in errors {
            let text = format!("{error}{}", error.next_step(error.remedy()));
            let says = match error.remedy() {
                Remedy::Retry => "; try the same call again",
                Remedy::NewLease => "new lease",
                other => panic!("{text}: {other:?}"),
            };
            assert!(text.ends_with(says), "{text}");
        }
    }
}
