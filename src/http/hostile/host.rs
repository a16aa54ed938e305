//! One connection, at the host's end.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;

use rustls::crypto::cipher::{MessageEncrypter, OutboundChunks, OutboundPlainMessage};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::version::TLS12;
use rustls::{
    ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConfig, ServerConnection,
    SupportedCipherSuite, SupportedProtocolVersion,
};

use super::MOST;

/// The suite of TLS 1.2 whose keys are the easiest to use by hand.
const BY_HAND: SupportedCipherSuite =
    ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;

/// A host of this version.
pub(super) fn config(version: &'static SupportedProtocolVersion) -> ServerConfig {
    of_suites(version, ring::ALL_CIPHER_SUITES)
}

/// A host of TLS 1.2 that can be taken over by hand.
pub(super) fn config_by_hand() -> ServerConfig {
    let mut config = of_suites(&TLS12, &[BY_HAND]);
    config.enable_secret_extraction = true;
    config
}

fn of_suites(
    version: &'static SupportedProtocolVersion,
    suites: &[SupportedCipherSuite],
) -> ServerConfig {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut provider = ring::default_provider();
    provider.cipher_suites = suites.to_vec();
    ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap()
}

pub(super) struct Host {
    pub(super) tcp: TcpStream,
    pub(super) tls: ServerConnection,
}

impl Host {
    pub(super) fn accept(listener: &TcpListener, config: Arc<ServerConfig>) -> Self {
        let (mut tcp, _) = listener.accept().unwrap();
        tcp.set_read_timeout(Some(MOST)).unwrap();
        let mut tls = ServerConnection::new(config).unwrap();
        tls.set_buffer_limit(None);
        while tls.is_handshaking() {
            tls.complete_io(&mut tcp).unwrap();
        }
        Self { tcp, tls }
    }

    /// Reads until what came ends so.
    pub(super) fn hear(&mut self, end: &str) -> String {
        let (mut heard, mut byte) = (Vec::new(), [0]);
        while !heard.ends_with(end.as_bytes()) {
            let count = rustls::Stream::new(&mut self.tls, &mut self.tcp)
                .read(&mut byte)
                .unwrap_or(0);
            assert!(count > 0, "{}", String::from_utf8_lossy(&heard));
            heard.push(byte[0]);
        }
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// Reads so many bytes of a [`super::stream`].
    pub(super) fn take(&mut self, length: usize) {
        let mut body = vec![0; length];
        rustls::Stream::new(&mut self.tls, &mut self.tcp)
            .read_exact(&mut body)
            .unwrap();
        assert!(body.iter().all(|byte| *byte == b'x'));
    }

    /// Says it in one record, if it is short enough.
    pub(super) fn say(&mut self, data: impl AsRef<[u8]>) {
        assert!(self.try_say(data), "the client is gone");
    }

    /// Whether the client is still there to be told so.
    pub(super) fn try_say(&mut self, data: impl AsRef<[u8]>) -> bool {
        let sealed = self.sealed(data);
        self.tcp.write_all(&sealed).is_ok()
    }

    /// What would be sent.
    pub(super) fn sealed(&mut self, data: impl AsRef<[u8]>) -> Vec<u8> {
        self.tls.writer().write_all(data.as_ref()).unwrap();
        let mut sealed = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut sealed).unwrap();
        }
        sealed
    }

    /// Ends its side in order, where the client has not gone first.
    pub(super) fn close(&mut self) {
        self.tls.send_close_notify();
        self.try_say("");
        self.cut();
    }

    /// Ends its side without a word.
    pub(super) fn cut(&mut self) {
        let _ = self.tcp.shutdown(Shutdown::Write);
    }

    /// Ends its side one way or the other.
    pub(super) fn end(&mut self, is_cut: bool) {
        if is_cut {
            self.cut();
        } else {
            self.close();
        }
    }

    /// Waits until the other end is gone: no answer is lost by a reset.
    pub(super) fn wait(mut self) {
        let _ = self.tcp.read_to_end(&mut Vec::new());
    }

    /// What it says from now on is sealed by hand: any record can be said.
    pub(super) fn by_hand(self) -> ByHand {
        let secrets = self.tls.dangerous_extract_secrets().unwrap();
        let (next, ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv }) = secrets.tx else {
            panic!("another suite");
        };
        let SupportedCipherSuite::Tls12(suite) = BY_HAND else {
            panic!("another version");
        };
        ByHand {
            tcp: self.tcp,
            seal: suite.aead_alg.encrypter(key, iv.as_ref(), &[]),
            next,
        }
    }
}

/// A host that rustls no longer keeps to the rules.
pub(super) struct ByHand {
    tcp: TcpStream,
    seal: Box<dyn MessageEncrypter>,
    next: u64,
}

impl ByHand {
    pub(super) fn say(&mut self, typ: ContentType, data: impl AsRef<[u8]>) {
        let plain = OutboundPlainMessage {
            typ,
            version: ProtocolVersion::TLSv1_2,
            payload: OutboundChunks::Single(data.as_ref()),
        };
        let sealed = self.seal.encrypt(plain, self.next).unwrap();
        self.next += 1;
        self.tcp.write_all(&sealed.encode()).unwrap();
    }

    pub(super) fn wait(mut self) {
        let _ = self.tcp.read_to_end(&mut Vec::new());
    }
}
