//! The lease at its server: every call of ours is one method here.

use std::sync::Arc;

use quick_xml::escape::escape;

use super::methods;
use super::session::Session;
use super::types::{self, LeaseProperties, ManifestEntry};
use crate::error::Result;
use crate::xml::Element;

/// The cause that an Abort of our own reports to the server's task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abort {
    /// Becomes `vmodl.fault.SystemError.reason`.
    pub reason: String,
}

/// A `HttpNfcLease` of a server. It knows nothing of what was called before.
#[derive(Debug, Clone)]
pub(crate) struct RemoteLease {
    /// Whose connections carry the calls: those of the engine, or those of the keep-alive.
    session: Arc<Session>,
    /// The lease's reference, which every call names.
    moid: String,
}

impl RemoteLease {
    /// The lease of this reference. Nothing is sent.
    pub(crate) fn new(session: Arc<Session>, moid: String) -> Self {
        Self { session, moid }
    }

    /// The lease's reference.
    pub(crate) fn moid(&self) -> &str {
        &self.moid
    }

    /// The session that asks.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// `HttpNfcLeaseProgress(percent)`, which renews the lease.
    pub(crate) async fn progress(&self, percent: i32) -> Result<()> {
        let percent = format!("<percent>{percent}</percent>");
        self.call(methods::PROGRESS, &percent).await.map(|_| ())
    }

    /// `HttpNfcLeaseComplete()`.
    pub(crate) async fn complete(&self) -> Result<()> {
        self.call(methods::COMPLETE, "").await.map(|_| ())
    }

    /// `HttpNfcLeaseAbort(fault)`.
    pub(crate) async fn abort(&self, cause: &Abort) -> Result<()> {
        let fault = localized_fault(&cause.reason);
        self.call(methods::ABORT, &fault).await.map(|_| ())
    }

    /// `HttpNfcLeaseGetManifest()`.
    pub(crate) async fn manifest(&self) -> Result<Vec<ManifestEntry>> {
        let response = self.call(methods::GET_MANIFEST, "").await?;
        Ok(types::manifest(&response))
    }

    /// `HttpNfcLeaseSetManifestChecksumType(deviceUrlsToChecksumTypes)`: one type for these keys.
    pub(crate) async fn set_manifest_checksum_type(
        &self,
        keys: impl IntoIterator<Item = &str>,
        checksum_type: &str,
    ) -> Result<()> {
        let pairs: String = keys
            .into_iter()
            .map(|key| pair(key, checksum_type))
            .collect();
        let method = methods::SET_MANIFEST_CHECKSUM_TYPE;
        self.call(method, &pairs).await.map(|_| ())
    }

    /// These properties of the lease: `state`, `info`, `error`.
    pub(crate) async fn properties(&self, names: &[&'static str]) -> Result<LeaseProperties> {
        let (response, answer) = self
            .session
            .properties("HttpNfcLease", &self.moid, names)
            .await?;
        LeaseProperties::read(&response, &answer)
    }

    async fn call(&self, method: &'static str, arguments: &str) -> Result<Element> {
        let answered = self
            .session
            .call(method, "HttpNfcLease", &self.moid, arguments);
        Ok(answered.await?.0)
    }
}

fn pair(key: &str, value: &str) -> String {
    let key = escape(key);
    format!(
        "<deviceUrlsToChecksumTypes><key>{key}</key><value>{value}</value></deviceUrlsToChecksumTypes>"
    )
}

/// A `LocalizedMethodFault` around a `SystemError`.
fn localized_fault(reason: &str) -> String {
    let reason: String = reason.chars().map(in_xml).collect();
    let reason = escape(&reason);
    format!(
        r#"<fault><fault xsi:type="SystemError"><reason>{reason}</reason></fault><localizedMessage>{reason}</localizedMessage></fault>"#
    )
}

/// What XML cannot carry even escaped would make the Abort one that no server understands.
fn in_xml(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'.. => character,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_reason_makes_a_readable_abort() {
        let fault = localized_fault("a\0b\u{1b}[31m\u{fffe} <ü> & \u{1f4a5}\n");
        let document = format!("<e:Envelope xmlns:e='e' xmlns:xsi='x'>{fault}</e:Envelope>");
        let read = crate::xml::parse(document.as_bytes(), methods::ABORT).unwrap();
        assert_eq!(read.name, "Envelope");
        assert!(fault.contains("a\u{fffd}b\u{fffd}[31m\u{fffd} &lt;ü&gt; &amp; \u{1f4a5}\n<"));
    }

    #[test]
    fn keys_are_escaped() {
        assert_eq!(
            pair("/vm-1/a&b", "sha256"),
            "<deviceUrlsToChecksumTypes><key>/vm-1/a&amp;b</key><value>sha256</value>\
             </deviceUrlsToChecksumTypes>"
        );
    }
}
