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

use super::certificate::{public_key, rsa_bits};
use super::chain::Chain;
use super::tls::{Pin, Verify};

/// Bits of the shortest RSA key that the library takes a signature of.
const SHORTEST_RSA: usize = 2048;

/// The pin did not match; found again in the error chain by its type.
#[derive(Debug)]
pub(crate) struct PinMismatch {
    /// The pin, as hex.
    pub(crate) expected: String,
    /// The certificate's thumbprint, as hex.
    pub(crate) actual: String,
    /// Whether the pin can fit no server.
    pub(crate) is_ca: bool,
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
pub(crate) struct Refused {
    reason: String,
    /// Whether a pin would have it believed.
    pub(super) pin_helps: bool,
}

impl Refused {
    pub(super) fn error(reason: String) -> Error {
        let pin_helps = false;
        CertificateError::Other(OtherError(Arc::new(Self { reason, pin_helps }))).into()
    }

    /// What the session's trust does not cover.
    pub(super) fn unless_pinned(reason: &str) -> Error {
        let refused = Self {
            reason: format!("{reason}; or pin it"),
            pin_helps: true,
        };
        CertificateError::Other(OtherError(Arc::new(refused))).into()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate was refused: {}", self.reason)
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
    let (expected, actual) = pin.compare(certificate);
    if expected == actual {
        return Ok(());
    }
    let mismatch = PinMismatch {
        expected,
        actual,
        is_ca: pin.is_ca(),
    };
    Err(CertificateError::Other(OtherError(Arc::new(mismatch))).into())
}

/// A short key looks like a wrong signature to the library, but does not mean an impostor.
fn bad_signature(certificate: &CertificateDer<'_>) -> Error {
    match rsa_bits(certificate) {
        Some(bits) if bits < SHORTEST_RSA => Refused::error(format!(
            "its RSA key has {bits} bits, and fewer than {SHORTEST_RSA} prove nothing: have it \
             issued again"
        )),
        _ => CertificateError::BadSignature.into(),
    }
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
                Err(_) => break,
            }
        }
        Err(bad_signature(cert))
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
        .map_err(|error| match error {
            Error::InvalidCertificate(CertificateError::BadSignature) => bad_signature(cert),
            other => other,
        })
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use rustls::server::{ClientHello, ResolvesServerCert};
    use rustls::sign::CertifiedKey;
    use rustls::version::{TLS12, TLS13};
    use rustls::{
        ClientConnection, Error, ServerConfig, ServerConnection, SupportedProtocolVersion,
    };

    use super::super::tls::{Pin, Trust, Verify};

    #[derive(Debug)]
    struct Shown(Arc<CertifiedKey>);

    impl ResolvesServerCert for Shown {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }

    /// A handshake with a server that shows the certificate of one key and signs with another.
    fn handshake(
        version: &'static SupportedProtocolVersion,
        shown: &KeyPair,
        signing: &KeyPair,
        verify: impl FnOnce(Vec<u8>) -> Verify,
    ) -> Result<(), Error> {
        let parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = parameters.self_signed(shown).unwrap().der().clone();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(signing.serialize_der()).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        let resolver = Shown(Arc::new(CertifiedKey::new(vec![certificate.clone()], key)));
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        let client = Trust::of(verify(certificate.to_vec()))
            .client_config()
            .unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        while client.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets().unwrap();
            let mut wire = Vec::new();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        Ok(())
    }

    #[test]
    fn a_certificate_is_no_proof_without_its_key() {
        let (shown, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        for version in [&TLS12, &TLS13] {
            for verify in [
                |der: Vec<u8>| Verify::Pin(Pin::Certificates(vec![der])),
                |_| Verify::Unverified,
            ] {
                assert_eq!(handshake(version, &shown, &shown, verify), Ok(()));
                assert!(matches!(
                    handshake(version, &shown, &other, verify),
                    Err(Error::InvalidCertificate(_))
                ));
            }
        }
    }
}
