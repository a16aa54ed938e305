//! Which file is the descriptor, and which are its `.mf` and `.cert`.

use super::broken;
use super::files::Files;
use crate::error::Result;
use crate::text::ServerText;

/// The files that say what the others are.
pub(super) struct Found {
    pub(super) descriptor: String,
    pub(super) manifest: Option<String>,
    pub(super) has_certificate: bool,
}

impl Found {
    /// The full name of a file that the descriptor calls so: it is relative to the descriptor.
    pub(super) fn beside(&self, name: &str) -> String {
        match self.descriptor.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{name}"),
            None => name.to_owned(),
        }
    }
}

/// In an archive: the first descriptor counts, as it does for the readers that look for one.
pub(super) fn in_archive(files: &dyn Files, notes: &mut Vec<String>) -> Result<Found> {
    let names: Vec<String> = files.list().into_iter().map(|(name, _)| name).collect();
    let mut descriptors = names.iter().filter(|name| ends_with(name, ".ovf"));
    let Some(descriptor) = descriptors.next() else {
        let reason = "the archive has no member that ends with .ovf";
        return Err(broken(files.name(), reason.into()));
    };
    if descriptors.next().is_some() {
        let shown = ServerText::from(descriptor);
        notes.push(format!("it has several descriptors; '{shown}' counts"));
    }
    if names.first() != Some(descriptor) {
        notes.push(
            "the descriptor is not the first member, where ovftool and vSphere want it".into(),
        );
    }
    Ok(among(&names, descriptor.clone(), notes))
}

/// The one descriptor of a directory.
pub(super) fn only_descriptor(files: &dyn Files) -> Result<String> {
    let names = files.list().into_iter().map(|(name, _)| name);
    let mut descriptors: Vec<String> = names.filter(|name| ends_with(name, ".ovf")).collect();
    match (descriptors.pop(), descriptors.is_empty()) {
        (Some(descriptor), true) => Ok(descriptor),
        (None, _) => Err(broken(files.name(), "no file in it ends with .ovf".into())),
        (Some(_), false) => {
            let reason = "it has several descriptors (.ovf); give the path of one of them";
            Err(broken(files.name(), reason.into()))
        }
    }
}

/// Beside a descriptor that is known.
pub(super) fn beside(
    files: &dyn Files,
    descriptor: String,
    notes: &mut Vec<String>,
) -> Result<Found> {
    let names: Vec<String> = files.list().into_iter().map(|(name, _)| name).collect();
    if !names.is_empty() {
        return Ok(among(&names, descriptor, notes));
    }
    // Nobody can list a URL: the usual names are asked for.
    let usual = |ending| -> Result<Option<String>> {
        let name = format!("{}{ending}", stem(&descriptor));
        Ok(files.find(&name)?.map(|_| name))
    };
    let manifest = usual(".mf")?;
    let has_certificate = usual(".cert")?.is_some();
    Ok(Found {
        descriptor,
        manifest,
        has_certificate,
    })
}

fn among(names: &[String], descriptor: String, notes: &mut Vec<String>) -> Found {
    let here = |name: &&String| folder(name) == folder(&descriptor);
    let usual = format!("{}.mf", stem(&descriptor)).to_lowercase();
    let manifests: Vec<&String> = names
        .iter()
        .filter(|name| ends_with(name, ".mf"))
        .filter(here)
        .collect();
    let proper = manifests.iter().find(|name| name.to_lowercase() == usual);
    let manifest = match (proper, manifests.as_slice()) {
        (Some(name), _) => Some((*name).clone()),
        (None, [only]) => {
            let shown = ServerText::from(*only);
            notes.push(format!(
                "the manifest file '{shown}' is not called as the descriptor is, as it has to be"
            ));
            Some((*only).clone())
        }
        (None, []) => None,
        (None, _) => {
            notes.push("it has several manifest files, and none has the descriptor's name".into());
            None
        }
    };
    let has_certificate = names
        .iter()
        .filter(here)
        .any(|name| ends_with(name, ".cert"));
    Found {
        descriptor,
        manifest,
        has_certificate,
    }
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The name without its ending.
fn stem(descriptor: &str) -> &str {
    let at = descriptor.rfind('.').unwrap_or(descriptor.len());
    &descriptor[..at]
}

fn ends_with(name: &str, ending: &str) -> bool {
    name.to_ascii_lowercase().ends_with(ending)
}
