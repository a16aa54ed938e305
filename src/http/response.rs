//! An answer, whichever library brought it: what it says, and its body.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use url::Url;

use super::data;
use super::failure::body_error;
use super::fault::Fault;
use super::proof;
use super::url::host_of;
use crate::advice::Asked;
use crate::error::{Error, Result};
use crate::number;
use crate::secrets::Secrets;
use crate::text::ServerText;

/// More of an error page is not read; it is longer than what is shown, which may hide some of it.
const EXCERPT_BYTES: usize = 4096;

/// A host that refuses and then says nothing is not waited for.
const EXCERPT_WAIT: Duration = Duration::from_secs(2);

/// A response whose body has not been read. What is still to be sent of the request's body is sent
/// as long as it is kept.
pub(crate) struct Response {
    inner: Inner,
    asked: Proof,
    what: Arc<str>,
    received: u64,
}

/// What the library has of it.
pub(super) enum Inner {
    /// To a call.
    Call(reqwest::Response),
    /// With data, or to data.
    Data(Box<data::Answer>),
}

/// What a request proved itself by, which the answer to it may echo.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
}

impl Proof {
    pub(super) fn secrets(&self) -> Secrets {
        proof::of_request(&self.url, &self.headers)
    }
}

impl Inner {
    fn status(&self) -> StatusCode {
        match self {
            Self::Call(call) => call.status(),
            Self::Data(data) => data.head.status,
        }
    }

    fn headers(&self) -> &HeaderMap {
        match self {
            Self::Call(call) => call.headers(),
            Self::Data(data) => &data.head.headers,
        }
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match self {
            Self::Call(call) => Ok(call.chunk().await?),
            Self::Data(data) => data.chunk().await,
        }
    }
}

impl Response {
    pub(super) fn new(inner: Inner, asked: Proof, what: Arc<str>) -> Self {
        Self {
            inner,
            asked,
            what,
            received: 0,
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// The status's standard reason phrase.
    pub(crate) fn reason(&self) -> &'static str {
        self.inner.status().canonical_reason().unwrap_or("")
    }

    /// The announced length of the body.
    pub(crate) fn content_length(&self) -> Option<u64> {
        number::count(self.header(&CONTENT_LENGTH)?)
    }

    /// The server's wish for the time of the next attempt; only the form in seconds is honoured.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        number::seconds(self.header(&RETRY_AFTER)?)
    }

    /// Whether the end of the body is marked in HTTP itself, by a length or a last chunk.
    pub(crate) fn is_framed(&self) -> bool {
        self.header(&CONTENT_LENGTH).is_some() || self.header(&TRANSFER_ENCODING).is_some()
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.inner
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    /// Refuses redirects, encoded bodies, and bodies of two lengths, which no lease server sends.
    pub(crate) fn checked(self) -> Result<Self> {
        let status = self.status();
        if (300..400).contains(&status) {
            let location = self
                .header(&LOCATION)
                .and_then(|text| Url::parse(text).ok())
                .map_or_else(
                    || "elsewhere on the same host".into(),
                    |url| self.said(&format!("{}://{}", url.scheme(), host_of(&url))),
                );
            return Err(Error::UnexpectedRedirect {
                what: (&self.what).into(),
                status,
                location,
            });
        }
        match self.misframed() {
            Some(reason) => Err(Error::protocol(&self.what, reason)),
            None => Ok(self),
        }
    }

    /// What makes the body end elsewhere, or be other bytes, than it seems: HTTP's library takes an
    /// unknown coding for a body that ends with the connection.
    fn misframed(&self) -> Option<String> {
        let headers = self.inner.headers();
        let coding = |name: &HeaderName, usual: &[&str]| {
            let odd = headers.get_all(name).into_iter().find(|value| {
                !usual
                    .iter()
                    .any(|one| value.as_bytes().eq_ignore_ascii_case(one.as_bytes()))
            })?;
            let odd = self.said(&String::from_utf8_lossy(odd.as_bytes()));
            Some(format!("{name} {odd} was not asked for"))
        };
        if headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING) {
            return Some("the answer has both Content-Length and Transfer-Encoding".into());
        }
        coding(&TRANSFER_ENCODING, &["chunked"])
            .or_else(|| coding(&CONTENT_ENCODING, &["identity", ""]))
    }

    /// The next piece of the body, or `None` at its proper end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>> {
        match self.inner.chunk().await {
            Ok(chunk) => {
                let bytes = chunk.as_ref().map_or(0, |bytes| bytes.len() as u64);
                self.received = self.received.saturating_add(bytes);
                Ok(chunk)
            }
            Err(e) => Err(body_error(
                &self.what,
                self.received,
                &e,
                &self.asked.secrets(),
            )),
        }
    }

    /// The whole body, refused above `limit` bytes.
    pub(crate) async fn read(mut self, limit: u64, limit_name: &'static str) -> Result<Vec<u8>> {
        let what = Arc::clone(&self.what);
        let check = |seen: u64| {
            if seen > limit {
                return Err(Error::LimitExceeded {
                    what: (&what).into(),
                    limit: limit_name,
                    allowed: limit,
                    seen,
                });
            }
            Ok(())
        };
        check(self.content_length().unwrap_or(0))?;
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            check(body.len().saturating_add(chunk.len()) as u64)?;
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Whether the body is a page for a browser.
    pub(crate) async fn is_page(&mut self) -> bool {
        if self.header(&CONTENT_TYPE).is_none() && !self.is_framed() {
            return false; // its end would be that of the connection
        }
        let chunk = tokio::time::timeout(EXCERPT_WAIT, self.chunk()).await;
        matches!(chunk, Ok(Ok(Some(chunk))) if is_page(&chunk))
    }

    /// The error for a status other than success, with the first line of what the host says.
    pub(crate) async fn into_status_error(mut self) -> Error {
        let (status, phrase) = (self.status(), self.reason());
        let mut page = Vec::new();
        // What has come by then is shown.
        let _ = tokio::time::timeout(EXCERPT_WAIT, self.excerpt(&mut page)).await;
        let text = self.said(&String::from_utf8_lossy(&page));
        Error::HttpStatus {
            what: (&self.what).into(),
            asked: match self.asked.method {
                Method::POST => Asked::Post,
                Method::PUT => Asked::Put,
                _ => Asked::Get,
            },
            status,
            reason: format!("{phrase} {text}").trim().into(),
            retry_after: self.retry_after(),
        }
    }

    /// The start of an error page.
    async fn excerpt(&mut self, page: &mut Vec<u8>) {
        while page.len() < EXCERPT_BYTES
            && let Ok(Some(chunk)) = self.chunk().await
        {
            page.extend_from_slice(&chunk);
        }
        page.truncate(EXCERPT_BYTES);
    }

    /// What the server said, without what it was sent.
    fn said(&self, text: &str) -> ServerText {
        self.asked.secrets().text(text)
    }
}

/// Whether bytes begin as a page for a browser does, or as XML. Nothing that a lease moves does.
pub(crate) fn is_page(bytes: &[u8]) -> bool {
    const STARTS: [&[u8]; 4] = [b"<!doctype html", b"<html", b"<head", b"<?xml"];
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.trim_ascii_start();
    STARTS.iter().any(|start| {
        bytes
            .get(..start.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    })
}
