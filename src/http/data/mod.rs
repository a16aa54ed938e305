//! The transport of the data: hyper's own connections, each moved by the transfer that uses it.
//!
//! Imports only [`super`]'s settings, trust and words for what went wrong.

mod connect;
mod link;
mod outgoing;
mod pool;
mod stream;
mod tls;

use std::sync::{Arc, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Method};
use http_body::Body as _;
use hyper::body::Incoming;
use rustls::ClientConfig;
use url::{Position, Url};

use self::connect::{Connector, Destination, login};
use self::link::Link;
use self::pool::Pool;
use super::body::Body;
use super::fault::Fault;
use super::proxy::Proxy;
use super::settings::{Connection, NAME};
use crate::error::Result;

/// Connections for one trust policy. Cheap to clone.
#[derive(Clone)]
pub(super) struct Transport {
    connector: Arc<Connector>,
    pool: Arc<Pool>,
}

/// An answer whose body has not been read. What is still to be sent of the request's body is sent as
/// long as it is kept.
pub(super) struct Answer {
    pub(super) head: Parts,
    body: Incoming,
    /// `None` once it is gone.
    link: Option<Link>,
    /// Where the connection may wait for the next request.
    home: Option<(Arc<Pool>, Destination)>,
    /// There as long as the connection has the request's body.
    sent: Weak<()>,
}

impl Transport {
    pub(super) fn new(
        tls: ClientConfig,
        proxy: Option<&Proxy>,
        connect_timeout: Duration,
    ) -> Result<Self> {
        Ok(Self {
            connector: Arc::new(Connector::new(tls, proxy, connect_timeout)?),
            pool: Arc::default(),
        })
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Body,
        connection: Connection,
    ) -> Result<Answer, Fault> {
        let to = Destination::of(url)?;
        let (is_stream, sent) = (body.is_stream(), body.kept());
        let mut request = request(method, url, headers, body, &to)?;
        loop {
            let idle = match connection {
                Connection::Pooled => self.pool.take(&to, is_stream).await,
                Connection::Fresh => None,
            };
            let is_new = idle.is_none();
            let mut link = match idle {
                Some(link) => link,
                None => Link::new(self.connector.connect(&to).await?).await?,
            };
            if is_stream {
                link.go_alone();
            }
            match link.send(request).await {
                Ok(answer) => {
                    let (head, body) = answer.into_parts();
                    let is_pooled = connection == Connection::Pooled;
                    return Ok(Answer {
                        head,
                        body,
                        link: Some(link),
                        home: is_pooled.then(|| (Arc::clone(&self.pool), to)),
                        sent,
                    });
                }
                Err(unanswered) => match unanswered.request {
                    // It had been closed, and nothing of the request was written.
                    Some(again) if !is_new => request = again,
                    _ => return Err(unanswered.fault),
                },
            }
        }
    }
}

impl Answer {
    /// The next piece of the body, or `None` at its proper end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match &mut self.link {
            Some(link) => link.data(&mut self.body).await,
            None => Err(Fault::of("the connection is gone")),
        }
    }
}

impl Drop for Answer {
    /// Keeps the connection if all was sent and read.
    fn drop(&mut self) {
        let (Some(mut link), Some((pool, to))) = (self.link.take(), self.home.take()) else {
            return;
        };
        if self.body.is_end_stream() && self.sent.strong_count() == 0 {
            // It may have to be moved on to where it is ready.
            link.is_ready(&mut Context::from_waker(Waker::noop()));
            pool.put(to, link);
        }
    }
}

fn request(
    method: Method,
    url: &Url,
    mut headers: HeaderMap,
    body: Body,
    to: &Destination,
) -> Result<http::Request<Body>, Fault> {
    let host = HeaderValue::try_from(to.header()).map_err(Fault::of)?;
    headers.entry(HOST).or_insert(host);
    headers
        .entry(ACCEPT)
        .or_insert(HeaderValue::from_static("*/*"));
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(NAME));
    if let Some(login) = login(url) {
        headers.entry(AUTHORIZATION).or_insert(login);
    }
    let mut request = http::Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = url[Position::BeforePath..Position::AfterQuery]
        .parse()
        .map_err(Fault::of)?;
    *request.headers_mut() = headers;
    Ok(request)
}
