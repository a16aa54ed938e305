//! Which hosts to trust: by the session's own trust, or by the pin that the lease gives for a host.
//!
//! A pin is judged inside the handshake, before one byte of ours is sent, and the handshake's
//! signature is still verified: knowing the certificate is not owning its key.

use std::fmt;
use std::sync::Arc;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use sha1::Digest as _;

use super::certificate::Certificate;
use super::chain::SessionTrust;
use super::verifier::Verifier;
use crate::error::{Error, Result};

/// A certificate that the server must show, known beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pin {
    /// SHA-1 of the certificate (`HttpNfcLeaseDeviceUrl.sslThumbprint`).
    Sha1([u8; 20]),
    /// SHA-256 of the certificate.
    Sha256([u8; 32]),
    /// SHA-512 of the certificate.
    Sha512([u8; 64]),
    /// The certificate itself (`HttpNfcLeaseDeviceUrl.sslCertificate`, vSphere 9); of several, any.
    Certificates(Vec<Vec<u8>>),
}

/// How a server's certificate is verified.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Verify {
    /// The pin decides, nothing else.
    Pin(Pin),
    /// The session's own trust decides.
    Chain(Arc<SessionTrust>),
    /// Nothing: the session itself is unverified.
    Unverified,
}

/// Which protocol versions and cipher suites the session's own TLS would use.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Protocol {
    /// Whether TLS 1.2 may be spoken.
    pub tls12: bool,
    /// Whether TLS 1.3 may be spoken.
    pub tls13: bool,
    /// The cipher suites by number; `None` for those of the library.
    pub cipher_suites: Option<Vec<u16>>,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            tls12: true,
            tls13: true,
            cipher_suites: None,
        }
    }
}

/// A trust policy: what to verify, and who we are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Trust {
    /// How the server is verified.
    pub verify: Verify,
    /// How a host is verified that is not the session's own and has no pin: a pin of the session is
    /// of one host.
    pub elsewhere: Verify,
    /// What may be spoken: never more than the session itself would.
    pub protocol: Protocol,
    /// Our certificate and key, when the session has one: only its own host asks who we are.
    pub identity: Option<Arc<Identity>>,
}

/// A client certificate.
#[derive(PartialEq, Eq, Hash)]
pub struct Identity {
    /// Certificate chain, PEM.
    pub certificates: Vec<u8>,
    /// Private key, PEM.
    pub key: Vec<u8>,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("verify", &self.verify)
            .finish_non_exhaustive()
    }
}

impl Pin {
    /// Reads a thumbprint, with or without colons, in any case; its length tells the digest.
    /// Empty means without one.
    pub fn from_thumbprint(text: &str) -> Result<Option<Self>> {
        let digits: String = text
            .chars()
            .filter(|c| *c != ':' && !c.is_whitespace())
            .collect();
        if digits.is_empty() {
            return Ok(None);
        }
        let malformed = || Error::InvalidArgument {
            reason: format!(
                "thumbprint has {} hex digits; SHA-1 has 40, SHA-256 64, SHA-512 128",
                digits.len()
            )
            .into(),
        };
        let bytes = HEXLOWER_PERMISSIVE
            .decode(digits.as_bytes())
            .map_err(|_| malformed())?;
        let sum = bytes.as_slice();
        let pin = (sum.try_into().map(Self::Sha1))
            .or_else(|_| sum.try_into().map(Self::Sha256))
            .or_else(|_| sum.try_into().map(Self::Sha512));
        pin.map(Some).map_err(|_| malformed())
    }

    /// Reads PEM certificates: the server's, or a list that it is on. Empty means without one.
    pub fn from_pem(text: &str) -> Result<Option<Self>> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let certificates = CertificateDer::pem_slice_iter(text.as_bytes())
            .map(|found| found.map(|certificate| certificate.to_vec()))
            .collect::<Result<Vec<_>, _>>()
            .ok()
            .filter(|found| !found.is_empty())
            .ok_or_else(|| Error::InvalidArgument {
                reason: "sslCertificate is not a PEM certificate".into(),
            })?;
        Ok(Some(Self::Certificates(certificates)))
    }

    /// What the certificate shows under this pin's digest, and what was expected.
    pub(super) fn compare(&self, certificate: &[u8]) -> (String, String) {
        match self {
            Self::Sha1(sum) => (
                HEXLOWER.encode(sum),
                HEXLOWER.encode(&sha1::Sha1::digest(certificate)),
            ),
            Self::Sha256(sum) => (
                HEXLOWER.encode(sum),
                HEXLOWER.encode(&sha2::Sha256::digest(certificate)),
            ),
            Self::Sha512(sum) => (
                HEXLOWER.encode(sum),
                HEXLOWER.encode(&sha2::Sha512::digest(certificate)),
            ),
            Self::Certificates(expected) => {
                let sum = |der: &[u8]| HEXLOWER.encode(&sha2::Sha256::digest(der));
                let same = expected.iter().find(|der| der.as_slice() == certificate);
                let expected = same.or(expected.first());
                (sum(expected.map_or(&[], Vec::as_slice)), sum(certificate))
            }
        }
    }

    /// Whether it can fit no server: it is compared with the server's own certificate.
    pub(super) fn is_ca(&self) -> bool {
        let Self::Certificates(pinned) = self else {
            return false;
        };
        let of_ca = |der: &Vec<u8>| Certificate::read(der).is_ok_and(|found| found.is_issuer);
        pinned.iter().all(of_ca)
    }
}

impl Trust {
    /// This for every host, and nothing of a session besides.
    pub fn of(verify: Verify) -> Self {
        Self {
            elsewhere: verify.clone(),
            verify,
            protocol: Protocol::default(),
            identity: None,
        }
    }

    /// The trust of a host whose certificate is known; nothing else of it is the session's.
    #[must_use]
    pub(crate) fn with_pin(&self, pin: Pin) -> Self {
        Self {
            verify: Verify::Pin(pin),
            identity: None,
            ..self.clone()
        }
    }

    /// The trust of a host that is not the session's: it is shown no client certificate.
    #[must_use]
    pub(crate) fn for_another_host(&self) -> Self {
        Self {
            verify: self.elsewhere.clone(),
            identity: None,
            ..self.clone()
        }
    }

    /// The rustls configuration for this policy, with ring as its explicit provider.
    pub(crate) fn client_config(&self) -> Result<ClientConfig> {
        let (provider, versions) = self.protocol.settings()?;
        let verifier = Arc::new(Verifier::new(&self.verify, &provider));
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|e| Error::internal(format!("TLS versions: {e}")))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let Some(identity) = &self.identity else {
            return Ok(builder.with_no_client_auth());
        };
        let bad = |what: &str| Error::InvalidArgument {
            reason: format!("client certificate: {what}").into(),
        };
        let certificates = CertificateDer::pem_slice_iter(&identity.certificates)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| bad("the certificate file is not a PEM file"))?;
        let key = PrivateKeyDer::from_pem_slice(&identity.key)
            .map_err(|_| bad("the key file is not an unencrypted PEM file"))?;
        builder
            .with_client_auth_cert(certificates, key)
            .map_err(|e| bad(&e.to_string()))
    }
}

impl Protocol {
    fn settings(&self) -> Result<(Arc<CryptoProvider>, Vec<&'static SupportedProtocolVersion>)> {
        let mut provider = rustls::crypto::ring::default_provider();
        if let Some(wanted) = &self.cipher_suites {
            (provider.cipher_suites).retain(|suite| wanted.contains(&u16::from(suite.suite())));
        }
        let versions: Vec<_> = [(self.tls12, &TLS12), (self.tls13, &TLS13)]
            .into_iter()
            .filter_map(|(allowed, version)| allowed.then_some(version))
            .filter(|version| (provider.cipher_suites.iter()).any(|s| s.version() == *version))
            .collect();
        if versions.is_empty() {
            return Err(Error::NoSafeTls);
        }
        Ok((Arc::new(provider), versions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_by_length_in_any_dress() {
        let plain = "0123456789abcdef0123456789ABCDEF01234567";
        let colons = plain
            .as_bytes()
            .chunks(2)
            .map(|p| std::str::from_utf8(p).unwrap())
            .collect::<Vec<_>>()
            .join(":");
        assert_eq!(
            Pin::from_thumbprint(plain).unwrap(),
            Pin::from_thumbprint(&colons).unwrap()
        );
        assert!(matches!(
            Pin::from_thumbprint(plain).unwrap(),
            Some(Pin::Sha1(_))
        ));
        assert!(matches!(
            Pin::from_thumbprint(&"ab".repeat(32)).unwrap(),
            Some(Pin::Sha256(_))
        ));
        assert!(matches!(
            Pin::from_thumbprint(&"ab".repeat(64)).unwrap(),
            Some(Pin::Sha512(_))
        ));
        assert_eq!(Pin::from_thumbprint("").unwrap(), None);
        assert!(Pin::from_thumbprint("ab:cd").is_err());
        assert!(Pin::from_thumbprint(&"zz".repeat(20)).is_err());
    }
}
