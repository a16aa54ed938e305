//! Fast, verified VM disk export and import over a vSphere `HttpNfcLease`.
//!
//! The layers, and who may import whom (a test holds the direction):
//!
//! ```text
//! python -> lease -> transfer -> {http, io, vmdk}
//! python -> remote -> {transfer, ovf}
//!           lease -> soap -> http
//!           ovf -> {xml, io, image} -> vmdk
//! ```
//!
//! - [`text`], [`secrets`], [`number`]: what a server said, the only text of errors and log records.
//! - [`sync`]: a lock that a panic elsewhere does not take away.
//! - [`log`]: log records, kept until somebody comes by who can emit them.
//! - [`advice`]: what to do about an error, and what a status means.
//! - [`error`]: one `Error`, a variant per thing a caller can do differently.
//! - [`threads`]: threads of ours, and the error where the system has none left.
//! - [`xml`]: hostile XML to a small tree.
//! - [`io`]: local bytes: digest, source of an upload, sink of a download.
//! - [`vmdk`]: the checks of a streamOptimized stream, and the walk over all of it.
//! - [`image`]: disks grain by grain, on all cores.
//! - [`ovf`]: packages: descriptor, manifest file, archive.
//! - [`http`]: one client per host and trust, the pin, the retry rule.
//! - [`soap`]: the vim25 wire, only the calls we make.
//! - [`transfer`]: one disk, then many, as tasks that the engine owns.
//! - [`remote`]: a package at an https address.
//! - [`lease`]: the heart: pure state table, keep-alive, device plan, verification.
//! - `sha`: a crate of its own, SHA-1 and SHA-256, several at once.
//! - `python`: a crate of its own, the bindings; nothing here depends on Python.
//!
//! Read [`lease::Lease`] first, then [`transfer::download`].

pub mod advice;
pub mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod image;
pub mod io;
pub mod lease;
pub mod log;
mod number;
pub mod ovf;
pub mod remote;
mod secrets;
pub mod soap;
pub mod sync;
pub mod text;
pub mod threads;
pub mod transfer;
mod vmdk;
mod xml;

pub use error::{Error, Result};
