//! Whom to believe: the session's own trust, or the pin that the lease gives for a host.
//!
//! A pin is judged inside the handshake, before one byte of ours is sent, and the handshake's
//! signature is still verified: knowing the certificate is not owning its key.

use std::fmt;
use std::sync::Arc;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha1::Digest as _;

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
    /// The certificate itself (`HttpNfcLeaseDeviceUrl.sslCertificate`, vSphere 9).
    Certificate(Vec<u8>),
}

/// Which authorities to believe.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Roots {
    /// The operating system's.
    System,
    /// These DER certificates only.
    Only(Vec<Vec<u8>>),
}

/// How a server's certificate is verified.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Verify {
    /// The pin decides, nothing else.
    Pin(Pin),
    /// Chain and host name.
    Full(Roots),
    /// Chain only: the session's `SSLContext` has `check_hostname=False`.
    ChainOnly(Roots),
    /// Nothing: the session itself is unverified.
    Unverified,
}

/// A trust policy: what to verify, and who we are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Trust {
    /// How the server is verified.
    pub verify: Verify,
    /// Our certificate chain and key as PEM, when the session has one.
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
    /// Empty means that there is none.
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

    /// Reads one PEM certificate. Empty means that there is none.
    pub fn from_pem(text: &str) -> Result<Option<Self>> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let certificate = CertificateDer::from_pem_slice(text.as_bytes()).map_err(|_| {
            Error::InvalidArgument {
                reason: "sslCertificate is no PEM certificate".into(),
            }
        })?;
        Ok(Some(Self::Certificate(certificate.to_vec())))
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
            Self::Certificate(expected) => (
                HEXLOWER.encode(&sha2::Sha256::digest(expected)),
                HEXLOWER.encode(&sha2::Sha256::digest(certificate)),
            ),
        }
    }
}

impl Trust {
    /// The rustls configuration for this policy, with ring as its explicit provider.
    pub fn client_config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Arc::new(Verifier::new(&self.verify, &provider)?);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
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
            .map_err(|_| bad("the certificate file is no PEM"))?;
        let key = PrivateKeyDer::from_pem_slice(&identity.key)
            .map_err(|_| bad("the key file is no unencrypted PEM"))?;
        builder
            .with_client_auth_cert(certificates, key)
            .map_err(|e| bad(&e.to_string()))
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
