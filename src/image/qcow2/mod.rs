//! qcow2 images: what they are like, a reader for images of any writer, and a writer.
//!
//! QEMU, docs/interop/qcow2.rst. [`reader`] walks the tables, [`clusters`] reads what they refer to,
//! [`budget`] bounds both by the file's length. [`writer`] is a grain pool's work.

#[cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
mod budget;
#[cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
mod clusters;
#[cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
mod header;
mod layout;
#[cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
mod reader;
#[cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
mod table;
#[cfg(test)]
mod tests;
// It counts what the walk has checked.
mod writer;

pub(super) use layout::MAGIC;
pub(super) use reader::Qcow2Disk;
pub(super) use writer::Qcow2;
