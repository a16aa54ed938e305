//! The session as the Python face read it off a pyvmomi stub.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use url::Url;

use super::error::to_py;
use nfclease::error::{Error, Result};
use nfclease::http::tls::Identity;
use nfclease::http::{
    Accepted, Anchors, HostName, Pin, Protocol, Proxy, SessionTrust, Trust, Verify,
};
use nfclease::lease::{Sessions, seconds};
use nfclease::soap::{Credentials, Endpoint};

/// Connecting to a host that is there takes far less; one that is not should not cost a minute.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

#[pyclass(frozen, module = "nfclease._core")]
pub(crate) struct Session {
    pub(super) sessions: Arc<Sessions>,
}

/// What Python's own TLS would trust, in the words of the Python face.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct TrustArguments {
    /// What decides without a pin: `full`, `chain` (no host name) or `none`.
    verify: String,
    /// What the context trusts, DER; empty where a chain to it would be judged otherwise than there.
    ca_certificates: Vec<Vec<u8>>,
    /// Whether any of them ends a chain, as `VERIFY_X509_PARTIAL_CHAIN` says, or only a root.
    partial_chain: bool,
    /// A host and its certificate, which Python's own TLS has accepted: it is believed there.
    accepted: Option<(String, Vec<u8>)>,
    /// What of the context could not be read or followed, for the message of a refusal.
    unread: Option<String>,
    /// Whether the context allows TLS 1.2; no version is spoken that it forbids.
    tls12: bool,
    /// The same of TLS 1.3.
    tls13: bool,
    /// The suites it allows, by their numbers; all that are safe where it says nothing.
    cipher_suites: Option<Vec<u16>>,
    /// A pin, unless there is a certificate beside it.
    thumbprint: Option<String>,
    /// The pinned certificate, PEM: it says more than a thumbprint, and goes before it.
    server_certificate: Option<String>,
    /// The client's certificate and key, PEM, for a server that wants one.
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl TrustArguments {
    pub(super) fn trust(self) -> Result<Trust> {
        let pin = match self.server_certificate.as_deref().map(Pin::from_pem) {
            Some(pin) => pin?,
            None => self
                .thumbprint
                .as_deref()
                .map_or(Ok(None), Pin::from_thumbprint)?,
        };
        let protocol = Protocol {
            tls12: self.tls12,
            tls13: self.tls13,
            cipher_suites: self.cipher_suites.clone(),
        };
        let identity = self
            .identity
            .as_ref()
            .map(|(certificates, key)| Identity {
                certificates: certificates.clone(),
                key: key.clone(),
            })
            .map(Arc::new);
        let unpinned = self.without_pin(pin.is_some())?;
        Ok(Trust {
            verify: pin.map_or_else(|| unpinned.clone(), Verify::Pin),
            elsewhere: unpinned,
            protocol,
            identity,
        })
    }

    /// What decides where no pin does. A session that is pinned trusts one certificate, so that an
    /// unverified context beside the pin does not mean to trust every other host.
    fn without_pin(self, pinned: bool) -> Result<Verify> {
        let host_name = match self.verify.as_str() {
            "full" => HostName::Checked,
            "chain" => HostName::Ignored,
            "none" if !pinned => return Ok(Verify::Unverified),
            "none" => {
                return Ok(Verify::Chain(Arc::new(SessionTrust {
                    host_name: HostName::Checked,
                    certificates: Vec::new(),
                    anchors: Anchors::SelfSigned,
                    accepted: None,
                    unread: Some("pin is of its own host, and it verifies no other".into()),
                })));
            }
            other => {
                return Err(Error::InvalidArgument {
                    reason: format!("verify {other:?}").into(),
                });
            }
        };
        let anchors = if self.partial_chain {
            Anchors::All
        } else {
            Anchors::SelfSigned
        };
        let accepted = self
            .accepted
            .map(|(host, certificate)| Accepted { host, certificate });
        Ok(Verify::Chain(Arc::new(SessionTrust {
            host_name,
            certificates: self.ca_certificates,
            anchors,
            accepted,
            unread: self.unread,
        })))
    }
}

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (url, soap_action, *, trust, proxy=None, timeout=60.0))]
    fn new(
        py: Python<'_>,
        url: &str,
        soap_action: String,
        trust: TrustArguments,
        proxy: Option<(String, Vec<(String, String)>)>,
        timeout: f64,
    ) -> PyResult<Self> {
        let build = || -> Result<Self> {
            let url = Url::parse(url).map_err(|_| Error::InvalidArgument {
                reason: "the session's host is not a host name".into(),
            })?;
            let endpoint = Endpoint {
                url,
                soap_action,
                trust: trust.trust()?,
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
