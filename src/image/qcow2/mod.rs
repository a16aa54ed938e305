//! qcow2 images: what they are like, and a reader for images of any writer.
//!
//! QEMU, docs/interop/qcow2.rst. [`reader`] walks the tables, [`clusters`] reads what they refer to,
//! [`budget`] bounds both by the file's length.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod budget;
mod clusters;
mod header;
mod layout;
mod reader;
mod table;
#[cfg(test)]
mod tests;

pub(super) use layout::MAGIC;
pub(super) use reader::Qcow2Disk;
