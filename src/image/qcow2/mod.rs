//! qcow2 images.

#[allow(dead_code, reason = "some is for readers alone")]
mod layout;
mod writer;
mod writer_deflate;
mod writer_space;

pub(super) use writer::Qcow2;
