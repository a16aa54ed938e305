//! The VMs and the collections of them, and what they are made of.

use std::collections::HashSet;

use super::envelope::Node;
use super::parse::Reading;
use super::{System, product, units};
use crate::error::Result;
use crate::number;

/// CIM's resource types.
const PROCESSOR: &str = "3";
const MEMORY: &str = "4";

/// A VM or a collection, with what is in it; `None` for any other element.
pub(super) fn read(reading: &mut Reading<'_>, node: Node<'_>) -> Result<Option<System>> {
    let kind = match node.kind() {
        "VirtualSystem" => "VirtualSystem",
        "VirtualSystemCollection" => "VirtualSystemCollection",
        "EulaSection" => {
            let eula = node.text_of("License").to_owned();
            reading.found.eulas.push(eula);
            return Ok(None);
        }
        _ => return Ok(None),
    };
    let mut system = System {
        id: node.owned("id").unwrap_or_default(),
        name: node.text_of("Name").to_owned(),
        kind,
        ..System::default()
    };
    for section in node.all("OperatingSystemSection") {
        let description = section.text_of("Description");
        description.clone_into(&mut system.operating_system);
    }
    hardware(node, reading.option.as_deref(), &mut system);
    product::read(reading, node, &system.id)?;
    for child in node.children() {
        let child = read(reading, child)?;
        system.systems.extend(child);
    }
    Ok(Some(system))
}

fn hardware(node: Node<'_>, option: Option<&str>, system: &mut System) {
    for section in node.all("VirtualHardwareSection") {
        for about in section.all("System") {
            let types = about.text_of("VirtualSystemType");
            let each = types.split([',', ' ', '\n', '\t']);
            let versions = each.filter(|one| !one.is_empty()).map(str::to_owned);
            system.hardware_versions.extend(versions);
        }
        let items = section.children();
        for item in
            items.filter(|one| matches!(one.kind(), "Item" | "StorageItem" | "EthernetPortItem"))
        {
            read_item(item, option, system);
        }
    }
    once(&mut system.disks);
    once(&mut system.networks);
}

fn read_item(item: Node<'_>, option: Option<&str>, system: &mut System) {
    // Items of other deployment options than the one that is taken by itself.
    let options = item.attribute("configuration");
    if options.is_some_and(|of| !of.split_whitespace().any(|one| Some(one) == option)) {
        return;
    }
    let quantity = number::count(item.text_of("VirtualQuantity"));
    match item.text_of("ResourceType") {
        PROCESSOR => system.cpus = quantity,
        MEMORY => {
            let unit = units::bytes(item.text_of("AllocationUnits"));
            system.memory = quantity
                .zip(unit)
                .and_then(|(n, unit)| units::times(n, unit));
        }
        _ => {}
    }
    let disks = item.texts_of("HostResource").filter_map(disk_of);
    system.disks.extend(disks.map(str::to_owned));
    let networks = item.texts_of("Connection").filter(|name| !name.is_empty());
    system.networks.extend(networks.map(str::to_owned));
}

fn once(names: &mut Vec<String>) {
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
}

/// The disk that a `HostResource` names: `ovf:/disk/vmdisk1`, in OVF 0.9 `disk/vmdisk1`.
fn disk_of(resource: &str) -> Option<&str> {
    let path = resource.strip_prefix("ovf:").unwrap_or(resource);
    path.trim_start_matches('/').strip_prefix("disk/")
}
