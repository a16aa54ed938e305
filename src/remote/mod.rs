//! Bytes at an https address, read by position: a few Range requests, taken up again where they break.
//!
//! Read [`address::Address`] first, then [`stored::Remote`]. A server that answers no Range is read
//! once, in order: [`whole::Whole`].

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod address;
mod ask;
mod blocks;
mod content_range;
mod folder;
mod opening;
mod package;
mod pump;
mod repeated;
mod stored;
mod whole;

pub use address::Address;
pub use package::{Found, package};
