//! Where a package is on the web, and whom to trust there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use url::Url;

use crate::error::{Error, Result};
use crate::http::client::header;
use crate::http::retry::RetryPolicy;
use crate::http::{Trust, host_of};
use crate::text::{Place, ServerText};

/// An https address with all that a request to it needs.
#[derive(Clone)]
pub struct Address {
    pub(super) url: Url,
    /// The login, for this origin alone.
    pub(super) login: HeaderMap,
    pub(super) trust: Trust,
    /// What a repetition may cost.
    pub(super) retry: RetryPolicy,
    /// Seconds without anything that moves.
    pub(super) timeout: Duration,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.what())
    }
}

impl Address {
    /// Reads an address. A user and a password in it are sent to its own host and shown nowhere.
    pub fn new(text: &str, trust: Trust, retry: RetryPolicy, timeout: Duration) -> Result<Self> {
        let wrong = |reason: &str| Error::InvalidArgument {
            reason: reason.into(),
        };
        let mut url =
            Url::parse(text.trim()).map_err(|_| wrong("the package's address is not a URL"))?;
        if url.scheme() != "https" {
            return Err(wrong(
                "the package's address is not https://, and over any other protocol anybody on the \
                 way could change it: fetch it first, or serve it over https",
            ));
        }
        let login = login(&url)?;
        // Neither fails on an https URL, which has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        Ok(Self {
            url,
            login,
            trust,
            retry,
            timeout,
        })
    }

    /// The same for a file beside it: a relative name, with `/`.
    pub(super) fn beside(&self, name: &str) -> Result<Self> {
        let mut url = self.url.clone();
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(Error::UnsafePath {
                name: name.into(),
                reason: "it leads away from the descriptor".into(),
            });
        }
        // An https URL has a path.
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop().extend(name.split('/'));
        }
        url.set_query(None);
        Ok(Self {
            url,
            ..self.clone()
        })
    }

    /// The last part of the path, as a file would be called.
    pub fn file_name(&self) -> String {
        let last = self
            .url
            .path_segments()
            .and_then(|mut parts| parts.next_back());
        let last = last.unwrap_or_default();
        let decoded = percent_decoded(last);
        String::from_utf8(decoded).unwrap_or_else(|_| last.to_owned())
    }

    /// File and host, as messages may show them.
    pub(super) fn what(&self) -> Arc<str> {
        let host = ServerText::from(host_of(&self.url));
        match self.shown_name() {
            Some(name) => format!("{name} at {host}").into(),
            None => format!("the package at {host}").into(),
        }
    }

    /// The same for log records.
    pub(super) fn place(&self) -> Place {
        Place {
            file: self.shown_name().unwrap_or_default().into(),
            host: host_of(&self.url).into(),
            ..Place::default()
        }
    }

    /// The file's name; `None` where the last part names no kind of file, and may be a ticket.
    fn shown_name(&self) -> Option<ServerText> {
        let name = self.file_name();
        name.contains('.').then(|| name.into())
    }
}

/// `Authorization: Basic` of what stands before the host.
fn login(url: &Url) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if url.username().is_empty() && url.password().is_none() {
        return Ok(headers);
    }
    let mut login = percent_decoded(url.username());
    login.push(b':');
    login.extend(percent_decoded(url.password().unwrap_or_default()));
    let value = format!("Basic {}", BASE64.encode(&login));
    let (name, value) = header(AUTHORIZATION, &value, "the login in the package's address")?;
    headers.insert(name, value);
    Ok(headers)
}

/// `%41` is `A`; a `%` without two hex digits stays.
fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| {
        let digit = bytes.get(at).copied().map(char::from)?.to_digit(16)?;
        u8::try_from(digit).ok()
    };
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0_usize);
    while let Some(byte) = bytes.get(at) {
        let pair = (digit(at.saturating_add(1)), digit(at.saturating_add(2)));
        let step = if let (b'%', (Some(high), Some(low))) = (byte, pair) {
            decoded.push(high << 4 | low);
            3
        } else {
            decoded.push(*byte);
            1
        };
        at = at.saturating_add(step);
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Verify;

    fn address(text: &str) -> Result<Address> {
        let retry = RetryPolicy {
            max_retries: 0,
            retry_timeout: Duration::ZERO,
        };
        let second = Duration::from_secs(1);
        Address::new(text, Trust::of(Verify::Unverified), retry, second)
    }

    #[test]
    fn a_login_is_sent_and_not_shown() {
        let address = address("https://me%40x:pa%3Ass@host:8443/a/My%20VM.ova?key=1#x").unwrap();
        let sent = address.login.get(AUTHORIZATION).unwrap().to_str().unwrap();
        assert_eq!(sent, format!("Basic {}", BASE64.encode(b"me@x:pa:ss")));
        assert_eq!(
            address.url.as_str(),
            "https://host:8443/a/My%20VM.ova?key=1"
        );
        assert_eq!(&*address.what(), "My VM.ova at host:8443");
        assert!(!format!("{address:?}").contains("pa:ss"));
    }

    #[test]
    fn only_https_and_only_one_host() {
        for text in ["http://host/a.ova", "ftp://host/a.ova", "a.ova", ""] {
            let refused = address(text).unwrap_err();
            assert!(matches!(refused, Error::InvalidArgument { .. }), "{text}");
        }
    }

    #[test]
    fn files_are_beside_it() {
        let base = address("https://host/dir/a.ovf?key=1").unwrap();
        let beside = base.beside("b c/%41?d.vmdk").unwrap();
        assert_eq!(beside.url.as_str(), "https://host/dir/b%20c/%2541%3Fd.vmdk");
        for name in ["../b", "b/..", "", "/b", "b//c", "."] {
            assert!(base.beside(name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_may_be_a_ticket_is_not_shown() {
        let address = address("https://host/0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(&*address.what(), "the package at host");
        let place = address.place();
        assert_eq!((&*place.file, &*place.host), ("", "host"));
    }
}
