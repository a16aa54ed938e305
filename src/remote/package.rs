//! A package at an address: an archive, or a descriptor with its files beside it.

use std::path::Path;
use std::sync::Arc;

use super::address::Address;
use super::folder::Folder;
use super::opening::{Opened, open};
use super::repeated::Repeated;
use crate::error::Result;
use crate::io::Stored;
use crate::ovf::{Incoming, Package, is_descriptor};
use crate::transfer::Engine;

/// How a package at an address can be read.
pub enum Found {
    /// Its files by position, side by side.
    Anywhere(Package),
    /// Once, in order: its server answers no Range.
    InOrder(Incoming),
}

/// Opens the package at an address. Waits, for a thread that may.
pub fn package(engine: &Arc<Engine>, address: Address) -> Result<Found> {
    match open(engine, address.clone())? {
        Opened::Anywhere(remote) => {
            let remote = Arc::new(remote);
            if is_descriptor(remote.as_ref())? {
                return beside(engine, address, remote).map(Found::Anywhere);
            }
            Package::of_archive(remote).map(Found::Anywhere)
        }
        Opened::InOrder(whole) if is_named_so(&address) => {
            let file = Repeated::new(Arc::clone(engine), address.clone(), *whole)?;
            beside(engine, address, Arc::new(file)).map(Found::Anywhere)
        }
        Opened::InOrder(whole) => {
            let name = whole.name();
            Incoming::open(whole.read()?, name).map(Found::InOrder)
        }
    }
}

fn beside(engine: &Arc<Engine>, address: Address, descriptor: Arc<dyn Stored>) -> Result<Package> {
    let name = address.file_name();
    let folder = Folder::new(Arc::clone(engine), address, &name, descriptor);
    Package::of_files(Box::new(folder), name)
}

/// Whether it is called as a descriptor is: its first bytes would be read for good.
fn is_named_so(address: &Address) -> bool {
    let name = address.file_name();
    let extension = Path::new(&name).extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("ovf"))
}
