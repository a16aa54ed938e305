//! What is wrong with a stream, as an error.

use crate::error::Error;
use crate::vmdk::{Finding, FindingKind};

/// Of the stream that is called so in messages, after so many bytes of it.
pub(super) fn refused(name: &str, seen: u64, finding: &Finding) -> Error {
    match finding.kind {
        FindingKind::Cut => Error::Truncated {
            what: name.into(),
            seen,
            reason: finding.place().to_string().into(),
            cause: None,
        },
        FindingKind::Format | FindingKind::Damaged => Error::DamagedDisk {
            what: name.into(),
            reason: finding.to_string().into(),
        },
    }
}
