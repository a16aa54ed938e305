//! The certificate verifier behind a trust policy, as rustls calls it in the handshake.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};

use super::tls::{Pin, Roots, Verify};
use crate::error::{Error, Result};
use crate::text::ServerText;

/// The pin did not match; found again in the error chain by its type.
#[derive(Debug)]
pub struct PinMismatch {
    /// The pin, as hex.
    pub expected: String,
    /// The certificate's thumbprint, as hex.
    pub actual: String,
}

impl fmt::Display for PinMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "thumbprint is {}, expected {}",
            self.actual, self.expected
        )
    }
}

impl std::error::Error for PinMismatch {}

fn web_pki(roots: &Roots, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
    let mut store = RootCertStore::empty();
    match roots {
        // Unreadable certificates in a system store are common and must not stop the others.
        Roots::System => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Roots::Only(list) => {
            store.add_parsable_certificates(
                list.iter().map(|der| CertificateDer::from(der.as_slice())),
            );
        }
    }
    if store.is_empty() {
        return Err(Error::Tls {
            what: "session trust".into(),
            reason: "no usable CA certificate; give the SSLContext a CA file".into(),
        });
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
        .build()
        .map_err(|e| Error::Tls {
            what: "session trust".into(),
            reason: ServerText::of(e).into(),
        })
}

#[derive(Debug)]
enum Rule {
    Pin(Pin),
    Chain(Chain),
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HostName {
    Checked,
    Ignored,
}

#[derive(Debug)]
struct Chain {
    verifier: Arc<WebPkiServerVerifier>,
    /// Certificates that the user trusts as they are. A self-signed server certificate is one when
    /// it is its own CA file: OpenSSL, and so the session, accepts it; webpki alone would not.
    trusted: Vec<Vec<u8>>,
    host_name: HostName,
}

impl Chain {
    fn new(roots: &Roots, host_name: HostName, provider: &Arc<CryptoProvider>) -> Result<Self> {
        let trusted = match roots {
            Roots::System => Vec::new(),
            Roots::Only(list) => list.clone(),
        };
        Ok(Self {
            verifier: web_pki(roots, provider)?,
            trusted,
            host_name,
        })
    }

    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = if self
            .trusted
            .iter()
            .any(|trusted| trusted.as_slice() == end_entity.as_ref())
        {
            ParsedCertificate::try_from(end_entity)
                .and_then(|certificate| verify_server_name(&certificate, server_name))
                .map(|()| ServerCertVerified::assertion())
        } else {
            self.verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            )
        };
        match verified {
            // The chain was good; only the name was not.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.host_name == HostName::Ignored => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }
}

/// Judges a server's certificate by one rule; its handshake signature always.
#[derive(Debug)]
pub(super) struct Verifier {
    rule: Rule,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub(super) fn new(verify: &Verify, provider: &Arc<CryptoProvider>) -> Result<Self> {
        let rule = match verify {
            Verify::Pin(pin) => Rule::Pin(pin.clone()),
            Verify::Full(roots) => Rule::Chain(Chain::new(roots, HostName::Checked, provider)?),
            Verify::ChainOnly(roots) => {
                Rule::Chain(Chain::new(roots, HostName::Ignored, provider)?)
            }
            Verify::Unverified => Rule::Nothing,
        };
        Ok(Self {
            rule,
            provider: Arc::clone(provider),
        })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.rule {
            Rule::Nothing => Ok(ServerCertVerified::assertion()),
            Rule::Pin(pin) => {
                let (expected, actual) = pin.compare(end_entity);
                if expected == actual {
                    return Ok(ServerCertVerified::assertion());
                }
                let mismatch = OtherError(Arc::new(PinMismatch { expected, actual }));
                Err(CertificateError::Other(mismatch).into())
            }
            Rule::Chain(chain) => {
                chain.verify(end_entity, intermediates, server_name, ocsp_response, now)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
