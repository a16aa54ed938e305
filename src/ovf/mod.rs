//! OVF packages (DSP0243): the descriptor and the manifest file.
//!
//! All of it comes from strangers: it is bounded, and what is quoted of it is escaped. Read
//! [`Descriptor`] first.

mod descriptor;
mod manifest;
mod utf;

pub use descriptor::{
    Compression, DeploymentOption, Descriptor, Disk, File, Network, Outside, Product, Property,
    System,
};
pub use manifest::{Algorithm, Entry, ManifestFile};
