//! Disks grain by grain, on all cores: checked, or on their way to another format.
//!
//! [`pool`] hands grains to threads, [`worker`] is one of them. [`check`] walks a stream and has each grain inflated. [`convert`]
//! makes another file of a stream, [`sink`] of a download: [`raw`] is one kind, which [`writer`] fills.
//! [`open`] reads a disk at any place, by its tables; [`normalise`] gives a stream VMware's layout.

mod check;
mod convert;
mod normalise;
mod open;
mod pool;
mod qcow2;
mod raw;
mod sink;
mod worker;
mod writer;

pub use crate::vmdk::{Finding, FindingKind, GrainCompression, Layout};
pub use check::Disk;
pub(crate) use check::GrainCheck;
pub use convert::Conversion;
pub use normalise::{Rewriting, Rewritten, Treatment};
pub use open::{About, Extent, Extents, OpenDisk, Stored};
pub use sink::RawSink;
