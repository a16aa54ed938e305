//! The transport: everything that knows the HTTP library is in this file.
//!
//! HTTP/1.1, no redirects, no environment proxy, no decompression, no library retries, and no
//! total or read timeout: the library's read timeout also runs while a body is being sent and
//! would kill a long upload. Callers watch progress themselves.

use std::error::Error as StdError;
use std::pin::Pin as StdPin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, LOCATION, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body::{Frame, SizeHint};
use url::Url;

use super::proxy::Proxy;
use super::tls::Trust;
use super::url::{host_of, printable};
use super::verifier::PinMismatch;
use crate::error::{Error, Result};

/// Connections that die silently are found by the kernel within about a minute.
const TCP_KEEPALIVE: Duration = Duration::from_secs(20);

/// A host that refuses and then says nothing is not waited for.
const EXCERPT_WAIT: Duration = Duration::from_secs(2);

/// Idle connections are kept for the next call of a keep-alive, not longer.
const POOL_IDLE: Duration = Duration::from_secs(60);

/// A client for one trust policy. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    route: Arc<Route>,
}

/// What an error that happens on the way should say.
#[derive(Debug)]
struct Route {
    proxy: Option<String>,
}

/// One request.
#[derive(Debug)]
pub struct Request {
    /// GET, POST or PUT.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers besides those of the body.
    pub headers: HeaderMap,
    /// What to send.
    pub body: Body,
    /// The object in the reader's words, for messages.
    pub what: Arc<str>,
}

/// A request body.
#[derive(Debug)]
pub enum Body {
    /// None.
    Empty,
    /// All at hand.
    Bytes(Bytes),
    /// A stream of known length.
    Stream(BodyStream),
}

/// A body that is pulled piece by piece; its length is announced.
pub struct BodyStream {
    /// The announced length in bytes.
    pub length: u64,
    /// The next piece, the end, or a reason to break the connection off.
    pub next: Box<NextPiece>,
}

/// Polls for the next piece of a body.
pub type NextPiece =
    dyn FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, BodyAborted>>> + Send + Sync;

/// The body ended before its length; the reason is kept where the stream came from.
#[derive(Debug, thiserror::Error)]
#[error("the request body was aborted")]
pub struct BodyAborted;

impl std::fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyStream")
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl http_body::Body for BodyStream {
    type Data = Bytes;
    type Error = BodyAborted;

    fn poll_frame(
        mut self: StdPin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyAborted>>> {
        (self.next)(cx).map(|piece| piece.map(|bytes| bytes.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// A response whose body has not been read.
pub struct Response {
    inner: reqwest::Response,
    what: Arc<str>,
    received: u64,
}

impl Client {
    /// Builds a client. Must be used on one runtime only, since its connections live there.
    pub fn new(trust: &Trust, proxy: Option<&Proxy>, connect_timeout: Duration) -> Result<Self> {
        let unusable =
            |e: reqwest::Error| Error::internal(format!("HTTP client: {}", root_cause(&e)));
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(trust.client_config()?)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("nfclease/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(TCP_KEEPALIVE)
            .pool_idle_timeout(POOL_IDLE);
        if let Some(proxy) = proxy {
            let tunnel =
                reqwest::Proxy::all(format!("http://{}", proxy.address)).map_err(|_| {
                    Error::InvalidArgument {
                        reason: "the session's proxy is no host and port".into(),
                    }
                })?;
            builder = builder.proxy(tunnel.headers(proxy.header_map()?));
        }
        let route = Arc::new(Route {
            proxy: proxy.map(|proxy| printable(&proxy.address)),
        });
        let inner = builder.build().map_err(unusable)?;
        Ok(Self { inner, route })
    }

    /// Sends the request and waits for the response's head.
    pub async fn send(&self, request: Request) -> Result<Response> {
        let Request {
            method,
            url,
            headers,
            body,
            what,
        } = request;
        let builder = self.inner.request(method, url).headers(headers);
        let builder = match body {
            Body::Empty => builder,
            Body::Bytes(bytes) => builder.body(bytes),
            Body::Stream(stream) => builder.body(reqwest::Body::wrap(stream)),
        };
        match builder.send().await {
            Ok(inner) => Ok(Response {
                inner,
                what,
                received: 0,
            }),
            Err(e) => Err(request_error(&what, &e, &self.route)),
        }
    }
}

impl Response {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.inner.status().as_u16()
    }

    /// The status's standard reason phrase.
    pub fn reason(&self) -> &'static str {
        self.inner.status().canonical_reason().unwrap_or("")
    }

    /// The announced length of the body.
    pub fn content_length(&self) -> Option<u64> {
        self.header(&CONTENT_LENGTH)?.parse().ok()
    }

    /// The server's wish for the time of the next attempt; only the form in seconds is honoured.
    pub fn retry_after(&self) -> Option<Duration> {
        self.header(&RETRY_AFTER)?
            .trim()
            .parse()
            .ok()
            .map(Duration::from_secs)
    }

    /// Whether the end of the body is marked in HTTP itself, by a length or a last chunk.
    pub fn is_framed(&self) -> bool {
        self.header(&CONTENT_LENGTH).is_some() || self.header(&TRANSFER_ENCODING).is_some()
    }

    /// A header's text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.inner
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    /// Refuses redirects and encoded bodies, which no lease server sends.
    pub fn checked(self) -> Result<Self> {
        let status = self.status();
        if (300..400).contains(&status) {
            let location = self
                .header(&LOCATION)
                .and_then(|text| Url::parse(text).ok())
                .map_or_else(
                    || "elsewhere on the same host".into(),
                    |url| format!("{}://{}", url.scheme(), host_of(&url)),
                );
            return Err(Error::UnexpectedRedirect {
                what: self.what.to_string(),
                status,
                location,
            });
        }
        match self.header(&CONTENT_ENCODING) {
            None | Some("identity" | "") => Ok(self),
            Some(encoding) => Err(Error::Protocol {
                what: self.what.to_string(),
                reason: format!("Content-Encoding {} was not asked for", printable(encoding)),
            }),
        }
    }

    /// The next piece of the body, or `None` at its proper end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        match self.inner.chunk().await {
            Ok(chunk) => {
                self.received += chunk.as_ref().map_or(0, |bytes| bytes.len() as u64);
                Ok(chunk)
            }
            Err(e) => Err(body_error(&self.what, self.received, &e)),
        }
    }

    /// The whole body, refused above `limit` bytes.
    pub async fn read(mut self, limit: u64, limit_name: &'static str) -> Result<Vec<u8>> {
        let what = Arc::clone(&self.what);
        let check = |seen: u64| {
            if seen > limit {
                return Err(Error::LimitExceeded {
                    what: what.to_string(),
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
            check((body.len() + chunk.len()) as u64)?;
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The error for a status that is no success, with the first line of what the host says.
    pub async fn into_status_error(self) -> Error {
        let (what, status, phrase) = (self.what.to_string(), self.status(), self.reason());
        let text = tokio::time::timeout(EXCERPT_WAIT, self.excerpt())
            .await
            .unwrap_or_default();
        Error::HttpStatus {
            what,
            status,
            reason: format!("{phrase} {text}").trim().to_owned(),
        }
    }

    /// The first bytes of an error page, as one printable line.
    async fn excerpt(mut self) -> String {
        let text = match self.chunk().await {
            Ok(Some(chunk)) => String::from_utf8_lossy(&chunk[..chunk.len().min(400)]).into_owned(),
            _ => String::new(),
        };
        printable(&text)
    }
}

/// One header pair, or an error that names the header but not its value, which may be a secret.
pub fn header(name: HeaderName, value: &str, what: &str) -> Result<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value).map_err(|_| Error::InvalidArgument {
        reason: format!("{what} cannot be sent as an HTTP header"),
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn request_error(what: &str, error: &reqwest::Error, route: &Route) -> Error {
    let what = what.to_owned();
    if let Some(mismatch) = find::<PinMismatch>(error) {
        return Error::ThumbprintMismatch {
            what,
            expected: mismatch.expected.clone(),
            actual: mismatch.actual.clone(),
        };
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return Error::Tls {
            what,
            reason: tls.to_string(),
        };
    }
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        return Error::Protocol {
            what,
            reason: root_cause(error),
        };
    }
    if error.is_timeout() {
        return Error::Connect {
            what,
            reason: "no answer in time".into(),
        };
    }
    Error::Connect {
        what,
        reason: format!("{}{}", root_cause(error), route.proxy_hint()),
    }
}

impl Route {
    fn proxy_hint(&self) -> String {
        self.proxy
            .as_ref()
            .map(|proxy| format!(" (through the session's proxy {proxy})"))
            .unwrap_or_default()
    }
}

fn body_error(what: &str, seen: u64, error: &reqwest::Error) -> Error {
    let what = what.to_owned();
    match find::<hyper::Error>(error) {
        Some(e) if e.is_parse() => Error::Protocol {
            what,
            reason: root_cause(error),
        },
        _ => Error::Truncated {
            what,
            seen,
            reason: root_cause(error),
        },
    }
}

/// The innermost message, without the URL that the library's own messages carry.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &(dyn StdError + 'static) = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if cause.is::<reqwest::Error>() {
        "request failed".into()
    } else {
        let text = cause.to_string();
        // The TLS library adds where its manual explains it.
        printable(text.split(": https://docs.rs/").next().unwrap_or(&text))
    }
}

/// Looks for a type in the chain; `io::Error` hides what it wraps from `source`.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let hidden = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if let Some(found) = hidden.and_then(|inner| find(inner)) {
            return Some(found);
        }
        let pin = error.downcast_ref::<rustls::Error>().and_then(pin_mismatch);
        if let Some(found) = pin.and_then(|pin| (pin as &(dyn StdError + 'static)).downcast_ref()) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// rustls keeps a verifier's own error behind two wrappers that are not in the source chain.
fn pin_mismatch(error: &rustls::Error) -> Option<&PinMismatch> {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            other.0.downcast_ref()
        }
        _ => None,
    }
}
