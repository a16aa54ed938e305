//! A host that shows a certificate whose key it does not have.

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use http::Method;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::{Body, Client, Connection, MOST, Trust, VERSIONS, Verify, request, run};
use crate::error::Error;
use crate::http::Pin;

/// Shows it, and signs with a key of its own.
#[derive(Debug)]
struct Stolen(Arc<CertifiedKey>);

impl ResolvesServerCert for Stolen {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn config(
    version: &'static SupportedProtocolVersion,
    shown: &CertificateDer<'static>,
) -> ServerConfig {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let key = ring::sign::any_supported_type(&key).unwrap();
    let stolen = CertifiedKey::new(vec![shown.clone()], key);
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Stolen(Arc::new(stolen))))
}

/// What the host read of one connection, through TLS, until the client had gone.
fn heard(listener: &TcpListener, config: ServerConfig) -> Vec<u8> {
    let (mut tcp, _) = listener.accept().unwrap();
    tcp.set_read_timeout(Some(MOST)).unwrap();
    let mut tls = ServerConnection::new(Arc::new(config)).unwrap();
    let mut heard = Vec::new();
    let _ = rustls::Stream::new(&mut tls, &mut tcp).read_to_end(&mut heard);
    heard
}

#[test]
fn a_certificate_without_its_key_is_not_believed() {
    for version in VERSIONS {
        let shown = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let shown = shown.cert.der().clone();
        let pin = Pin::Certificates(vec![shown.to_vec()]);
        for trust in [Verify::Pin(pin), Verify::Unverified] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let config = config(version, &shown);
            let host = thread::spawn(move || heard(&listener, config));
            let refused = run(async {
                let client = Client::new(&Trust::of(trust), None, MOST).unwrap();
                let asked = request(port, Method::GET, Body::Empty, Connection::Fresh);
                client.send(asked).await.err().unwrap()
            });
            assert!(matches!(refused, Error::Tls { .. }), "{refused}");
            assert_eq!(host.join().unwrap(), b"");
        }
    }
}
