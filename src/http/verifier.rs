//! The certificate verifier behind a trust policy, as rustls calls it in the handshake.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerMisbehaved, SignatureScheme,
};
use webpki::RawPublicKeyEntity;

use super::certificate::public_key;
use super::chain::Chain;
use super::tls::{Pin, Verify};

/// The pin did not match; found again in the error chain by its type.
#[derive(Debug)]
pub struct PinMismatch {
    /// The pin, as hex.
    pub expected: String,
    /// The certificate's thumbprint, as hex; with what is odd about the pin, if anything is.
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

/// A certificate was refused for a reason that is ours; found again by its type.
#[derive(Debug)]
pub struct Refused(String);

impl Refused {
    pub(super) fn error(reason: String) -> Error {
        CertificateError::Other(OtherError(Arc::new(Self(reason)))).into()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate was refused: {}", self.0)
    }
}

impl std::error::Error for Refused {}

#[derive(Debug)]
enum Rule {
    Pin(Pin),
    Chain(Chain),
    Nothing,
}

/// Judges a server's certificate by one rule; its handshake signature always.
#[derive(Debug)]
pub(super) struct Verifier {
    rule: Rule,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub(super) fn new(verify: &Verify, provider: &Arc<CryptoProvider>) -> Self {
        let rule = match verify {
            Verify::Pin(pin) => Rule::Pin(pin.clone()),
            Verify::Chain(trust) => Rule::Chain(Chain::new(trust, provider)),
            Verify::Unverified => Rule::Nothing,
        };
        Self {
            rule,
            provider: Arc::clone(provider),
        }
    }
}

fn verify_pin(pin: &Pin, certificate: &CertificateDer<'_>) -> Result<(), Error> {
    let (expected, mut actual) = pin.compare(certificate);
    if expected == actual {
        return Ok(());
    }
    if let Some(doubt) = pin.doubt() {
        actual = format!("{actual} ({doubt})");
    }
    let mismatch = OtherError(Arc::new(PinMismatch { expected, actual }));
    Err(CertificateError::Other(mismatch).into())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.rule {
            Rule::Nothing => Ok(()),
            Rule::Pin(pin) => verify_pin(pin, end_entity),
            Rule::Chain(chain) => chain.verify(end_entity, intermediates, server_name, now),
        }
        .map(|()| ServerCertVerified::assertion())
    }

    /// As the library does it, but for the certificate's version: the library's own function reads
    /// the certificate with rules that a pin makes needless.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = self.provider.signature_verification_algorithms;
        let (_, candidates) = algorithms
            .mapping
            .iter()
            .find(|(scheme, _)| *scheme == dss.scheme)
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let key = public_key(cert).map_err(|_| CertificateError::BadEncoding)?;
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        for algorithm in *candidates {
            match key.verify_signature(*algorithm, message, dss.signature()) {
                Ok(()) => return Ok(HandshakeSignatureValid::assertion()),
                // The scheme does not name the curve; the next candidate may fit.
                Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
                Err(_) => return Err(CertificateError::BadSignature.into()),
            }
        }
        Err(CertificateError::BadSignature.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = public_key(cert).map_err(|_| CertificateError::BadEncoding)?;
        verify_tls13_signature_with_raw_key(
            message,
            &key,
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
