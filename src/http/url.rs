//! URLs as messages may show them: an NFC URL is a bearer ticket.

use url::Url;

/// `host` or `host:port`, for messages and for comparing origins.
pub fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Host and last path segment; never the ticket in the path, the query or user info.
pub fn redacted(url: &Url) -> String {
    let last = url
        .path_segments()
        .and_then(|mut segments| segments.next_back())
        .unwrap_or_default();
    format!("{}/.../{last}", host_of(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_is_not_shown() {
        let url = Url::parse("https://u:p@esx7:8443/nfc/52a1-secret/disk-0.vmdk?t=x").unwrap();
        assert_eq!(redacted(&url), "esx7:8443/.../disk-0.vmdk");
    }
}
