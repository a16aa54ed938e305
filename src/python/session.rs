//! The session as the Python face read it off a pyvmomi stub.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use url::Url;

use super::error::to_py;
use crate::error::{Error, Result};
use crate::http::tls::Identity;
use crate::http::{Pin, Proxy, Roots, Trust, Verify};
use crate::lease::Sessions;
use crate::soap::{Credentials, Endpoint};

/// Connecting to a host that is there takes far less; one that is not should not cost a minute.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Session {
    pub(super) sessions: Arc<Sessions>,
}

/// How to verify, in the words of the Python face.
struct TrustArguments {
    verify: String,
    ca_certificates: Option<Vec<Vec<u8>>>,
    thumbprint: Option<String>,
    server_certificate: Option<String>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl TrustArguments {
    fn trust(self) -> Result<Trust> {
        let pin = match self.server_certificate.as_deref().map(Pin::from_pem) {
            Some(pin) => pin?,
            None => self
                .thumbprint
                .as_deref()
                .map_or(Ok(None), Pin::from_thumbprint)?,
        };
        let roots = self.ca_certificates.map_or(Roots::System, Roots::Only);
        let verify = match (pin, self.verify.as_str()) {
            (Some(pin), _) => Verify::Pin(pin),
            (None, "full") => Verify::Full(roots),
            (None, "chain") => Verify::ChainOnly(roots),
            (None, "none") => Verify::Unverified,
            (None, other) => {
                return Err(Error::InvalidArgument {
                    reason: format!("verify {other:?}").into(),
                });
            }
        };
        let identity = self
            .identity
            .map(|(certificates, key)| Arc::new(Identity { certificates, key }));
        Ok(Trust { verify, identity })
    }
}

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (url, soap_action, *, verify, ca_certificates=None, thumbprint=None,
                        server_certificate=None, identity=None, proxy=None, timeout=60.0))]
    #[allow(
        clippy::too_many_arguments,
        reason = "one keyword for each thing a stub carries"
    )]
    fn new(
        py: Python<'_>,
        url: &str,
        soap_action: String,
        verify: String,
        ca_certificates: Option<Vec<Vec<u8>>>,
        thumbprint: Option<String>,
        server_certificate: Option<String>,
        identity: Option<(Vec<u8>, Vec<u8>)>,
        proxy: Option<(String, Vec<(String, String)>)>,
        timeout: f64,
    ) -> PyResult<Self> {
        let arguments = TrustArguments {
            verify,
            ca_certificates,
            thumbprint,
            server_certificate,
            identity,
        };
        let build = || -> Result<Self> {
            let url = Url::parse(url).map_err(|_| Error::InvalidArgument {
                reason: "the session's host is no host name".into(),
            })?;
            let endpoint = Endpoint {
                url,
                soap_action,
                trust: arguments.trust()?,
                proxy: proxy.map(|(address, headers)| Proxy { address, headers }),
                timeout: seconds(timeout, "timeout")?,
                connect_timeout: CONNECT_TIMEOUT,
            };
            Ok(Self {
                sessions: Arc::new(Sessions::new(endpoint, Credentials::default())?),
            })
        };
        build().map_err(|error| to_py(py, &error))
    }

    /// Takes over what the stub sends at this moment.
    fn set_credentials(
        &self,
        cookie: String,
        session_id: String,
        soap_header: String,
        headers: Vec<(String, String)>,
    ) {
        self.sessions.calls.set_credentials(Credentials {
            cookie,
            session_id,
            soap_header,
            headers,
        });
    }
}

/// A positive number of seconds.
pub(super) fn seconds(value: f64, name: &str) -> Result<Duration> {
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(Error::InvalidArgument {
            reason: format!("{name} must be a positive number of seconds").into(),
        }),
    }
}
