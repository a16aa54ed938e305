//! Local bytes: what a download writes, what an upload reads, and their digest.
//!
//! Imports only [`crate::error`]. Read [`sink::Sink`] and [`source::Source`] first.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub(crate) mod again;
mod blocks;
pub(crate) mod digest;
mod digests;
mod directory;
mod file_sink;
mod gzip;
mod joined;
mod lanes;
pub mod names;
pub(crate) mod part;
pub(crate) mod piece_reader;
mod pipe;
mod reader;
mod rename;
mod several;
pub(crate) mod sink;
pub(crate) mod sink_writer;
mod slice;
pub(crate) mod source;
pub(crate) mod staged;
mod steady;
mod stored;
#[cfg(test)]
pub(crate) mod testing;
mod watched;
pub(crate) mod writes;

pub use digest::{ChecksumType, Digest};
pub use digests::Digests;
pub use file_sink::FileSink;
pub use gzip::{GzipCount, GzipSource};
pub use joined::Joined;
pub use pipe::{PipeSink, pipe};
pub use reader::Reader;
pub use several::SeveralSinks;
pub use sink::{Sink, Wait};
pub use slice::{Slice, SliceSource};
pub(crate) use source::Next;
pub use source::{FileSource, MemorySource, ReaderSource, Source};
pub use staged::Overwrite;
pub use stored::{Cost, Stored, StoredFile, StoredPath};
pub use watched::Watched;
