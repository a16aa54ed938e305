//! A connection to the server: blocking reads, TLS in buffers of our own, as much HTTP as it needs.

use std::fs::read;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use url::Url;

use super::{BUFFER, Done};

/// Trusts the certificate of this one server, and no other.
#[derive(Debug)]
struct Known(CertificateDer<'static>, Arc<CryptoProvider>);

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *shown != self.0 {
            return Err(rustls::Error::General("another server".into()));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.1.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.1.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}

/// A connection to the server.
pub(super) struct Peer {
    tcp: TcpStream,
    tls: UnbufferedClientConnection,
    received: Vec<u8>,
    used: usize,
    outgoing: Vec<u8>,
}

impl Peer {
    pub(super) fn connect(url: &Url, certificate: &str) -> Done<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let known = CertificateDer::from_pem_slice(&read(certificate)?)?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Known(known, provider)))
            .with_no_client_auth();
        let host = url.host_str().ok_or("no host")?.to_owned();
        let tcp = TcpStream::connect((host.as_str(), url.port().ok_or("no port")?))?;
        tcp.set_nodelay(true)?;
        Ok(Self {
            tcp,
            tls: UnbufferedClientConnection::new(Arc::new(config), ServerName::try_from(host)?)?,
            received: vec![0; BUFFER],
            used: 0,
            outgoing: vec![0; BUFFER + 8192],
        })
    }

    /// Sends data, or receives where there is none: what comes is handed on, until `take` has all.
    fn exchange(
        &mut self,
        mut data: Option<&[u8]>,
        mut take: impl FnMut(&[u8]) -> Done<bool>,
    ) -> Done<()> {
        let mut unsent = 0;
        loop {
            let UnbufferedStatus { mut discard, state } =
                (self.tls).process_tls_records(&mut self.received[..self.used]);
            let (mut wants_more, mut receives) = (true, false);
            match state? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        wants_more = take(record.payload)?;
                    }
                }
                ConnectionState::EncodeTlsData(mut message) => {
                    unsent += message
                        .encode(&mut self.outgoing[unsent..])
                        .map_err(|e: EncodeError| e.to_string())?;
                }
                ConnectionState::TransmitTlsData(message) => {
                    self.tcp.write_all(&self.outgoing[..unsent])?;
                    unsent = 0;
                    message.done();
                }
                ConnectionState::WriteTraffic(mut traffic) => match data.take() {
                    Some(data) => {
                        let count = traffic
                            .encrypt(data, &mut self.outgoing)
                            .map_err(|e: EncryptError| e.to_string())?;
                        self.tcp.write_all(&self.outgoing[..count])?;
                        return Ok(());
                    }
                    None => receives = true,
                },
                ConnectionState::BlockedHandshake => receives = true,
                _ => return Err("the server closed the connection".into()),
            }
            self.received.copy_within(discard..self.used, 0);
            self.used -= discard;
            if !wants_more {
                return Ok(());
            }
            if receives {
                let count = self.tcp.read(&mut self.received[self.used..])?;
                if count == 0 {
                    return Err("the server closed the connection".into());
                }
                self.used += count;
            }
        }
    }

    pub(super) fn send(&mut self, data: &[u8]) -> Done<()> {
        self.exchange(
            Some(data),
            |_| Err("an answer that nobody waits for".into()),
        )
    }

    /// Reads an answer, and hands on its body.
    pub(super) fn answer(&mut self, mut take: impl FnMut(&[u8]) -> Done<()>) -> Done<usize> {
        let (mut head, mut left, mut length) = (Vec::new(), None, 0);
        self.exchange(None, |piece| {
            let mut body = piece;
            if left.is_none() {
                head.extend_from_slice(piece);
                let Some(at) = head.windows(4).position(|end| end == b"\r\n\r\n") else {
                    return Ok(true);
                };
                body = piece
                    .get(piece.len() - (head.len() - at - 4)..)
                    .unwrap_or_default();
                length = content_length(&head[..at])?;
                left = Some(length);
            }
            take(body)?;
            left = left.map(|left| left.saturating_sub(body.len()));
            Ok(left != Some(0))
        })?;
        Ok(length)
    }
}

fn content_length(head: &[u8]) -> Done<usize> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    if !head.starts_with("http/1.1 20") {
        return Err(head.into());
    }
    let lines = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    Ok(lines.map_or(Ok(0), |text| text.trim().parse())?)
}
