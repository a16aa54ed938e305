//! New connections: name, TCP, proxy, TLS, all within one deadline.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use http::header::PROXY_AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;
use url::{Host, Url};

use super::super::fault::{Fault, Reason};
use super::super::proxy::Proxy;
use super::super::resolver::Resolver;
use super::super::settings::tcp;
use super::stream::Stream;
use super::tls::Tls;
use crate::error::{Error, Result};

/// Makes connections to any host.
pub(super) struct Connector {
    http: HttpConnector<Resolver>,
    tls: Arc<ClientConfig>,
    /// Where a tunnel begins, and what is said there.
    proxy: Option<(Uri, HeaderMap)>,
    connect_timeout: Duration,
}

/// Where a request goes: the connections to it are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    is_tls: bool,
    host: Host<String>,
    port: u16,
}

impl Destination {
    pub(super) fn of(url: &Url) -> Result<Self, Fault> {
        let host = url.host().map(|host| host.to_owned());
        let (host, port) = host
            .zip(url.port_or_known_default())
            .ok_or_else(|| Fault::of("the URL names no host"))?;
        Ok(Self {
            is_tls: url.scheme() == "https",
            host,
            port,
        })
    }

    /// As a `Host` header has it: a port that goes without saying is not said.
    pub(super) fn header(&self) -> String {
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => self.host.to_string(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    fn uri(&self) -> Result<Uri, Fault> {
        let scheme = if self.is_tls { "https" } else { "http" };
        let uri = format!("{scheme}://{}:{}/", self.host, self.port);
        uri.parse().map_err(Fault::of)
    }

    fn server_name(&self) -> Result<ServerName<'static>, Fault> {
        match &self.host {
            Host::Domain(name) => name.clone().try_into().map_err(Fault::of),
            Host::Ipv4(address) => Ok(ServerName::IpAddress((*address).into())),
            Host::Ipv6(address) => Ok(ServerName::IpAddress((*address).into())),
        }
    }
}

impl Connector {
    pub(super) fn new(
        tls: ClientConfig,
        proxy: Option<&Proxy>,
        connect_timeout: Duration,
    ) -> Result<Self> {
        Ok(Self {
            http: tcp(connect_timeout),
            tls: Arc::new(tls),
            proxy: proxy.map(tunnel).transpose()?,
            connect_timeout,
        })
    }

    /// A connection on which nothing has been asked yet.
    pub(super) async fn connect(&self, to: &Destination) -> Result<Stream, Fault> {
        match timeout(self.connect_timeout, self.stream(to)).await {
            Ok(stream) => stream,
            Err(late) => Err(Fault::of(late).when(Reason::ConnectTimeout)),
        }
        .map_err(|fault| fault.when(Reason::Connect))
    }

    async fn stream(&self, to: &Destination) -> Result<Stream, Fault> {
        let tcp = self.tcp(to.uri()?).await?;
        if !to.is_tls {
            return Ok(Stream::Plain(tcp));
        }
        let tls = Tls::connect(Arc::clone(&self.tls), to.server_name()?, tcp).await;
        Ok(Stream::Tls(Box::new(tls.map_err(Fault::of)?)))
    }

    async fn tcp(&self, to: Uri) -> Result<TcpStream, Fault> {
        let mut http = self.http.clone();
        let io = match &self.proxy {
            None => http.call(to).await.map_err(Fault::of)?,
            Some((proxy, headers)) => {
                let mut tunnel = Tunnel::new(proxy.clone(), http).with_headers(headers.clone());
                tunnel.call(to).await.map_err(Fault::of)?
            }
        };
        Ok(TokioIo::into_inner(io))
    }
}

/// The proxy's address, and the headers of a CONNECT with the login of that address.
fn tunnel(proxy: &Proxy) -> Result<(Uri, HeaderMap)> {
    let wrong = || Error::InvalidArgument {
        reason: "the session's proxy is not a host and a port".into(),
    };
    let url = Url::parse(&format!("http://{}", proxy.address)).map_err(|_| wrong())?;
    let host = url.host_str().ok_or_else(wrong)?;
    let port = url.port_or_known_default().ok_or_else(wrong)?;
    let uri = format!("http://{host}:{port}/")
        .parse()
        .map_err(|_| wrong())?;
    let mut headers = proxy.header_map()?;
    if let Some(login) = login(&url) {
        headers.entry(PROXY_AUTHORIZATION).or_insert(login);
    }
    Ok((uri, headers))
}

/// The login that a URL carries, as the header for it.
pub(super) fn login(url: &Url) -> Option<HeaderValue> {
    let (user, password) = (url.username(), url.password());
    if user.is_empty() && password.is_none() {
        return None;
    }
    let mut pair = percent_decode_str(user).collect::<Vec<u8>>();
    pair.push(b':');
    pair.extend(percent_decode_str(password.unwrap_or_default()));
    let mut login = HeaderValue::try_from(format!("Basic {}", BASE64.encode(&pair))).ok()?;
    login.set_sensitive(true);
    Some(login)
}
