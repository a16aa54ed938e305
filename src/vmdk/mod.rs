//! streamOptimized VMDK: the checks of a stream that cost no pass over it, the walk that looks at every
//! part of it, and the writer.
//!
//! Imports nothing of the crate. Layout: VMware "Virtual Disk Format 5.0", and a real host's
//! export: version 3, grain directory at the end, footer and end-of-stream marker last.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub(crate) mod descriptor;
mod encode;
mod finding;
mod front;
mod grains;
mod header;
mod inflate;
mod reader;
mod stored_blocks;
pub(crate) mod stream;
mod tables;
#[cfg(test)]
pub(crate) mod testing;
mod walk;

pub use encode::GrainCompression;
pub(crate) use encode::{GRAIN, GRAIN_BYTES, Packed, Packer, Shape, StreamWriter, is_zero};
pub use finding::{Finding, FindingKind};
pub(crate) use header::{Header, SECTOR, TABLE_ENTRIES};
pub(crate) use inflate::{Inflater, unwrapped};
pub(crate) use reader::{ENTRY, Entry, Index, TAIL};
pub(crate) use stored_blocks::stored_blocks;
pub use stream::Content;
pub(crate) use stream::{Flaw, Rule, StreamCheck};
pub(crate) use tables::entries;
pub use walk::Layout;
pub(crate) use walk::{Grain, Walk};
