//! From the bytes to a [`Descriptor`].

use std::collections::HashMap;

use super::envelope::{Node, root};
use super::{
    Compression, DeploymentOption, Descriptor, Disk, File, Network, Outside, check, product,
    systems, units,
};
use crate::error::{Error, Result};
use crate::number;
use crate::ovf::{href, limits, utf};
use crate::text::ServerText;
use crate::xml::{self, Element};

/// More notes say nothing new.
const MOST_NOTES: usize = 50;

impl Descriptor {
    /// Reads one; `what` is its name in messages.
    pub fn parse(bytes: &[u8], what: &str, outside: Outside) -> Result<Self> {
        let seen = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        limits::DESCRIPTOR.check(what, seen)?;
        let text = utf::text(bytes, what)?;
        let element = document(&text.content, what)?;
        let (envelope, version) = root(&element, what)?;
        let mut reading = Reading {
            what,
            outside,
            found: Self {
                version,
                ..Self::default()
            },
            option: None,
        };
        if text.was_utf16 {
            reading.note("it is UTF-16, which few products read".into());
        }
        if version == "0.9" {
            reading
                .note("it is of OVF 0.9, from before the standard: vSphere may refuse it".into());
        }
        reading.envelope(envelope)?;
        check::all(&mut reading)?;
        Ok(reading.found)
    }
}

/// The tree. What XML does not allow is a fault of the package.
fn document(text: &str, what: &str) -> Result<Element> {
    xml::parse_text(text, what, &xml::DOCUMENT).map_err(|error| match error {
        Error::Protocol { what, reason, .. } => Error::package(what, reason),
        other => other,
    })
}

/// A descriptor while it is read.
pub(super) struct Reading<'a> {
    pub(super) what: &'a str,
    outside: Outside,
    pub(super) found: Descriptor,
    /// The deployment option that is taken where nobody chooses: the one that says so, else the first.
    pub(super) option: Option<String>,
}

impl Reading<'_> {
    pub(super) fn refuse(&self, reason: String) -> Error {
        Error::package(self.what, reason)
    }

    pub(super) fn note(&mut self, note: String) {
        if self.found.notes.len() < MOST_NOTES {
            self.found.notes.push(note);
        }
    }

    fn envelope(&mut self, envelope: Node<'_>) -> Result<()> {
        // What others refer to first, wherever it stands.
        for section in envelope.all("DeploymentOptionSection") {
            let found = section.all("Configuration").map(deployment_option);
            self.found.deployment_options.extend(found);
        }
        let options = &self.found.deployment_options;
        let default = options.iter().find(|one| one.default);
        self.option = default.or(options.first()).map(|one| one.id.clone());
        for file in envelope.all("References").flat_map(|one| one.all("File")) {
            self.file(file)?;
        }
        for system in envelope.children() {
            if let Some(system) = systems::read(self, system)? {
                self.found.systems.push(system);
            }
        }
        product::read(self, envelope, "")?;
        let defaults = self.numbers();
        for disk in envelope.all("DiskSection").flat_map(|one| one.all("Disk")) {
            self.disk(disk, &defaults)?;
        }
        let networks = envelope
            .all("NetworkSection")
            .flat_map(|one| one.all("Network"));
        self.found.networks.extend(networks.map(|one| Network {
            name: one.owned("name").unwrap_or_default(),
            description: one.text_of("Description").to_owned(),
        }));
        Ok(())
    }

    fn file(&mut self, file: Node<'_>) -> Result<()> {
        let id = file.owned("id");
        let id = id.ok_or_else(|| self.refuse("a File has no id".into()))?;
        let named = ServerText::new(&id);
        let href = file.raw("href").unwrap_or_default().to_owned();
        let path = self.path(&href)?;
        let size = self.number(file, "size", &format!("file '{named}'"));
        let chunk_size = match file.owned("chunkSize") {
            None => None,
            Some(text) => match number::count(&text) {
                None | Some(0) => {
                    let text = ServerText::new(&text);
                    return Err(self.refuse(format!("file '{named}': its chunkSize is '{text}'")));
                }
                found => found,
            },
        };
        let compression = match file.attribute("compression").unwrap_or_default() {
            "" | "identity" => Compression::Identity,
            "gzip" => Compression::Gzip,
            other => {
                let other = ServerText::new(other);
                return Err(self.refuse(format!(
                    "file '{named}': its compression '{other}' is neither gzip nor identity"
                )));
            }
        };
        self.found.files.push(File {
            id,
            href,
            path,
            size,
            chunk_size,
            compression,
        });
        Ok(())
    }

    /// The path of a file in the package.
    fn path(&mut self, href: &str) -> Result<Option<String>> {
        match (href::path_of(href), self.outside) {
            (Ok(path), _) => Ok(Some(path)),
            (Err(reason), Outside::Refused) => Err(Error::UnsafeMember {
                what: self.what.into(),
                name: href.into(),
                reason: reason.into(),
            }),
            (Err(reason), Outside::Noted) => {
                let href = ServerText::new(href);
                self.note(format!("the file '{href}' cannot be read: {reason}"));
                Ok(None)
            }
        }
    }

    /// The properties that are numbers by default, by their keys.
    fn numbers(&self) -> HashMap<String, u64> {
        let properties = self.found.properties.iter();
        let numbers = properties
            .filter_map(|one| Some((one.key.clone(), number::count(one.default.as_deref()?)?)));
        numbers.collect()
    }

    fn disk(&mut self, disk: Node<'_>, defaults: &HashMap<String, u64>) -> Result<()> {
        let disk_id = disk.owned("diskId");
        let disk_id = disk_id.ok_or_else(|| self.refuse("a Disk has no diskId".into()))?;
        let named = format!("disk '{}'", ServerText::new(&disk_id));
        let capacity = self.capacity(disk, &named, defaults)?;
        let populated_size = self.number(disk, "populatedSize", &named);
        self.found.disks.push(Disk {
            disk_id,
            file_ref: disk.owned("fileRef"),
            capacity,
            format: disk.owned("format").unwrap_or_default(),
            populated_size,
            parent_ref: disk.owned("parentRef"),
        });
        Ok(())
    }

    fn capacity(
        &mut self,
        disk: Node<'_>,
        named: &str,
        defaults: &HashMap<String, u64>,
    ) -> Result<Option<u64>> {
        let text = disk.attribute("capacity").unwrap_or_default();
        let property = text
            .strip_prefix("${")
            .and_then(|key| key.strip_suffix('}'));
        let count = if let Some(key) = property {
            defaults.get(key).copied()
        } else {
            let wrong = format!(
                "{named}: its capacity '{}' is not a number below 2^63",
                ServerText::new(text)
            );
            Some(number::count(text).ok_or_else(|| self.refuse(wrong))?)
        };
        let Some(count) = count else {
            let text = ServerText::new(text);
            self.note(format!("{named}: its capacity is what '{text}' will be"));
            return Ok(None);
        };
        let unit = disk.owned("capacityAllocationUnits");
        let unit = unit.as_deref().unwrap_or("byte");
        let size = units::bytes(unit).ok_or_else(|| {
            let unit = ServerText::new(unit);
            self.refuse(format!("{named}: '{unit}' is not a unit of bytes"))
        })?;
        let bytes = units::times(count, size).ok_or_else(|| {
            self.refuse(format!(
                "{named}: its capacity of {count} x {size} bytes is too large"
            ))
        })?;
        Ok(Some(bytes))
    }

    /// An attribute that is a count of bytes; nonsense is noted, since nothing depends on it.
    fn number(&mut self, node: Node<'_>, name: &str, of: &str) -> Option<u64> {
        let text = node.attribute(name).filter(|text| !text.is_empty())?;
        let count = number::count(text);
        if count.is_none() {
            let text = ServerText::new(text);
            self.note(format!("{of}: its {name} '{text}' is not a count of bytes"));
        }
        count
    }
}

fn deployment_option(node: Node<'_>) -> DeploymentOption {
    DeploymentOption {
        id: node.owned("id").unwrap_or_default(),
        label: node.text_of("Label").to_owned(),
        description: node.text_of("Description").to_owned(),
        default: node.attribute("default").and_then(number::flag) == Some(true),
    }
}
