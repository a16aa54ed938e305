//! What of Python is the way out of an error. The core does not know its keywords.

use nfclease::advice::Asked;
use nfclease::error::Error;

/// An error as Python's users read it.
pub(super) fn message(error: &Error) -> String {
    format!("{error}{}", hint(error))
}

/// How it goes on after the core's text.
pub(super) fn hint(error: &Error) -> &'static str {
    match error {
        Error::Tls {
            pin_helps: true, ..
        } => {
            ": thumbprint= of SmartConnect for the session's host, device_url.sslThumbprint for \
             the host of a disk"
        }
        Error::InsecureUrl { .. } => "; pass allow_http=True only when the network is trusted",
        Error::ManifestMissing {
            listed: Some("sha256"),
            ..
        } => ", which checksum_type=\"sha256\" compares",
        Error::Unlisted { .. } => "; require_manifest=False trusts the host",
        Error::MissingUpload { .. } => {
            "; pass require_uploads=spec.fileItem if other disks are meant to stay empty, or \
             require_uploads=False"
        }
        Error::DiskFormat { .. } => "; verify_format=False accepts any bytes",
        Error::DescribedSize { .. } => "; verify_size=False accepts it",
        Error::Exists { .. } => "; overwrite=True replaces it",
        Error::HttpStatus {
            asked: Asked::Tunnel,
            status: 407,
            ..
        } => "; put Proxy-Authorization into customHeaders",
        Error::NotSent { before } => hint(before),
        _ => "",
    }
}
