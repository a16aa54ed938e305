//! A session's own trust where no pin decides: never wider than OpenSSL's with the same context.
//!
//! The certificate that Python's own TLS accepted from the session's host is accepted again. Any
//! other needs a chain to the CAs that could be read; what could not be read is not guessed.

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier as _;
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};

use super::certificate::{Certificate, longest_path};
use super::verifier::Refused;

/// Whether the name of the host must be in its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HostName {
    /// Yes.
    Checked,
    /// No: the session itself does not look at it.
    Ignored,
}

/// Which of the trusted certificates are the end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anchors {
    /// The self-signed ones; others may only stand in between.
    SelfSigned,
    /// All of them (`VERIFY_X509_PARTIAL_CHAIN`).
    All,
}

/// A certificate that the session's own connection was shown and accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Accepted {
    /// The name under which it was verified.
    pub host: String,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
}

/// What a session trusts, as far as it could be read. Each field is one that OpenSSL decides by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionTrust {
    /// Whether names are checked.
    pub host_name: HostName,
    /// Trusted certificates, DER.
    pub certificates: Vec<Vec<u8>>,
    /// Which of them end a chain.
    pub anchors: Anchors,
    /// What Python's own TLS accepted.
    pub accepted: Option<Accepted>,
    /// What of the trust could not be read or followed, after "the session's".
    pub unread: Option<String>,
}

/// The judge of chains. Its certificates were read once.
#[derive(Debug)]
pub(super) struct Chain {
    trust: Arc<SessionTrust>,
    trusted: Vec<Certificate>,
    provider: Arc<CryptoProvider>,
}

impl Chain {
    pub(super) fn new(trust: &Arc<SessionTrust>, provider: &Arc<CryptoProvider>) -> Self {
        // Unreadable certificates in a system's store are common and must not stop the others.
        let trusted = trust
            .certificates
            .iter()
            .filter_map(|der| Certificate::read(der).ok())
            .collect();
        Self {
            trust: Arc::clone(trust),
            trusted,
            provider: Arc::clone(provider),
        }
    }

    pub(super) fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let shown = Certificate::read(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        if self.was_accepted(&shown, name) {
            return in_time(&shown, now);
        }
        if self.trusted.is_empty() {
            return Err(self.refused("it cannot be verified here"));
        }
        if shown.is_version_1 {
            return Err(self.refused("it is of X.509 version 1, which is accepted only with a pin"));
        }
        if !shown.is_server {
            return Err(CertificateError::InvalidPurpose.into());
        }
        let itself = self.trusted.iter().find(|known| known.der == shown.der);
        let verdict = match itself {
            Some(known) if self.is_anchor(known) => in_time(&shown, now).and_then(|()| {
                let parsed = ParsedCertificate::try_from(end_entity)?;
                verify_server_name(&parsed, name)
            }),
            _ => self.verify_path(&shown, end_entity, intermediates, name, now),
        };
        verdict.or_else(|error| self.explained(error, &shown))
    }

    /// The session's own connection has met this certificate, under this name if names count.
    fn was_accepted(&self, shown: &Certificate, name: &ServerName<'_>) -> bool {
        self.trust.accepted.as_ref().is_some_and(|accepted| {
            accepted.certificate == shown.der
                && (self.trust.host_name == HostName::Ignored
                    || accepted.host.eq_ignore_ascii_case(&name.to_str()))
        })
    }

    fn is_anchor(&self, certificate: &Certificate) -> bool {
        self.trust.anchors == Anchors::All || certificate.is_self_signed
    }

    /// What the library's verifier does not look at is sorted out before: purposes and dates of
    /// CAs that are trusted, and how many may stand below them.
    fn verify_path(
        &self,
        shown: &Certificate,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let sent: Vec<_> = intermediates
            .iter()
            .filter_map(|der| Certificate::read(der).ok())
            .collect();
        let below: Vec<_> = sent
            .iter()
            .chain(self.trusted.iter().filter(|known| !self.is_anchor(known)))
            .filter(|ca| ca.is_issuer)
            .collect();
        let length = longest_path(shown, &below);
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(
            self.trusted
                .iter()
                .filter(|ca| self.is_anchor(ca) && ca.is_issuer)
                .filter(|ca| ca.is_valid_at(now) && ca.allows_below(length))
                .map(|ca| CertificateDer::from(ca.der.as_slice())),
        );
        if store.is_empty() {
            return Err(CertificateError::UnknownIssuer.into());
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(
            Arc::new(store),
            Arc::clone(&self.provider),
        )
        .build()
        .map_err(|e| Error::General(e.to_string()))?;
        let below: Vec<_> = below
            .iter()
            .map(|ca| CertificateDer::from(ca.der.as_slice()))
            .collect();
        verifier
            .verify_server_cert(end_entity, &below, name, &[], now)
            .map(|_| ())
    }

    /// Lets a name pass that nobody asks for, and says where the session may be more lenient.
    fn explained(&self, error: Error, shown: &Certificate) -> Result<(), Error> {
        let Error::InvalidCertificate(cause) = &error else {
            return Err(error);
        };
        match cause {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                match self.trust.host_name {
                    // The chain was good; only the name was not.
                    HostName::Ignored => Ok(()),
                    HostName::Checked if !shown.has_names => Err(self.refused(
                        "it has no subjectAltName, and the name in its subject (CN) does not count: \
                         have it issued again with one",
                    )),
                    HostName::Checked => Err(error),
                }
            }
            CertificateError::UnknownIssuer => Err(self.refused(
                "no CA that is trusted here issued it, as far as CAs can be read (those in a \
                 directory cannot)",
            )),
            CertificateError::Other(other) => match other.0.downcast_ref() {
                Some(webpki::Error::CaUsedAsEndEntity) => {
                    Err(self.refused("it is a CA's certificate, not a server's"))
                }
                _ => Err(self.refused(&other.to_string())),
            },
            _ => Err(error),
        }
    }

    fn refused(&self, why: &str) -> Error {
        let unread = self.trust.unread.as_ref();
        let unread = unread.map_or_else(String::new, |text| format!(" (the session's {text})"));
        Refused::unless_pinned(&format!("{why}{unread}"))
    }
}

fn in_time(certificate: &Certificate, now: UnixTime) -> Result<(), Error> {
    if certificate.is_valid_at(now) {
        Ok(())
    } else {
        Err(CertificateError::Expired.into())
    }
}
