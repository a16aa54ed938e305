//! What is wrong with a disk, as an error.

use super::worker::Wrong;
use crate::error::{Error, Result};
use crate::vmdk::Finding;

/// How it went, by the check of the grains and the walk: a grain before the end of the walk may be wrong,
/// too.
pub(super) fn judged(
    name: &str,
    checked: Result<(), Wrong>,
    walked: Result<(), Finding>,
) -> Result<()> {
    match (checked, walked) {
        (Err(Wrong::Failed(error)), _) => Err(error),
        (Err(Wrong::Damaged(finding)), _) | (Ok(()), Err(finding)) => Err(refused(name, &finding)),
        (Ok(()), Ok(())) => Ok(()),
    }
}

/// Of the stream that is called so in messages. One that is cut was stored so: to read it again helps
/// nobody.
pub(super) fn refused(name: &str, finding: &Finding) -> Error {
    damaged(name, finding.to_string())
}

/// Of a disk of any format.
pub(super) fn damaged(name: &str, reason: impl AsRef<str>) -> Error {
    Error::DamagedDisk {
        what: name.into(),
        reason: reason.as_ref().to_owned().into(),
    }
}
