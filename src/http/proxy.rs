//! The session's HTTP proxy, for its calls and for the data.

use std::fmt;

use http::{HeaderMap, HeaderName};

use super::client::header;
use super::proof::add_header;
use crate::error::{Error, Result};
use crate::secrets::Secrets;
use crate::text::ServerText;

/// A proxy that tunnels with CONNECT; what it carries stays TLS from end to end.
#[derive(Clone)]
pub struct Proxy {
    /// Host and port.
    pub address: String,
    /// Headers of the CONNECT, such as `Proxy-Authorization`; never shown.
    pub headers: Vec<(String, String)>,
}

impl Proxy {
    /// Host and port, as messages may show them.
    pub(super) fn shown(&self) -> ServerText {
        let host = self.address.rsplit('@').next();
        host.unwrap_or_default().into()
    }

    /// What it is told besides.
    pub(super) fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::default();
        if let Some((login, _)) = self.address.rsplit_once('@') {
            login.split(':').for_each(|part| secrets.add(part));
        }
        for (name, value) in &self.headers {
            add_header(&mut secrets, name, value);
        }
        secrets
    }

    /// The headers as the HTTP library takes them.
    pub(super) fn header_map(&self) -> Result<HeaderMap> {
        header_map(&self.headers)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("address", &self.shown())
            .finish_non_exhaustive()
    }
}

/// Headers that a script gave its session; an error names neither of them.
pub(crate) fn header_map(pairs: &[(String, String)]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::InvalidArgument {
            reason: "a custom header's name is not valid".into(),
        })?;
        let (name, value) = header(name, value, "a custom header")?;
        headers.insert(name, value);
    }
    Ok(headers)
}
