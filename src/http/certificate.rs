//! What a certificate says of itself, read without the rules of a verifier.
//!
//! A pinned certificate may be of any version and name nobody; its key has to be found all the same.

use std::collections::HashSet;

use rustls::pki_types::{SubjectPublicKeyInfoDer, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::{KeyUsage, ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Version;

/// The certificate cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable;

/// What decides here about one certificate.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each answers a question of its own"
)]
pub(super) struct Certificate {
    pub(super) der: Vec<u8>,
    /// X.509 version 1, which has no extensions.
    pub(super) is_version_1: bool,
    /// Names its own issuer, with its own key as far as it says.
    pub(super) is_self_signed: bool,
    /// May stand above others: a CA that may sign certificates of servers.
    pub(super) is_issuer: bool,
    /// May be shown by a server.
    pub(super) is_server: bool,
    /// Names its hosts where they are looked for today, in subjectAltName.
    pub(super) has_names: bool,
    /// How many CAs may stand below.
    path_length: Option<usize>,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    validity: (i64, i64),
}

impl Certificate {
    pub(super) fn read(der: &[u8]) -> Result<Self, Unreadable> {
        let certificate = parse(der)?;
        Self::facts(der, &certificate).map_err(|_| Unreadable)
    }

    fn facts(der: &[u8], certificate: &X509Certificate<'_>) -> Result<Self, X509Error> {
        let subject = certificate.subject().as_raw().to_vec();
        let issuer = certificate.issuer().as_raw().to_vec();
        let is_version_1 = certificate.version() == X509Version::V1;
        let is_self_signed = subject == issuer && names_own_key(certificate);
        let constraints = certificate.basic_constraints()?.map(|found| found.value);
        let key_usage = certificate.key_usage()?.map(|found| found.value);
        let purposes = certificate.extended_key_usage()?.map(|found| found.value);
        let for_servers = purposes.is_none_or(|purposes| purposes.server_auth);
        let is_understood = understands_critical(certificate);
        let is_ca = constraints.map_or(is_version_1 && is_self_signed, |found| found.ca);
        Ok(Self {
            der: der.to_vec(),
            is_version_1,
            is_self_signed,
            is_issuer: is_ca
                && is_understood
                && for_servers
                && key_usage.is_none_or(KeyUsage::key_cert_sign),
            is_server: for_servers
                && is_understood
                && key_usage.is_none_or(|usage| {
                    usage.digital_signature() || usage.key_encipherment() || usage.key_agreement()
                })
                && netscape_allows_servers(certificate),
            has_names: certificate.subject_alternative_name()?.is_some(),
            path_length: constraints
                .and_then(|found| found.path_len_constraint)
                .and_then(|length| usize::try_from(length).ok()),
            subject,
            issuer,
            validity: (
                certificate.validity().not_before.timestamp(),
                certificate.validity().not_after.timestamp(),
            ),
        })
    }

    pub(super) fn is_valid_at(&self, now: UnixTime) -> bool {
        i64::try_from(now.as_secs())
            .is_ok_and(|now| self.validity.0 <= now && now <= self.validity.1)
    }

    /// Whether at most as many CAs stand between this one and a server as it allows.
    pub(super) fn allows_below(&self, cas: usize) -> bool {
        self.path_length.is_none_or(|allowed| cas <= allowed)
    }
}

/// How many of these CAs can at most stand above a certificate.
pub(super) fn longest_path(end_entity: &Certificate, cas: &[&Certificate]) -> usize {
    let mut wanted = HashSet::from([end_entity.issuer.as_slice()]);
    for length in 0..cas.len() {
        wanted = cas
            .iter()
            .filter(|ca| ca.subject != ca.issuer && wanted.contains(ca.subject.as_slice()))
            .map(|ca| ca.issuer.as_slice())
            .collect();
        if wanted.is_empty() {
            return length;
        }
    }
    cas.len()
}

/// The public key of a certificate of any version.
pub(super) fn public_key(der: &[u8]) -> Result<SubjectPublicKeyInfoDer<'_>, Unreadable> {
    Ok(SubjectPublicKeyInfoDer::from(
        parse(der)?.tbs_certificate.subject_pki.raw,
    ))
}

/// The size of an RSA key; other keys have but one that is used.
pub(super) fn rsa_bits(der: &[u8]) -> Option<usize> {
    match parse(der).ok()?.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => Some(key.key_size()),
        _ => None,
    }
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, Unreadable> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Unreadable),
    }
}

/// A certificate that names another key as its issuer's is not self-signed, whatever its names say.
fn names_own_key(certificate: &X509Certificate<'_>) -> bool {
    let (mut own, mut issuers) = (None, None);
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(key) => own = Some(key.0),
            ParsedExtension::AuthorityKeyIdentifier(authority) => {
                issuers = authority.key_identifier.as_ref().map(|key| key.0);
            }
            _ => {}
        }
    }
    match (own, issuers) {
        (Some(own), Some(issuers)) => own == issuers,
        _ => true,
    }
}

/// The library does not look at the extensions of a CA that is trusted; OpenSSL does.
fn understands_critical(certificate: &X509Certificate<'_>) -> bool {
    let is_known = |extension: &X509Extension<'_>| {
        matches!(
            extension.parsed_extension(),
            ParsedExtension::BasicConstraints(_)
                | ParsedExtension::CRLDistributionPoints(_)
                | ParsedExtension::CertificatePolicies(_)
                | ParsedExtension::ExtendedKeyUsage(_)
                | ParsedExtension::InhibitAnyPolicy(_)
                | ParsedExtension::KeyUsage(_)
                | ParsedExtension::NSCertType(_)
                | ParsedExtension::NameConstraints(_)
                | ParsedExtension::PolicyConstraints(_)
                | ParsedExtension::PolicyMappings(_)
                | ParsedExtension::SubjectAlternativeName(_)
        )
    };
    certificate
        .extensions()
        .iter()
        .all(|extension| !extension.critical || is_known(extension))
}

fn netscape_allows_servers(certificate: &X509Certificate<'_>) -> bool {
    certificate
        .extensions()
        .iter()
        .all(|extension| match extension.parsed_extension() {
            ParsedExtension::NSCertType(kind) => kind.ssl_server(),
            _ => true,
        })
}
