//! One request and its answer, over the library that fits: reqwest for calls, `data` for the rest.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use super::body::Body;
use super::calls::Calls;
use super::data::Transport;
use super::failure::{Route, request_error};
use super::fault::Fault;
use super::proxy::Proxy;
use super::response::{Inner, Proof, Response};
use super::settings::Connection;
use super::tls::Trust;
use crate::error::{Error, Result};

/// A client for one trust policy. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    library: Library,
    route: Arc<Route>,
}

/// Who speaks HTTP.
#[derive(Clone)]
enum Library {
    Calls(Calls),
    Data(Transport),
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// One request.
#[derive(Debug)]
pub(crate) struct Request {
    /// GET, POST or PUT.
    pub(crate) method: Method,
    /// Where to.
    pub(crate) url: Url,
    /// Headers besides those of the body.
    pub(crate) headers: HeaderMap,
    /// What to send.
    pub(crate) body: Body,
    /// The object in the reader's words, for messages.
    pub(crate) what: Arc<str>,
    /// Over which connection.
    pub(crate) connection: Connection,
}

impl Client {
    /// A client for data: what is large, in both directions.
    pub fn new(trust: &Trust, proxy: Option<&Proxy>, connect_timeout: Duration) -> Result<Self> {
        let transport = Transport::new(trust.client_config()?, proxy, connect_timeout)?;
        Ok(Self::of(Library::Data(transport), proxy))
    }

    /// A client for calls. Must be used on one runtime only, since its connections live there.
    pub(crate) fn for_calls(
        trust: &Trust,
        proxy: Option<&Proxy>,
        connect_timeout: Duration,
    ) -> Result<Self> {
        let calls = Calls::new(trust, proxy, connect_timeout)?;
        Ok(Self::of(Library::Calls(calls), proxy))
    }

    fn of(library: Library, proxy: Option<&Proxy>) -> Self {
        let proxy = proxy.cloned();
        Self {
            library,
            route: Arc::new(Route { proxy }),
        }
    }

    /// Sends the request and waits for the response's head.
    pub(crate) async fn send(&self, request: Request) -> Result<Response> {
        let Request {
            method,
            url,
            headers,
            body,
            what,
            connection,
        } = request;
        let asked = Proof {
            method: method.clone(),
            url: url.clone(),
            headers: headers.clone(),
        };
        let answer = match &self.library {
            Library::Calls(calls) => {
                let sent = calls.send(method, url, headers, body, connection)?;
                sent.await.map(Inner::Call).map_err(Fault::from)
            }
            Library::Data(data) => {
                let sent = data.send(method, &url, headers, body, connection);
                sent.await.map(|answer| Inner::Data(Box::new(answer)))
            }
        };
        match answer {
            Ok(inner) => Ok(Response::new(inner, asked, what)),
            Err(fault) => Err(match self.route.refusal(&what, &fault, &asked.url).await {
                Some(refused) => refused,
                None => request_error(&what, &fault, &self.route, &asked.secrets()),
            }),
        }
    }
}

/// One header pair, or an error that names the header but not its value, which may be a secret.
pub(crate) fn header(
    name: HeaderName,
    value: &str,
    what: &str,
) -> Result<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value).map_err(|_| Error::InvalidArgument {
        reason: format!("{what} cannot be sent as an HTTP header").into(),
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}
