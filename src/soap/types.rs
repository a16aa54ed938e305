//! The vim25 data that the core reads; pyvmomi rebuilds the rest from the raw envelope.

use super::answer::Answer;
use super::xml::Element;
use crate::error::{Error, Result, ServerFault};
use crate::text::ServerText;

/// `HttpNfcLeaseState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// The server prepares; `info` is not valid yet.
    Initializing,
    /// Data may move, and Progress must be called.
    Ready,
    /// Completed.
    Done,
    /// Failed, timed out or aborted.
    Error,
}

/// `HttpNfcLeaseDeviceUrl`, as far as a transfer needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceUrl {
    /// `key`.
    pub key: String,
    /// `importKey`, empty for an export.
    pub import_key: String,
    /// `url`.
    pub url: String,
    /// `sslThumbprint`, empty when there is none.
    pub ssl_thumbprint: String,
    /// `sslCertificate` (vSphere 9), empty when there is none.
    pub ssl_certificate: String,
    /// `disk`.
    pub disk: Option<bool>,
    /// `targetId`, empty when there is none.
    pub target_id: String,
    /// `fileSize`, only set for files that are no disks.
    pub file_size: Option<u64>,
}

/// `HttpNfcLeaseInfo`, as far as the core needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeaseInfo {
    /// `deviceUrl`.
    pub device_urls: Vec<DeviceUrl>,
    /// `totalDiskCapacityInKB`.
    pub total_disk_capacity_kb: u64,
    /// `leaseTimeout` in seconds.
    pub lease_timeout: i64,
    /// `entity`: type and reference of the VM or vApp that is exported or made.
    pub entity: Option<(String, String)>,
}

/// The lease's properties as one `RetrievePropertiesEx` gave them.
#[derive(Debug, Clone, Default)]
pub struct LeaseProperties {
    /// `state`.
    pub state: Option<LeaseState>,
    /// `info`, only while ready.
    pub info: Option<LeaseInfo>,
    /// Name and text of `error`.
    pub error: Option<ServerFault>,
}

/// `HttpNfcLeaseManifestEntry`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestEntry {
    /// `key`, equal to `DeviceUrl.key`.
    pub key: String,
    /// `sha1`, lower case.
    pub sha1: String,
    /// `checksum`, lower case (vSphere API 6.7).
    pub checksum: String,
    /// `checksumType`, lower case (vSphere API 6.7).
    pub checksum_type: String,
    /// `size` in bytes.
    pub size: Option<u64>,
}

impl LeaseProperties {
    /// Reads a `RetrievePropertiesExResponse`.
    pub fn read(response: &Element, answer: &Answer) -> Result<Self> {
        let mut properties = Self::default();
        let Some(object) = response.child("returnval").and_then(|r| r.child("objects")) else {
            return Ok(properties);
        };
        for prop in object.children_named("propSet") {
            let Some(value) = prop.child("val") else {
                continue;
            };
            match prop.child_text("name") {
                Some("state") => properties.state = Some(state(value.text.trim())?),
                Some("info") => properties.info = Some(LeaseInfo::read(value)?),
                Some("error") => properties.error = Some(localized_fault(value, answer)),
                _ => {}
            }
        }
        Ok(properties)
    }
}

impl LeaseInfo {
    fn read(value: &Element) -> Result<Self> {
        let device_urls = value
            .children_named("deviceUrl")
            .map(DeviceUrl::read)
            .collect::<Result<_>>()?;
        let lease_timeout = value.child_text("leaseTimeout").unwrap_or("0");
        Ok(Self {
            device_urls,
            total_disk_capacity_kb: optional_size(value, "totalDiskCapacityInKB")?.unwrap_or(0),
            lease_timeout: lease_timeout
                .parse()
                .map_err(|_| bad_number("leaseTimeout", lease_timeout))?,
            entity: value
                .child("entity")
                .map(|entity| (entity.xsi_type.clone(), entity.text.trim().to_owned()))
                .filter(|(_, moid)| !moid.is_empty()),
        })
    }
}

impl DeviceUrl {
    fn read(value: &Element) -> Result<Self> {
        let text = |name: &str| value.child_text(name).unwrap_or_default().to_owned();
        Ok(Self {
            key: text("key"),
            import_key: text("importKey"),
            url: text("url"),
            ssl_thumbprint: text("sslThumbprint"),
            ssl_certificate: text("sslCertificate"),
            disk: value
                .child_text("disk")
                .map(|flag| flag == "true" || flag == "1"),
            target_id: text("targetId"),
            file_size: optional_size(value, "fileSize")?,
        })
    }
}

/// Reads a `HttpNfcLeaseGetManifestResponse`.
pub fn manifest(response: &Element) -> Result<Vec<ManifestEntry>> {
    response
        .children_named("returnval")
        .map(|entry| {
            let text = |name: &str| entry.child_text(name).unwrap_or_default();
            Ok(ManifestEntry {
                key: text("key").to_owned(),
                sha1: text("sha1").to_ascii_lowercase(),
                checksum: text("checksum").to_ascii_lowercase(),
                checksum_type: text("checksumType").to_ascii_lowercase(),
                size: optional_size(entry, "size")?,
            })
        })
        .collect()
}

fn state(text: &str) -> Result<LeaseState> {
    match text {
        "initializing" => Ok(LeaseState::Initializing),
        "ready" => Ok(LeaseState::Ready),
        "done" => Ok(LeaseState::Done),
        "error" => Ok(LeaseState::Error),
        other => Err(Error::Protocol {
            what: "HttpNfcLease.state".into(),
            reason: format!("unknown state {:?}", ServerText::from(other)).into(),
        }),
    }
}

/// `error` is a `LocalizedMethodFault`: the fault inside, its text beside it.
fn localized_fault(value: &Element, answer: &Answer) -> ServerFault {
    let inner = value.child("fault");
    ServerFault {
        name: answer.said(&inner.unwrap_or(value).xsi_type),
        message: answer.said(value.child_text("localizedMessage").unwrap_or_default()),
        envelope: Vec::new(),
    }
}

fn optional_size(value: &Element, name: &'static str) -> Result<Option<u64>> {
    match value.child_text(name) {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| bad_number(name, text)),
    }
}

fn bad_number(name: &str, text: &str) -> Error {
    Error::Protocol {
        what: name.into(),
        reason: format!("{:?} is no valid number here", ServerText::from(text)).into(),
    }
}
