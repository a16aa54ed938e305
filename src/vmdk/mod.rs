//! streamOptimized VMDK: the checks of a stream that cost no pass over it.
//!
//! Imports nothing of the crate. Layout: VMware "Virtual Disk Format 5.0", and a real host's
//! export: version 3, grain directory at the end, footer and end-of-stream marker last.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod grains;
pub(crate) mod stream;

pub use stream::Content;
pub(crate) use stream::{Flaw, Rule, StreamCheck};
