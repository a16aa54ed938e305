//! A streamOptimized VMDK that is written from its first byte to its last, without a seek.
//!
//! VMware's own layout: each grain table behind its grains, then the directory, the footer and the
//! end-of-stream marker. [`StreamWriter`] writes it, [`Packer`] makes the grains ready on any thread.

mod deflate;
mod descriptor;
mod packer;
mod writer;

pub use deflate::GrainCompression;
pub(crate) use descriptor::Shape;
pub(crate) use packer::{Packed, Packer, is_zero};
pub(crate) use writer::StreamWriter;

/// Bytes of a grain as VMware writes it.
pub(crate) const GRAIN_BYTES: usize = 65_536;

/// Sectors of it.
pub(crate) const GRAIN: u64 = 128;
