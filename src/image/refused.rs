//! What is wrong with a disk, as an error.

use crate::error::Error;
use crate::vmdk::Finding;

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
