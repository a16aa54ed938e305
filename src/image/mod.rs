//! Disks grain by grain, on all cores: checked, or on their way to another format.
//!
//! [`pool`] hands grains to threads, [`worker`] is one of them. [`check`] walks a stream and has each grain inflated. [`convert`]
//! makes another file of a stream, [`sink`] of a download: [`target`] is where that goes, [`writer`] fills it, [`output`] lists the formats, [`raw`] and [`qcow2`].

mod check;
mod convert;
#[cfg(target_os = "linux")]
mod device;
mod file;
mod output;
mod pool;
mod qcow2;
mod raw;
mod sink;
mod target;
mod worker;
mod writer;

pub use crate::vmdk::{Finding, FindingKind, Layout};
pub use check::Disk;
pub(crate) use check::GrainCheck;
pub use convert::Conversion;
pub use output::{Compression, Format};
pub use sink::ImageSink;
pub use target::Kind;
