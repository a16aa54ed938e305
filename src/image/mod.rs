//! Disks grain by grain, on all cores: checked, or on their way to another format.
//!
//! [`pool`] hands grains to threads, [`worker`] is one of them. [`check`] walks a stream and has each grain inflated. [`convert`]
//! makes an image of a file, [`sink`] of a download: [`target`] is where that goes, [`writer`] fills it of a stream, [`output`] lists the formats, [`raw`] and [`qcow2`].
//! [`encode`] is the way back: it makes a stream of a raw disk, of one in `qcow2`, or of a stream. It reads disks in pieces, as [`convert`] does with all but a stream.
//! [`open`] reads a disk at any place, by its tables; [`normalise`] gives a stream VMware's layout.

mod check;
mod convert;
#[cfg(target_os = "linux")]
mod device;
mod encode;
mod file;
mod normalise;
mod open;
mod output;
mod pool;
mod qcow2;
mod raw;
mod refused;
mod sink;
mod target;
mod worker;
mod writer;

pub use crate::vmdk::{Finding, FindingKind, GrainCompression, Layout};
pub use check::Disk;
pub(crate) use check::GrainCheck;
pub use convert::{Conversion, ConversionOptions};
pub use encode::{Encoding, EncodingOptions, SourceFormat};
pub use normalise::{Rewriting, Rewritten, Treatment};
pub use open::{About, Extent, Extents, OpenDisk, Stored};
pub use output::{Compression, Format};
pub use sink::ImageSink;
pub use target::Kind;
