//! How long the parts of a package that are read into memory may be.

use crate::error::{Error, Result};
use crate::text::Text;

/// What Cloud Director reads of a descriptor at most.
pub(super) const DESCRIPTOR: Limit = Limit {
    name: "size of a descriptor",
    bytes: 12 * 1024 * 1024,
};
/// What Cloud Director reads of a manifest file at most.
pub(super) const MANIFEST: Limit = Limit {
    name: "size of a manifest file",
    bytes: 1024 * 1024,
};

/// A length that nothing honest exceeds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    name: &'static str,
    bytes: u64,
}

impl Limit {
    /// Refuses what is longer; `what` is its name in messages.
    pub(super) fn check(self, what: impl Into<Text>, seen: u64) -> Result<()> {
        if seen <= self.bytes {
            return Ok(());
        }
        Err(Error::LimitExceeded {
            what: what.into(),
            limit: self.name,
            allowed: self.bytes,
            seen,
        })
    }
}
