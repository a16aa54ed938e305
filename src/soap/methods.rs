//! The names of the methods that the core knows, each once.

/// `HttpNfcLease.Progress`.
pub const PROGRESS: &str = "HttpNfcLeaseProgress";
/// `HttpNfcLease.Complete`.
pub(crate) const COMPLETE: &str = "HttpNfcLeaseComplete";
/// `HttpNfcLease.Abort`.
pub(crate) const ABORT: &str = "HttpNfcLeaseAbort";
/// `HttpNfcLease.GetManifest`.
pub(crate) const GET_MANIFEST: &str = "HttpNfcLeaseGetManifest";
/// `HttpNfcLease.SetManifestChecksumType`.
pub(crate) const SET_MANIFEST_CHECKSUM_TYPE: &str = "HttpNfcLeaseSetManifestChecksumType";
/// `HttpNfcLease.PullFromUrls`: hosts fetch the files themselves. Only scripts call it.
pub(crate) const PULL_FROM_URLS: &str = "HttpNfcLeasePullFromUrls_Task";
/// `PropertyCollector.RetrievePropertiesEx`.
pub(crate) const RETRIEVE_PROPERTIES: &str = "RetrievePropertiesEx";
/// `ServiceInstance.RetrieveContent`.
pub(crate) const RETRIEVE_SERVICE_CONTENT: &str = "RetrieveServiceContent";

/// Calls that change nothing, or nothing more the second time: such a call can be made again when
/// an idle connection turns out to be dead. pyvmomi reads attributes by `Fetch`.
const REPEATABLE: [&str; 9] = [
    PROGRESS,
    GET_MANIFEST,
    SET_MANIFEST_CHECKSUM_TYPE,
    RETRIEVE_PROPERTIES,
    RETRIEVE_SERVICE_CONTENT,
    "HttpNfcLeaseProbeUrls",
    "Fetch",
    "RetrieveProperties",
    "ContinueRetrievePropertiesEx",
];

/// Whether a call of the script changes nothing at all, so that it is asked again where no answer
/// came. The core's own calls have their own repetitions.
pub(crate) fn only_reads(method: &str) -> bool {
    is_repeatable(method) && !matches!(method, PROGRESS | SET_MANIFEST_CHECKSUM_TYPE)
}

/// Whether a call may go over a connection of which nobody knows how it is.
pub(super) fn is_repeatable(method: &str) -> bool {
    REPEATABLE.contains(&method)
}
