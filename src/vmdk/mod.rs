//! streamOptimized VMDK: the checks of a stream that cost no pass over it, and the walk that looks at
//! every part of it.
//!
//! Imports nothing of the crate. Layout: VMware "Virtual Disk Format 5.0", and a real host's
//! export: version 3, grain directory at the end, footer and end-of-stream marker last.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod descriptor;
mod finding;
mod grains;
mod header;
mod inflate;
pub(crate) mod stream;
mod tables;
#[cfg(test)]
pub(crate) mod testing;
mod walk;

pub use finding::{Finding, FindingKind};
pub(crate) use header::{Header, SECTOR};
pub(crate) use inflate::{Inflater, unwrapped};
pub use stream::Content;
pub(crate) use stream::{Flaw, Rule, StreamCheck};
pub use walk::Layout;
pub(crate) use walk::{Grain, Walk};
