//! The transport of the calls: reqwest.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, Method};
use url::Url;

use super::body::Body;
use super::failure::root_cause;
use super::proxy::Proxy;
use super::settings::{Connection, builder};
use super::tls::Trust;
use crate::error::{Error, Result};

/// Both clients for one trust policy. Cheap to clone.
#[derive(Clone)]
pub(super) struct Calls {
    pooled: reqwest::Client,
    /// Made when it is first needed.
    fresh: Arc<OnceLock<reqwest::Client>>,
    recipe: Arc<Recipe>,
}

/// What both are made of.
struct Recipe {
    /// One for both, so that a new connection resumes the TLS session of an older one.
    tls: rustls::ClientConfig,
    proxy: Option<reqwest::Proxy>,
    connect_timeout: Duration,
}

impl Recipe {
    fn client(&self, connection: Connection) -> Result<reqwest::Client> {
        let mut builder = builder(self.tls.clone(), self.connect_timeout, connection);
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        }
        builder
            .build()
            .map_err(|e| Error::internal(format!("HTTP client: {}", root_cause(&e))))
    }
}

impl Calls {
    pub(super) fn new(
        trust: &Trust,
        proxy: Option<&Proxy>,
        connect_timeout: Duration,
    ) -> Result<Self> {
        let tunnel = |proxy: &Proxy| {
            let all = reqwest::Proxy::all(format!("http://{}", proxy.address)).map_err(|_| {
                Error::InvalidArgument {
                    reason: "the session's proxy is not a host and a port".into(),
                }
            })?;
            Ok::<_, Error>(all.headers(proxy.header_map()?))
        };
        let recipe = Recipe {
            tls: trust.client_config()?,
            proxy: proxy.map(tunnel).transpose()?,
            connect_timeout,
        };
        Ok(Self {
            pooled: recipe.client(Connection::Pooled)?,
            fresh: Arc::default(),
            recipe: Arc::new(recipe),
        })
    }

    fn over(&self, connection: Connection) -> Result<&reqwest::Client> {
        match (connection, self.fresh.get()) {
            (Connection::Pooled, _) => Ok(&self.pooled),
            (Connection::Fresh, Some(fresh)) => Ok(fresh),
            (Connection::Fresh, None) => {
                let made = self.recipe.client(connection)?;
                Ok(self.fresh.get_or_init(|| made))
            }
        }
    }

    /// Sends a request; the answer's head is what is waited for.
    pub(super) fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Body,
        connection: Connection,
    ) -> Result<impl Future<Output = reqwest::Result<reqwest::Response>> + Send + use<>> {
        let builder = self.over(connection)?.request(method, url).headers(headers);
        let builder = match body {
            Body::Empty => builder,
            Body::Bytes(bytes) => builder.body(bytes),
            Body::Stream(_) => return Err(Error::internal("a call has its body at hand")),
        };
        Ok(builder.send())
    }
}
