//! URLs as messages may show them: an NFC URL is a bearer ticket.

use url::Url;

/// `host` or `host:port`, for messages and for comparing origins.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
