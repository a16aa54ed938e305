//! The vim25 data that the core reads; pyvmomi rebuilds the rest from the raw envelope.

use super::answer::Answer;
use crate::error::{Error, Result, ServerFault};
use crate::number;
use crate::xml::Element;

/// `HttpNfcLeaseState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaseState {
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
    /// `sslThumbprint`, or empty.
    pub ssl_thumbprint: String,
    /// `sslCertificate` (vSphere 9), or empty.
    pub ssl_certificate: String,
    /// `disk`.
    pub disk: Option<bool>,
    /// `targetId`, or empty.
    pub target_id: String,
    /// `fileSize`, only set for files other than disks.
    pub file_size: Option<u64>,
}

/// `HttpNfcLeaseInfo`, as far as the core needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeaseInfo {
    /// `deviceUrl`.
    pub device_urls: Vec<DeviceUrl>,
    /// `totalDiskCapacityInKB`.
    pub(crate) total_disk_capacity_kb: u64,
    /// `leaseTimeout` in seconds.
    pub(crate) lease_timeout: i64,
    /// `entity`: type and reference of the VM or vApp that is exported or made.
    pub(crate) entity: Option<(String, String)>,
}

/// The lease's properties as one `RetrievePropertiesEx` gave them.
#[derive(Debug, Clone, Default)]
pub struct LeaseProperties {
    /// `state`.
    pub(crate) state: Option<LeaseState>,
    /// `info`, only while ready.
    pub(crate) info: Option<LeaseInfo>,
    /// Name and text of `error`.
    pub(crate) error: Option<ServerFault>,
}

/// `HttpNfcLeaseManifestEntry`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ManifestEntry {
    /// `key`, equal to `DeviceUrl.key`.
    pub(crate) key: String,
    /// `sha1`, lower case.
    pub(crate) sha1: String,
    /// `checksum`, lower case (vSphere API 6.7).
    pub(crate) checksum: String,
    /// `checksumType`, lower case (vSphere API 6.7).
    pub(crate) checksum_type: String,
    /// `size` in bytes.
    pub(crate) size: Option<u64>,
}

impl LeaseProperties {
    /// Why a lease that its server calls ready is not.
    pub(crate) fn unready(&self) -> Option<&'static str> {
        let ready = self.state == Some(LeaseState::Ready);
        (ready && self.info.is_none()).then_some("the server says ready but gives no info")
    }

    /// Reads a `RetrievePropertiesExResponse`.
    pub(crate) fn read(response: &Element, answer: &Answer) -> Result<Self> {
        let mut properties = Self::default();
        let Some(object) = response.child("returnval").and_then(|r| r.child("objects")) else {
            return Ok(properties);
        };
        for prop in object.children_named("propSet") {
            let Some(value) = prop.child("val") else {
                continue;
            };
            match prop.child_text("name") {
                Some("state") => properties.state = Some(state(value.text.trim(), answer)?),
                Some("info") => properties.info = Some(LeaseInfo::read(value)),
                Some("error") => properties.error = Some(localized_fault(value, answer)),
                _ => {}
            }
        }
        Ok(properties)
    }
}

impl LeaseInfo {
    /// A malformed number is left out: the lease is usable without it.
    fn read(value: &Element) -> Self {
        let device_urls = value.children_named("deviceUrl").map(DeviceUrl::read);
        let number = |name| value.child_text(name).and_then(number::count);
        Self {
            device_urls: device_urls.collect(),
            total_disk_capacity_kb: number("totalDiskCapacityInKB").unwrap_or(0),
            lease_timeout: number("leaseTimeout")
                .and_then(|seconds| i64::try_from(seconds).ok())
                .unwrap_or(0),
            entity: value
                .child("entity")
                .map(|entity| (entity.xsi_type().to_owned(), entity.text.trim().to_owned()))
                .filter(|(_, moid)| !moid.is_empty()),
        }
    }
}

impl DeviceUrl {
    fn read(value: &Element) -> Self {
        let text = |name: &str| value.child_text(name).unwrap_or_default().to_owned();
        Self {
            key: text("key"),
            import_key: text("importKey"),
            url: text("url"),
            ssl_thumbprint: text("sslThumbprint"),
            ssl_certificate: text("sslCertificate"),
            disk: value.child_text("disk").and_then(number::flag),
            target_id: text("targetId"),
            file_size: value.child_text("fileSize").and_then(number::count),
        }
    }
}

/// Reads a `HttpNfcLeaseGetManifestResponse`.
pub(crate) fn manifest(response: &Element) -> Vec<ManifestEntry> {
    let entries = response.children_named("returnval");
    entries
        .map(|entry| {
            let text = |name: &str| entry.child_text(name).unwrap_or_default();
            let checksum = text("checksum").to_ascii_lowercase();
            ManifestEntry {
                key: text("key").to_owned(),
                sha1: text("sha1").to_ascii_lowercase(),
                checksum_type: type_of(&checksum, text("checksumType")),
                checksum,
                size: entry.child_text("size").and_then(number::count),
            }
        })
        .collect()
}

/// What a checksum is, whose length tells it where `checksumType` is unset.
fn type_of(checksum: &str, given: &str) -> String {
    match (spelt(given), checksum.len()) {
        (unset, 40) if unset.is_empty() => "sha1".into(),
        (unset, 64) if unset.is_empty() => "sha256".into(),
        (given, _) => given,
    }
}

/// `SHA-256`, `sha_256` and `sha256` are one.
fn spelt(checksum_type: &str) -> String {
    let letters = checksum_type.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

fn state(text: &str, answer: &Answer) -> Result<LeaseState> {
    match text {
        "initializing" => Ok(LeaseState::Initializing),
        "ready" => Ok(LeaseState::Ready),
        "done" => Ok(LeaseState::Done),
        "error" => Ok(LeaseState::Error),
        other => Err(Error::protocol(
            "HttpNfcLease.state",
            format!("unknown state {:?}", answer.said(other)),
        )),
    }
}

/// `error` is a `LocalizedMethodFault`: the fault inside, its text beside it.
fn localized_fault(value: &Element, answer: &Answer) -> ServerFault {
    let inner = value.child("fault");
    ServerFault {
        name: answer.said(inner.unwrap_or(value).xsi_type()),
        message: answer.said(value.child_text("localizedMessage").unwrap_or_default()),
        envelope: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soap::envelope::response;
    use crate::soap::methods;

    fn read_properties(answer: &Answer) -> Result<LeaseProperties> {
        LeaseProperties::read(&response(methods::RETRIEVE_PROPERTIES, answer)?, answer)
    }

    fn read_manifest(answer: &Answer) -> Vec<ManifestEntry> {
        manifest(&response(methods::GET_MANIFEST, answer).unwrap())
    }

    fn envelope(body: &str) -> Answer {
        format!("<e:Envelope xmlns:e='x'><e:Body>{body}</e:Body></e:Envelope>")
            .into_bytes()
            .into()
    }

    #[test]
    fn lease_properties_of_a_ready_export() {
        let reply = envelope(concat!(
            r#"<RetrievePropertiesExResponse xmlns="urn:vim25"><returnval><objects><obj type="HttpNfcLease">l</obj>"#,
            r#"<propSet><name>state</name><val xsi:type="HttpNfcLeaseState">ready</val></propSet>"#,
            r#"<propSet><name>info</name><val xsi:type="HttpNfcLeaseInfo"><lease type="HttpNfcLease">l</lease>"#,
            "<deviceUrl><key>/vm-1/x:0</key><importKey></importKey><url>https://*/nfc/t/disk-0.vmdk?a=1&amp;b=2</url>",
            "<sslThumbprint></sslThumbprint><disk>true</disk><targetId>disk-0.vmdk</targetId></deviceUrl>",
            "<totalDiskCapacityInKB>1024</totalDiskCapacityInKB><leaseTimeout>300</leaseTimeout></val></propSet>",
            "</objects></returnval></RetrievePropertiesExResponse>"
        ));
        let properties = read_properties(&reply).unwrap();
        assert_eq!(properties.state, Some(LeaseState::Ready));
        let info = properties.info.unwrap();
        assert_eq!(
            (info.lease_timeout, info.total_disk_capacity_kb),
            (300, 1024)
        );
        assert_eq!(
            info.device_urls[0].url,
            "https://*/nfc/t/disk-0.vmdk?a=1&b=2"
        );
        assert_eq!(info.device_urls[0].disk, Some(true));
    }

    #[test]
    fn manifest_entries() {
        let reply = envelope(concat!(
            "<HttpNfcLeaseGetManifestResponse><returnval><key>k</key><sha1>AB</sha1><size>7</size>",
            "<checksum>CD</checksum><checksumType>SHA-256</checksumType></returnval></HttpNfcLeaseGetManifestResponse>"
        ));
        let entry = &read_manifest(&reply)[0];
        assert_eq!(
            (entry.sha1.as_str(), entry.checksum.as_str(), entry.size),
            ("ab", "cd", Some(7))
        );
        assert_eq!(entry.checksum_type, "sha256");
    }

    #[test]
    fn a_checksum_without_a_type_is_known_by_its_length() {
        for (digits, expected) in [(40, "sha1"), (64, "sha256"), (63, "")] {
            let reply = envelope(&format!(
                "<HttpNfcLeaseGetManifestResponse><returnval><key>k</key><checksum>{}</checksum>\
                 </returnval></HttpNfcLeaseGetManifestResponse>",
                "a".repeat(digits)
            ));
            let entry = &read_manifest(&reply)[0];
            assert_eq!(entry.checksum_type, expected, "{digits}");
        }
    }

    #[test]
    fn a_size_that_is_none_is_unknown() {
        let reply = envelope(
            "<HttpNfcLeaseGetManifestResponse><returnval><size>-1</size></returnval></HttpNfcLeaseGetManifestResponse>",
        );
        assert_eq!(read_manifest(&reply)[0].size, None);
    }
}
