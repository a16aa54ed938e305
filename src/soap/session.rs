//! The user's own vSphere session, spoken to over a connection of ours.
//!
//! The session is pyvmomi's: we never log in. Cookie and session id are handed in and may change
//! when the script logs in again.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use url::{Position, Url};

use super::answer::Answer;
use super::{envelope, methods};
use crate::advice::Asked;
use crate::error::{Error, Result, TlsHelp};
use crate::http::client::header;
use crate::http::proxy::header_map;
use crate::http::{Body, Client, Connection, Proxy, Request, Trust};
use crate::sync::lock;
use crate::xml::Element;

/// Far above any answer about a lease; read as it streams, so that more is refused early.
const REPLY_BYTES: u64 = 16 * 1024 * 1024;

/// Where the session lives.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The URL of the SDK, `https://host:port/sdk`.
    pub url: Url,
    /// `SOAPAction` as the pyvmomi stub sends it.
    pub soap_action: String,
    /// The session's own trust.
    pub trust: Trust,
    /// The session's own proxy.
    pub proxy: Option<Proxy>,
    /// Deadline of one call.
    pub timeout: Duration,
    /// Deadline of a connection attempt.
    pub connect_timeout: Duration,
}

impl Endpoint {
    /// A client for data that goes the session's way, with this trust.
    pub(crate) fn client(&self, trust: &Trust) -> Result<Client> {
        Client::new(trust, self.proxy.as_ref(), self.connect_timeout)
    }

    /// The same for the session's calls.
    fn for_calls(&self) -> Result<Client> {
        Client::for_calls(&self.trust, self.proxy.as_ref(), self.connect_timeout)
    }

    /// Its host and port.
    fn host(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }
}

/// What proves that the session is ours. Debug shows none of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The stub's raw cookie, quotes and attributes included.
    pub cookie: String,
    /// The stub's `sessionId`, sent as its own header without a cookie.
    pub session_id: String,
    /// What the stub puts into its SOAP header (request context, SAML token), as XML.
    pub soap_header: String,
    /// Headers that the stub adds to every request.
    pub headers: Vec<(String, String)>,
}

impl Credentials {
    /// `name="value"` of the cookie, without the attributes that a server set it with.
    pub(crate) fn cookie_pair(&self) -> &str {
        self.cookie.split(';').next().unwrap_or_default().trim()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status: 200 for a result, 500 for a fault.
    pub status: u16,
    /// The status's reason phrase.
    pub reason: &'static str,
    /// How long the server wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// The SOAP envelope.
    pub body: Vec<u8>,
}

/// A session and one connection pool to it.
#[derive(Debug)]
pub struct Session {
    /// Where every call goes.
    endpoint: Endpoint,
    /// Shared with the session's other connections: the script may log in again.
    credentials: Arc<Mutex<Credentials>>,
    /// The connections, of one runtime.
    client: Client,
    /// The property collector's reference, the same for the session's other connections.
    collector: Arc<Mutex<Option<String>>>,
}

impl Session {
    /// Prepares a session; nothing is sent.
    pub(crate) fn new(endpoint: Endpoint, credentials: Credentials) -> Result<Self> {
        let client = endpoint.for_calls()?;
        Ok(Self {
            endpoint,
            credentials: Arc::new(Mutex::new(credentials)),
            client,
            collector: Arc::default(),
        })
    }

    /// The same session with a connection pool of its own, for use on another runtime.
    pub(crate) fn with_own_connections(&self) -> Result<Self> {
        Ok(Self {
            endpoint: self.endpoint.clone(),
            credentials: Arc::clone(&self.credentials),
            client: self.endpoint.for_calls()?,
            collector: Arc::clone(&self.collector),
        })
    }

    /// Where the session lives.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Takes over the stub's current cookie, which changes when the script logs in again.
    pub fn set_credentials(&self, credentials: Credentials) {
        *lock(&self.credentials) = credentials;
    }

    /// What is sent now.
    pub(crate) fn credentials(&self) -> Credentials {
        lock(&self.credentials).clone()
    }

    /// Sends a ready-made envelope and returns the answer, whatever its status.
    pub(crate) async fn invoke(&self, what: &str, envelope: Vec<u8>) -> Result<Reply> {
        let request = Request {
            method: Method::POST,
            url: self.endpoint.url.clone(),
            headers: self.headers()?,
            body: Body::Bytes(Bytes::from(envelope)),
            what: what.into(),
            connection: if methods::is_repeatable(what) {
                Connection::Pooled
            } else {
                Connection::Fresh
            },
        };
        let exchange = async {
            let sent = self.client.send(request).await;
            let response = sent
                .map_err(|error| self.placed(self.hinted(error)))?
                .checked()?;
            let (status, reason) = (response.status(), response.reason());
            let retry_after = response.retry_after();
            let body = response.read(REPLY_BYTES, "size of a SOAP answer").await?;
            Ok(Reply {
                status,
                reason,
                retry_after,
                body,
            })
        };
        tokio::time::timeout(self.endpoint.timeout, exchange)
            .await
            .unwrap_or_else(|_| {
                Err(Error::WaitTimeout {
                    what: what.into(),
                    seconds: self.endpoint.timeout.as_secs_f64(),
                })
            })
    }

    /// A call names the server that had no answer for it, as a transfer names its host.
    fn placed(&self, error: Error) -> Error {
        match error {
            Error::Connect {
                what,
                reason,
                help,
                cause,
            } => Error::Connect {
                what: format!("{what} at {}", self.endpoint.host()).into(),
                reason,
                help,
                cause,
            },
            other => other,
        }
    }

    /// A server that misses a client certificate says so badly or just hangs up, and the script's
    /// own connection works: its key may be where nobody can read it.
    fn hinted(&self, error: Error) -> Error {
        if self.endpoint.trust.identity.is_some() || self.endpoint.url.scheme() != "https" {
            return error;
        }
        match error {
            Error::Tls {
                what,
                reason,
                help: None,
                cause,
            } if reason.contains("alert") => Error::Tls {
                what,
                reason,
                help: Some(TlsHelp::Identity),
                cause,
            },
            Error::Connect {
                what,
                reason,
                help: None,
                cause,
            } if reason.contains("reset") || reason.contains("closed") => Error::Connect {
                what,
                reason,
                help: Some(TlsHelp::Identity),
                cause,
            },
            other => other,
        }
    }

    /// A call of ours: the response element, and the answer that its texts are read with. Any answer
    /// but a SOAP one is an error, and so is a fault.
    pub(super) async fn call(
        &self,
        method: &'static str,
        this_type: &str,
        this: &str,
        arguments: &str,
    ) -> Result<(Element, Answer)> {
        let header = self.credentials().soap_header;
        let envelope = envelope::request(method, this_type, this, arguments, &header);
        let reply = self.invoke(method, envelope).await?;
        if !matches!(reply.status, 200 | 500) {
            return Err(Error::HttpStatus {
                what: method.into(),
                asked: Asked::Call,
                status: reply.status,
                reason: reply.reason.into(),
                retry_after: reply.retry_after,
            });
        }
        let answer = Answer::new(reply.body, self.credentials());
        Ok((envelope::response(method, &answer)?, answer))
    }

    pub(super) fn known_collector(&self) -> Option<String> {
        lock(&self.collector).clone()
    }

    pub(super) fn set_collector(&self, name: &str) {
        *lock(&self.collector) = Some(name.to_owned());
    }

    fn headers(&self) -> Result<HeaderMap> {
        let Credentials {
            cookie,
            session_id,
            headers: custom,
            ..
        } = self.credentials();
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/xml; charset=UTF-8"),
        );
        let (name, value) = header(
            HeaderName::from_static("soapaction"),
            &self.endpoint.soap_action,
            "the API version",
        )?;
        headers.insert(name, value);
        if !cookie.is_empty() {
            let (name, value) = header(COOKIE, &cookie, "the session cookie")?;
            headers.insert(name, value);
        } else if !session_id.is_empty() {
            let (name, value) = header(
                HeaderName::from_static("vmware-api-session-id"),
                &session_id,
                "the session id",
            )?;
            headers.insert(name, value);
        }
        headers.extend(header_map(&custom)?);
        // The proxy's password is for the CONNECT alone.
        headers.remove(http::header::PROXY_AUTHORIZATION);
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::http::Verify;

    #[test]
    fn a_refusal_tells_how_long_to_wait() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
            connection.write_all(busy).unwrap();
        });
        let endpoint = Endpoint {
            url: Url::parse(&format!("http://127.0.0.1:{port}/sdk")).unwrap(),
            soap_action: "urn:vim25/8.0.1.0".into(),
            trust: Trust::of(Verify::Unverified),
            proxy: None,
            timeout: Duration::from_secs(9),
            connect_timeout: Duration::from_secs(9),
        };
        let session = Session::new(endpoint, Credentials::default()).unwrap();
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        #[allow(clippy::disallowed_methods, reason = "the test's own thread")]
        let refused = runtime.block_on(session.call("Fetch", "HttpNfcLease", "lease-1", ""));
        let error = refused.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{error}");
    }
}
