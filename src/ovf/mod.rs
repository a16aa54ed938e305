//! OVF packages (DSP0243): the descriptor, the manifest file, and the archive of an OVA.
//!
//! All of it comes from strangers: it is bounded, and what is quoted of it is escaped. Read
//! [`Package`] first, then [`Descriptor`].

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod check;
mod descriptor;
mod fetching;
mod href;
mod incoming;
mod limits;
mod manifest;
mod once;
mod ova_writer;
mod package;
mod saving;
pub(crate) mod tar;
mod utf;

pub use check::{Checked, DiskCheck, FileCheck, Piece};
pub use descriptor::{
    Compression, DeploymentOption, Descriptor, Disk, File, Network, Outside, Product, Property,
    System, with_sizes,
};
pub use fetching::fetch;
pub use incoming::{Incoming, Seen};
pub use manifest::{Entry, ManifestFile, algorithm};
pub use ova_writer::{KnownSum, OvaWriter, Slots};
pub use package::{Files, Package, is_descriptor};
