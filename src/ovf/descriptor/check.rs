//! What a descriptor says about itself has to agree.

use std::collections::{HashMap, HashSet};

use super::parse::Reading;
use super::{Descriptor, System};
use crate::error::Result;
use crate::number;
use crate::text::ServerText;

/// Refuses what cannot be imported, and notes what is odd.
pub(super) fn all(reading: &mut Reading<'_>) -> Result<()> {
    references(reading)?;
    for note in [sizes, names, uses] {
        for note in note(&reading.found) {
            reading.note(note);
        }
    }
    if reading.found.systems.is_empty() {
        return Err(reading.refuse("it has no VirtualSystem, so no VM can be made of it".into()));
    }
    Ok(())
}

/// Each id once, and each reference to one that is there.
fn references(reading: &Reading<'_>) -> Result<()> {
    let Descriptor { files, disks, .. } = &reading.found;
    let twice = |kind: &str, id: &str| {
        reading.refuse(format!("two {kind} have the id '{}'", ServerText::new(id)))
    };
    let mut file_ids = HashSet::new();
    for file in files {
        if !file_ids.insert(file.id.as_str()) {
            return Err(twice("files", &file.id));
        }
    }
    let mut disk_ids = HashSet::new();
    for disk in disks {
        if !disk_ids.insert(disk.disk_id.as_str()) {
            return Err(twice("disks", &disk.disk_id));
        }
    }
    for disk in disks {
        let missing = |kind: &str, id: &str| {
            let (disk, id) = (ServerText::new(&disk.disk_id), ServerText::new(id));
            reading.refuse(format!(
                "disk '{disk}' is of the {kind} '{id}', which is not there"
            ))
        };
        if let Some(file) = disk.file_ref.as_deref().filter(|id| !file_ids.contains(id)) {
            return Err(missing("file", file));
        }
        if let Some(parent) = disk
            .parent_ref
            .as_deref()
            .filter(|id| !disk_ids.contains(id))
        {
            return Err(missing("disk", parent));
        }
    }
    Ok(())
}

/// Sizes of compressed disks that are a capacity: govc writes the sum of all for each file.
fn sizes(found: &Descriptor) -> Vec<String> {
    let total = number::sum(found.disks.iter().filter_map(|disk| disk.capacity));
    let disks = found.disks.iter().filter(|disk| disk.is_compressed());
    let capacities: HashMap<_, _> = disks
        .filter_map(|disk| Some((disk.file_ref.as_deref()?, disk.capacity?)))
        .collect();
    let mut notes = Vec::new();
    for file in &found.files {
        let sizes = file.size.zip(capacities.get(file.id.as_str()));
        let Some((size, capacity)) = sizes else {
            continue;
        };
        let most = capacity
            .saturating_add(capacity / 8)
            .saturating_add(1 << 20);
        if size == *capacity || size == total || size > most {
            let href = ServerText::new(&file.href);
            notes.push(format!(
                "'{href}': the size {size} is not that of a compressed disk; the file's own counts"
            ));
        }
    }
    notes
}

/// Names and keys that are there twice.
fn names(found: &Descriptor) -> Vec<String> {
    let files = found.files.iter().map(|file| ("file", file.href.clone()));
    let networks = found
        .networks
        .iter()
        .map(|one| ("network", one.name.clone()));
    let properties = found.properties.iter();
    let properties = properties.map(|one| ("property", format!("{}/{}", one.system, one.key)));
    let options = found.deployment_options.iter();
    let options = options.map(|one| ("deployment option", one.id.clone()));
    let mut seen = HashSet::new();
    files
        .chain(networks)
        .chain(properties)
        .chain(options)
        .filter(|named| !seen.insert(named.clone()))
        .map(|(kind, name)| format!("the {kind} '{}' is there twice", ServerText::new(&name)))
        .collect()
}

/// Networks and disks that a VM uses and nobody declares.
fn uses(found: &Descriptor) -> Vec<String> {
    let networks: HashSet<_> = found.networks.iter().map(|one| one.name.as_str()).collect();
    let disks: HashSet<_> = found.disks.iter().map(|one| one.disk_id.as_str()).collect();
    let mut notes = Vec::new();
    let mut left: Vec<&System> = found.systems.iter().collect();
    while let Some(system) = left.pop() {
        left.extend(&system.systems);
        let missing = |names: &'_ [String], known: &HashSet<&str>, kind: &str| -> Vec<String> {
            let missing = names.iter().filter(|name| !known.contains(name.as_str()));
            let (id, shown) = (ServerText::new(&system.id), ServerText::new);
            missing
                .map(|name| {
                    format!(
                        "VM '{id}' uses the {kind} '{}', which is not declared",
                        shown(name)
                    )
                })
                .collect()
        };
        notes.extend(missing(&system.networks, &networks, "network"));
        notes.extend(missing(&system.disks, &disks, "disk"));
    }
    notes
}
