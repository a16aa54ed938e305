//! What of Python is the way out of an error. The core does not know its keywords.

use nfclease::advice::Asked;
use nfclease::error::{Error, Failure, TlsHelp};
use nfclease::text;
use nfclease::transfer::UNANNOUNCED;

/// An error as Python's users read it.
pub(super) fn message(error: &Error) -> String {
    text::message(format_args!(
        "{error}{}{}",
        hint(error),
        error.next_step(error.remedy())
    ))
}

/// The same of a transfer, which may know more.
pub(super) fn message_of(failure: &Failure) -> String {
    let error = &failure.error;
    let note = failure.note.map(|note| format!("; {note}"));
    text::message(format_args!(
        "{error}{}{}{}",
        hint(error),
        note.unwrap_or_default(),
        error.next_step(failure.remedy())
    ))
}

/// How it goes on after the core's text.
pub(super) fn hint(error: &Error) -> &'static str {
    match error {
        Error::Tls {
            help: Some(TlsHelp::Pin),
            ..
        } => {
            ": thumbprint= of SmartConnect for the session's host, device_url.sslThumbprint for \
             the host of a disk"
        }
        Error::Tls {
            help: Some(TlsHelp::Versions),
            ..
        } => "; see minimum_version, maximum_version and options of the session's SSLContext",
        Error::Tls {
            help: Some(TlsHelp::Identity),
            ..
        }
        | Error::Connect {
            help: Some(TlsHelp::Identity),
            ..
        } => {
            "; if the server wants a client certificate, give certFile and keyFile to \
             SmartConnect: a key inside an SSLContext cannot be read from it"
        }
        Error::Tls {
            help: Some(TlsHelp::Package),
            ..
        } => ": ca_file= or ssl_thumbprint= beside the address",
        Error::NoSafeTls => {
            ": see minimum_version, maximum_version, options and set_ciphers of the session's \
             SSLContext"
        }
        Error::ThumbprintMismatch { is_ca: true, .. } => {
            "; serverPemCert and sslCertificate hold the server's own certificate: give the CA to \
             an SSLContext (cafile) and leave the pin out"
        }
        Error::LimitExceeded {
            limit: UNANNOUNCED, ..
        } => "; max_unannounced_size raises it",
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
        Error::NotReady => "; call wait_ready() in the block",
        Error::NotSent { before } => hint(before),
        _ => "",
    }
}
