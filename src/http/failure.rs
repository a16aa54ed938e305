//! From the HTTP library's errors to ours: the cause that a reader can act on, and no URL.

use std::error::Error as StdError;

use url::Url;

use super::fault::Fault;
use super::proxy::Proxy;
use super::tunnel;
use super::verifier::{PinMismatch, Refused};
use crate::advice::Asked;
use crate::error::{Cause, Error, TlsHelp};
use crate::secrets::Secrets;
use crate::text::{ServerText, Text};

/// The library's own words, of a type that it keeps to itself.
const PROXY_WANTS_A_LOGIN: &str = "tunnel error: proxy authorization required";

/// The same of any other refusal of a proxy.
const PROXY_REFUSED: &str = "tunnel error: unsuccessful";

/// What an error that happens on the way should say.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) proxy: Option<Proxy>,
}

impl Route {
    fn proxy_hint(&self) -> String {
        self.proxy
            .as_ref()
            .map(|proxy| format!(" (through the session's proxy {})", proxy.shown()))
            .unwrap_or_default()
    }
}

impl Route {
    /// A text without what the request and the proxy were given.
    fn cleaned(&self, text: &str, secrets: &Secrets) -> ServerText {
        let text = secrets.text(text);
        let proxy = self.proxy.as_ref().map(Proxy::secrets);
        proxy.map_or_else(|| text.clone(), |proxy| proxy.text(&text))
    }

    /// What the proxy said that refused a tunnel to this URL, which the library does not tell.
    pub(super) async fn refusal(&self, what: &str, fault: &Fault, url: &Url) -> Option<Error> {
        let proxy = self.proxy.as_ref()?;
        if root_cause(fault.error()) != PROXY_REFUSED {
            return None;
        }
        let port = url.port_or_known_default()?;
        let authority = format!("{}:{port}", url.host_str()?);
        let (status, text) = tunnel::refusal(proxy, &authority).await?;
        Some(Error::HttpStatus {
            what: format!("{what} through the session's proxy {}", proxy.shown()).into(),
            asked: Asked::Tunnel,
            status,
            reason: proxy.secrets().text(&text).into(),
            retry_after: None,
        })
    }
}

/// What went wrong before there was a response.
pub(super) fn request_error(what: &str, fault: &Fault, route: &Route, secrets: &Secrets) -> Error {
    if let Some(refused) = tls_error(what, fault, route, secrets) {
        return refused;
    }
    if find::<hyper::Error>(fault.error()).is_some_and(hyper::Error::is_parse) {
        return Error::Protocol {
            what: what.into(),
            reason: secrets.text(&root_cause(fault.error())).into(),
            cause: kept(fault, route, secrets),
        };
    }
    if let Some(proxy) = &route.proxy
        && root_cause(fault.error()) == PROXY_WANTS_A_LOGIN
    {
        return Error::HttpStatus {
            what: format!("{what} through the session's proxy {}", proxy.shown()).into(),
            asked: Asked::Tunnel,
            status: 407,
            reason: "Proxy Authentication Required".into(),
            retry_after: None,
        };
    }
    Error::Connect {
        what: what.into(),
        reason: unreached(fault, route, secrets).into(),
        help: None,
        cause: kept(fault, route, secrets),
    }
}

/// The same, where one end does not believe the other.
fn tls_error(what: &str, fault: &Fault, route: &Route, secrets: &Secrets) -> Option<Error> {
    if let Some(mismatch) = find::<PinMismatch>(fault.error()) {
        let doubt = if mismatch.is_ca {
            " (the pinned certificate is a CA's)"
        } else {
            ""
        };
        return Some(Error::ThumbprintMismatch {
            what: format!("{what}{doubt}").into(),
            expected: mismatch.expected.clone().into(),
            actual: mismatch.actual.clone().into(),
            is_ca: mismatch.is_ca,
        });
    }
    let (reason, help) = if let Some(refused) = find::<Refused>(fault.error()) {
        let help = refused.pin_helps.then_some(TlsHelp::Pin);
        (refused.to_string().into(), help)
    } else {
        let found = find::<rustls::Error>(fault.error())?;
        if !fault.is_connect() && !is_verdict(found) {
            return None;
        }
        tls_reason(found, secrets)
    };
    Some(Error::Tls {
        what: what.into(),
        reason,
        help,
        cause: kept(fault, route, secrets),
    })
}

/// Whether an error after the handshake says what the other end thinks of us: in TLS 1.3 a client
/// certificate is refused so late. Others tell of a record that was damaged on the way, the host's
/// or one of ours.
fn is_verdict(error: &rustls::Error) -> bool {
    use rustls::AlertDescription::BadRecordMac;
    matches!(error, rustls::Error::AlertReceived(alert) if *alert != BadRecordMac)
}

/// Why there was no answer.
fn unreached(fault: &Fault, route: &Route, secrets: &Secrets) -> String {
    let cause = if fault.is_timeout() {
        ServerText::from("no answer in time")
    } else {
        route.cleaned(&root_cause(fault.error()), secrets)
    };
    let proxy = route.proxy_hint();
    if fault.is_connect() {
        format!("cannot connect: {cause}{proxy}; check name, port, route and firewall")
    } else {
        format!("the connection broke before an answer: {cause}{proxy}")
    }
}

/// What went wrong inside a body.
pub(super) fn body_error(what: &str, seen: u64, fault: &Fault, secrets: &Secrets) -> Error {
    let cause = chain(fault, |text| secrets.text(text));
    match find::<hyper::Error>(fault.error()) {
        Some(e) if e.is_parse() => Error::Protocol {
            what: what.into(),
            reason: secrets.text(&root_cause(fault.error())).into(),
            cause,
        },
        _ => Error::Truncated {
            what: what.into(),
            seen,
            reason: secrets.text(&root_cause(fault.error())).into(),
            cause,
        },
    }
}

/// The innermost message, without the URL that the library's own messages carry.
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if cause.is::<reqwest::Error>() {
        "request failed".into()
    } else {
        without_manual(&cause.to_string()).to_owned()
    }
}

/// The TLS library adds where its manual explains it.
fn without_manual(text: &str) -> &str {
    text.split(": https://docs.rs/").next().unwrap_or(text)
}

/// What stands below the HTTP library's own error, which holds the URL.
fn chain(fault: &Fault, clean: impl Fn(&str) -> ServerText) -> Option<Cause> {
    let mut below = fault.error();
    while below.is::<reqwest::Error>() {
        below = below.source()?;
    }
    Some(Cause::of(below, |text| clean(without_manual(text))))
}

/// The same, of a request that may have gone through a proxy.
fn kept(fault: &Fault, route: &Route, secrets: &Secrets) -> Option<Cause> {
    chain(fault, |text| route.cleaned(text, secrets))
}

/// Looks for a type in the chain; `io::Error` hides what it wraps from `source`.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let hidden = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if let Some(found) = hidden.and_then(|inner| find(inner)) {
            return Some(found);
        }
        let ours = error.downcast_ref::<rustls::Error>().and_then(verifiers);
        if let Some(found) = ours {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// rustls keeps a verifier's own error behind two wrappers that are not in the source chain.
fn verifiers<T: StdError + 'static>(error: &rustls::Error) -> Option<&T> {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            other.0.downcast_ref()
        }
        _ => None,
    }
}

/// The library's words, but where the reason is the session's own choice.
fn tls_reason(error: &rustls::Error, secrets: &Secrets) -> (Text, Option<TlsHelp>) {
    use rustls::{AlertDescription, PeerIncompatible};
    match error {
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => (
            "the host speaks no TLS version that the session allows, or none from 1.2 on".into(),
            Some(TlsHelp::Versions),
        ),
        other => (secrets.text(&other.to_string()).into(), None),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Write as _};
    use std::net::TcpListener;
    use std::time::Duration;

    use http::{HeaderMap, Method};
    use tokio::runtime::Builder;

    use super::*;
    use crate::http::{Body, Client, Connection, Request, Trust, Verify};

    /// How a GET of a URL with a ticket fails: when it is sent, or when its body is read.
    fn failed(port: u16) -> Error {
        let request = Request {
            method: Method::GET,
            url: Url::parse(&format!("http://127.0.0.1:{port}/nfc/52aF-ticket/disk")).unwrap(),
            headers: HeaderMap::new(),
            body: Body::Empty,
            what: "disk".into(),
            connection: Connection::Fresh,
        };
        let client = Client::new(&Trust::of(Verify::Unverified), None, Duration::from_secs(9));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        #[allow(clippy::disallowed_methods, reason = "the test's own thread")]
        runtime.block_on(async {
            match client.unwrap().send(request).await {
                Ok(response) => response.read(99, "size").await.unwrap_err(),
                Err(error) => error,
            }
        })
    }

    /// The texts from the error to its root, and what the root is to the operating system.
    fn sources(error: &Error) -> (Vec<String>, Option<ErrorKind>) {
        let (mut texts, mut kind) = (vec![error.to_string()], None);
        let mut next = StdError::source(error);
        while let Some(link) = next {
            texts.push(link.to_string());
            kind = link.downcast_ref::<Cause>().and_then(Cause::kind);
            next = link.source();
        }
        (texts, kind)
    }

    #[test]
    fn the_sources_go_down_to_the_system() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = closed.local_addr().unwrap().port();
        drop(closed);
        let error = failed(port);
        let (texts, kind) = sources(&error);
        assert!(matches!(error, Error::Connect { .. }), "{error}");
        assert_eq!(kind, Some(ErrorKind::ConnectionRefused), "{texts:?}");
        assert!(texts.len() > 1 && texts[0].contains(texts.last().unwrap()));
        assert!(
            texts.iter().all(|text| !text.contains("ticket")),
            "{texts:?}"
        );
    }

    #[test]
    fn no_source_shows_what_was_sent() {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n52aF-ticket",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n52aF-ticket\r\n",
            "HTTP/9.9 52aF-ticket\r\n\r\n",
            "HTTP/1.1 200 OK\r\n52aF-ticket\r\n\r\n",
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            std::thread::spawn(move || {
                let (mut connection, _) = listener.accept().unwrap();
                let _ = connection.write_all(answer.replace("9\r", "99\r").as_bytes());
            });
            let (texts, _) = sources(&failed(port));
            assert!(texts.len() > 1, "{texts:?}");
            assert!(
                texts.iter().all(|text| !text.contains("ticket")),
                "{texts:?}"
            );
        }
    }
}
