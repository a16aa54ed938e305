//! The calls, each with its own envelope and its own answer.

use quick_xml::escape::escape;

use super::answer::Answer;
use super::envelope::{request, response};
use super::types::{self, LeaseProperties, ManifestEntry};
use crate::error::{Error, Result};
use crate::xml::Element;

/// The methods that the core itself sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `HttpNfcLeaseProgress`.
    Progress,
    /// `HttpNfcLeaseComplete`.
    Complete,
    /// `HttpNfcLeaseAbort`.
    Abort,
    /// `HttpNfcLeaseGetManifest`.
    GetManifest,
    /// `HttpNfcLeaseSetManifestChecksumType`.
    SetManifestChecksumType,
    /// `RetrievePropertiesEx`.
    RetrievePropertiesEx,
    /// `RetrieveServiceContent`.
    RetrieveServiceContent,
}

impl Method {
    /// The WSDL name.
    pub fn wsdl_name(self) -> &'static str {
        match self {
            Self::Progress => "HttpNfcLeaseProgress",
            Self::Complete => "HttpNfcLeaseComplete",
            Self::Abort => "HttpNfcLeaseAbort",
            Self::GetManifest => "HttpNfcLeaseGetManifest",
            Self::SetManifestChecksumType => "HttpNfcLeaseSetManifestChecksumType",
            Self::RetrievePropertiesEx => "RetrievePropertiesEx",
            Self::RetrieveServiceContent => "RetrieveServiceContent",
        }
    }
}

/// Calls that change nothing, or nothing more the second time: whoever makes one can make it again
/// when an idle connection turns out to be dead. pyvmomi reads attributes by `Fetch`.
const REPEATABLE: [&str; 9] = [
    "HttpNfcLeaseProgress",
    "HttpNfcLeaseGetManifest",
    "HttpNfcLeaseSetManifestChecksumType",
    "HttpNfcLeaseProbeUrls",
    "Fetch",
    "RetrieveProperties",
    "RetrievePropertiesEx",
    "ContinueRetrievePropertiesEx",
    "RetrieveServiceContent",
];

/// Whether a call may go over a connection of which nobody knows how it is.
pub fn is_repeatable(wsdl_name: &str) -> bool {
    REPEATABLE.contains(&wsdl_name)
}

/// The cause that an Abort of our own reports to the server's task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abort {
    /// Becomes `vmodl.fault.SystemError.reason`.
    pub reason: String,
}

fn lease_call(method: Method, lease: &str, arguments: &str) -> Vec<u8> {
    request(method.wsdl_name(), "HttpNfcLease", lease, arguments)
}

/// `HttpNfcLeaseProgress(percent)`.
pub fn progress(lease: &str, percent: i32) -> Vec<u8> {
    lease_call(
        Method::Progress,
        lease,
        &format!("<percent>{percent}</percent>"),
    )
}

/// `HttpNfcLeaseComplete()`.
pub fn complete(lease: &str) -> Vec<u8> {
    lease_call(Method::Complete, lease, "")
}

/// `HttpNfcLeaseAbort(fault)`, a `LocalizedMethodFault` around a `SystemError`.
pub fn abort(lease: &str, cause: &Abort) -> Vec<u8> {
    let reason: String = cause.reason.chars().map(in_xml).collect();
    let reason = escape(&reason);
    lease_call(
        Method::Abort,
        lease,
        &format!(
            r#"<fault><fault xsi:type="SystemError"><reason>{reason}</reason></fault><localizedMessage>{reason}</localizedMessage></fault>"#
        ),
    )
}

/// What XML cannot carry even escaped would make the Abort one that no server understands.
fn in_xml(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'.. => character,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// `HttpNfcLeaseGetManifest()`.
pub fn get_manifest(lease: &str) -> Vec<u8> {
    lease_call(Method::GetManifest, lease, "")
}

/// `HttpNfcLeaseSetManifestChecksumType(deviceUrlsToChecksumTypes)`: one type for these keys.
pub fn set_manifest_checksum_type<'a>(
    lease: &str,
    keys: impl Iterator<Item = &'a str>,
    checksum_type: &str,
) -> Vec<u8> {
    let mut pairs = String::new();
    for key in keys {
        let key = escape(key);
        pairs.extend([
            "<deviceUrlsToChecksumTypes><key>",
            &key,
            "</key><value>",
            checksum_type,
            "</value></deviceUrlsToChecksumTypes>",
        ]);
    }
    lease_call(Method::SetManifestChecksumType, lease, &pairs)
}

/// `RetrievePropertiesEx` of these properties of the lease.
pub fn lease_properties(collector: &str, lease: &str, names: &[&'static str]) -> Vec<u8> {
    properties(collector, "HttpNfcLease", lease, names)
}

/// `RetrievePropertiesEx` of the name of an inventory object: a fault when there is none.
pub fn entity_name(collector: &str, kind: &str, moid: &str) -> Vec<u8> {
    properties(collector, kind, moid, &["name"])
}

fn properties(collector: &str, kind: &str, moid: &str, names: &[&'static str]) -> Vec<u8> {
    let (kind, moid) = (escape(kind), escape(moid));
    let paths = names
        .iter()
        .map(|name| ["<pathSet>", name, "</pathSet>"].concat())
        .collect::<String>();
    let arguments = format!(
        "<specSet><propSet><type>{kind}</type><all>false</all>{paths}</propSet>\
         <objectSet><obj type=\"{kind}\">{moid}</obj><skip>false</skip></objectSet></specSet>\
         <options><maxObjects>1</maxObjects></options>"
    );
    request(
        Method::RetrievePropertiesEx.wsdl_name(),
        "PropertyCollector",
        collector,
        &arguments,
    )
}

/// `RetrieveServiceContent`, asked once for the name of the property collector.
pub fn service_content() -> Vec<u8> {
    request(
        Method::RetrieveServiceContent.wsdl_name(),
        "ServiceInstance",
        "ServiceInstance",
        "",
    )
}

/// Reads the answer to [`lease_properties`].
pub fn read_lease_properties(answer: &Answer) -> Result<LeaseProperties> {
    LeaseProperties::read(&response_to(Method::RetrievePropertiesEx, answer)?, answer)
}

/// Reads the answer to [`get_manifest`].
pub fn read_manifest(answer: &Answer) -> Result<Vec<ManifestEntry>> {
    Ok(types::manifest(&response_to(Method::GetManifest, answer)?))
}

/// Reads the answer to [`service_content`]: the property collector's reference.
pub fn read_property_collector(answer: &Answer) -> Result<String> {
    response_to(Method::RetrieveServiceContent, answer)?
        .child("returnval")
        .and_then(|content| content.child_text("propertyCollector"))
        .map(str::to_owned)
        .ok_or_else(|| Error::protocol("RetrieveServiceContent", "no propertyCollector in it"))
}

fn response_to(method: Method, answer: &Answer) -> Result<Element> {
    response(method.wsdl_name(), answer)
}

/// Reads an answer without a value, or its fault.
pub fn answer(method: Method, answer: &Answer) -> Result<Element> {
    response(method.wsdl_name(), answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_reason_makes_a_readable_abort() {
        let reason = "a\0b\u{1b}[31m\u{fffe} <ü> & \u{1f4a5}\n".to_owned();
        let envelope = abort("lease-1", &Abort { reason });
        let read = crate::xml::parse(&envelope, "Abort").unwrap();
        assert_eq!(read.name, "Envelope");
        let text = String::from_utf8(envelope).unwrap();
        assert!(text.contains("a\u{fffd}b\u{fffd}[31m\u{fffd} &lt;ü&gt; &amp; \u{1f4a5}\n<"));
    }
    use crate::soap::types::LeaseState;

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
        let properties = read_lease_properties(&reply).unwrap();
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
        let entry = &read_manifest(&reply).unwrap()[0];
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
            let entry = &read_manifest(&reply).unwrap()[0];
            assert_eq!(entry.checksum_type, expected, "{digits}");
        }
    }

    #[test]
    fn a_size_that_is_none_is_unknown() {
        let reply = envelope(
            "<HttpNfcLeaseGetManifestResponse><returnval><size>-1</size></returnval></HttpNfcLeaseGetManifestResponse>",
        );
        assert_eq!(read_manifest(&reply).unwrap()[0].size, None);
    }
}
