//! From the HTTP library's errors to ours: the cause that a reader can act on, and no URL.

use std::error::Error as StdError;

use url::Url;

use super::proxy::Proxy;
use super::tunnel;
use super::verifier::{PinMismatch, Refused};
use crate::advice::Asked;
use crate::error::Error;
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
    /// What the proxy said that refused a tunnel to this URL, which the library does not tell.
    pub(super) async fn refusal(
        &self,
        what: &str,
        error: &reqwest::Error,
        url: &Url,
    ) -> Option<Error> {
        let proxy = self.proxy.as_ref()?;
        if root_cause(error) != PROXY_REFUSED {
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
        })
    }
}

/// What went wrong before there was a response.
pub(super) fn request_error(
    what: &str,
    error: &reqwest::Error,
    route: &Route,
    secrets: &Secrets,
) -> Error {
    if let Some(mismatch) = find::<PinMismatch>(error) {
        let doubt = mismatch.doubt.map(|doubt| format!(" ({doubt})"));
        return Error::ThumbprintMismatch {
            what: format!("{what}{}", doubt.unwrap_or_default()).into(),
            expected: mismatch.expected.clone().into(),
            actual: mismatch.actual.clone().into(),
        };
    }
    if let Some(refused) = find::<Refused>(error) {
        return Error::Tls {
            what: what.into(),
            reason: refused.to_string().into(),
        };
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return Error::Tls {
            what: what.into(),
            reason: tls_reason(tls, secrets),
        };
    }
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        return Error::Protocol {
            what: what.into(),
            reason: secrets.text(&root_cause(error)).into(),
        };
    }
    if let Some(proxy) = &route.proxy
        && root_cause(error) == PROXY_WANTS_A_LOGIN
    {
        return Error::HttpStatus {
            what: format!("{what} through the session's proxy {}", proxy.shown()).into(),
            asked: Asked::Tunnel,
            status: 407,
            reason: "Proxy Authentication Required: put Proxy-Authorization into customHeaders"
                .into(),
        };
    }
    let cause = if error.is_timeout() {
        ServerText::from("no answer in time")
    } else {
        let proxy = route.proxy.as_ref().map(Proxy::secrets);
        let cause = secrets.text(&root_cause(error));
        proxy.map_or_else(|| cause.clone(), |proxy| proxy.text(&cause))
    };
    let reason = if error.is_connect() {
        let proxy = route.proxy_hint();
        format!("cannot connect: {cause}{proxy}; check name, port, route and firewall")
    } else {
        format!(
            "the connection broke before an answer: {cause}{}",
            route.proxy_hint()
        )
    };
    Error::Connect {
        what: what.into(),
        reason: reason.into(),
    }
}

/// What went wrong inside a body.
pub(super) fn body_error(
    what: &str,
    seen: u64,
    error: &reqwest::Error,
    secrets: &Secrets,
) -> Error {
    match find::<hyper::Error>(error) {
        Some(e) if e.is_parse() => Error::Protocol {
            what: what.into(),
            reason: secrets.text(&root_cause(error)).into(),
        },
        _ => Error::Truncated {
            what: what.into(),
            seen,
            reason: secrets.text(&root_cause(error)).into(),
        },
    }
}

/// The innermost message, without the URL that the library's own messages carry.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &(dyn StdError + 'static) = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if cause.is::<reqwest::Error>() {
        "request failed".into()
    } else {
        let text = cause.to_string();
        // The TLS library adds where its manual explains it.
        text.split(": https://docs.rs/")
            .next()
            .unwrap_or(&text)
            .to_owned()
    }
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
fn tls_reason(error: &rustls::Error, secrets: &Secrets) -> Text {
    use rustls::{AlertDescription, PeerIncompatible};
    match error {
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "the host speaks no TLS version that the session's SSLContext allows, or none from 1.2 on"
            .into(),
        other => secrets.text(&other.to_string()).into(),
    }
}
