//! Whether an import was sent what it needs.

use crate::error::{Error, Result};
use crate::lease::Lease;
use crate::lease::plan::display_name;
use crate::soap::{DeviceUrl, ManifestEntry};
use crate::text::ServerText;
use crate::transfer::{Moved, Way};

/// What an import must have been sent before it is completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequireUploads {
    /// A file for each device. A lease is an import's where its devices have an `importKey`; vcsim
    /// gives those of exports one too, and no capacity, so there an upload must have shown it.
    EveryDevice,
    /// The files of these `FileItem.deviceId`s: one of a device that is named twice takes two.
    Of(Vec<String>),
}

/// A device that lacks an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    /// `DeviceUrl.key`, empty when the lease has no such device.
    key: String,
    /// What messages call it.
    name: String,
}

impl Lease {
    /// The devices that lack an upload of ours.
    pub(super) fn missing_uploads(&self, moved: &[Moved]) -> Vec<Missing> {
        if self.passthrough.pulled() {
            return Vec::new();
        }
        let info = self.status.info().unwrap_or_default();
        let require = &self.options.require_uploads;
        if *require == RequireUploads::EveryDevice && !self.is_sure(moved) {
            return Vec::new();
        }
        missing(require, &info.device_urls, moved)
    }

    /// Whether this is an import's lease: its server has made a VM or vApp, which goes with it.
    pub fn is_import(&self) -> bool {
        let info = self.status.info().unwrap_or_default();
        let is_named = |device: &DeviceUrl| !device.import_key.is_empty();
        info.device_urls.iter().any(is_named) && self.is_sure(&self.transfers.moved())
    }

    /// Whether an `importKey` says what it should; see [`RequireUploads::EveryDevice`].
    fn is_sure(&self, moved: &[Moved]) -> bool {
        self.disk_capacity() > 0 || moved.iter().any(|one| one.way == Way::There)
    }
}

fn missing(require: &RequireUploads, devices: &[DeviceUrl], moved: &[Moved]) -> Vec<Missing> {
    let sent = |key: &str| moved.iter().filter(|one| one.key == key).count();
    match require {
        RequireUploads::EveryDevice => devices
            .iter()
            .filter(|device| !device.import_key.is_empty() && sent(&device.key) == 0)
            .map(named)
            .collect(),
        RequireUploads::Of(keys) => keys
            .iter()
            .enumerate()
            .filter_map(|(index, key)| {
                let earlier = keys.iter().take(index).filter(|other| *other == key);
                let needed = earlier.count().saturating_add(1);
                match devices.iter().find(|device| device.import_key == *key) {
                    Some(device) => (sent(&device.key) < needed).then(|| named(device)),
                    None => Some(Missing {
                        key: String::new(),
                        name: key.clone(),
                    }),
                }
            })
            .collect(),
    }
}

fn named(device: &DeviceUrl) -> Missing {
    let (name, import_key) = (display_name(device), &device.import_key);
    Missing {
        key: device.key.clone(),
        name: format!("{name} ({import_key})"),
    }
}

/// Refuses what is missing, but for what the server lists: a script's own loop may have sent it.
pub(super) fn check(missing: &[Missing], manifest: &[ManifestEntry]) -> Result<()> {
    let is_listed = |one: &&Missing| {
        manifest.iter().any(|entry| {
            let has_sum = !entry.sha1.is_empty() || !entry.checksum.is_empty();
            entry.key == one.key && (has_sum || entry.size.is_some_and(|size| size > 0))
        })
    };
    let names: Vec<_> = missing
        .iter()
        .filter(|one| !is_listed(one))
        .map(|one| ServerText::from(&one.name).to_string())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::MissingUpload {
        devices: names.join(", ").into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::ChecksumType;

    fn devices() -> Vec<DeviceUrl> {
        ["a", "b"]
            .map(|name| DeviceUrl {
                key: format!("/vm-1/{name}"),
                import_key: format!("/vm/{name}"),
                target_id: format!("{name}.vmdk"),
                ..DeviceUrl::default()
            })
            .to_vec()
    }

    fn sent(names: &[&str]) -> Vec<Moved> {
        let moved = |name: &&str| Moved {
            key: format!("/vm-1/{name}"),
            what: "disk".into(),
            bytes: 1,
            checksum: "aa".into(),
            checksum_type: ChecksumType::Sha1,
            file_checksum: None,
            content: None,
            way: Way::There,
        };
        names.iter().map(moved).collect()
    }

    fn lacks(require: &RequireUploads, moved: &[Moved]) -> Vec<String> {
        let missing = missing(require, &devices(), moved);
        missing.into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn every_device_or_those_that_have_a_file() {
        let every = RequireUploads::EveryDevice;
        assert_eq!(lacks(&every, &sent(&["b"])), ["a.vmdk (/vm/a)"]);
        assert!(lacks(&every, &sent(&["a", "b"])).is_empty());
        let of = |keys: &[&str]| {
            let keys = keys.iter().map(|key| format!("/vm/{key}")).collect();
            RequireUploads::Of(keys)
        };
        assert!(lacks(&of(&["b"]), &sent(&["b"])).is_empty());
        assert!(lacks(&of(&[]), &[]).is_empty());
        assert_eq!(lacks(&of(&["a"]), &sent(&["b"])), ["a.vmdk (/vm/a)"]);
        assert_eq!(lacks(&of(&["c"]), &sent(&["a", "b"])), ["/vm/c"]);
        assert_eq!(lacks(&of(&["a", "a"]), &sent(&["a"])).len(), 1);
        assert!(lacks(&of(&["a", "a"]), &sent(&["a", "a"])).is_empty());
    }

    #[test]
    fn an_export_needs_none() {
        let mut devices = devices();
        for device in &mut devices {
            device.import_key.clear();
        }
        assert!(missing(&RequireUploads::EveryDevice, &devices, &[]).is_empty());
    }

    #[test]
    fn what_the_server_lists_was_sent() {
        let missing = missing(&RequireUploads::EveryDevice, &devices(), &[]);
        let listed = |key: &str, sha1: &str| ManifestEntry {
            key: format!("/vm-1/{key}"),
            sha1: sha1.into(),
            size: Some(0),
            ..ManifestEntry::default()
        };
        assert!(check(&missing, &[listed("a", "aa"), listed("b", "bb")]).is_ok());
        for manifest in [
            vec![listed("a", "aa")],
            vec![listed("a", "aa"), listed("b", "")],
        ] {
            let error = check(&missing, &manifest).unwrap_err().to_string();
            assert!(error.contains("b.vmdk (/vm/b)"), "{error}");
            assert!(!error.contains("a.vmdk"), "{error}");
        }
    }
}
