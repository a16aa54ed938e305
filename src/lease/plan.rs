//! From a `DeviceUrl` to a request: host and trust. Everything in it comes from the server.

use url::{Host, Url};

use crate::error::{Error, Result};
use crate::http::proof::may_be_ticket;
use crate::http::{Pin, Trust, host_of};
use crate::soap::DeviceUrl;
use crate::text::{Place, ServerText, Text};

/// Whether an `https` session may be given `http` data URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// No; an `http` session may.
    Refuse,
    /// The user said so.
    Allow,
}

/// Whether the session's cookie goes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendCookie {
    /// To the session's own origin.
    Yes,
    /// To any other host.
    No,
}

/// How a device is reached.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The URL with its real host.
    pub(crate) url: Url,
    /// Pin or session trust.
    pub(crate) trust: Trust,
    /// Whether the session's cookie goes along.
    pub(crate) cookie: SendCookie,
    /// The device in the reader's words.
    pub(crate) what: Text,
}

/// Plans the connection to one device.
pub(super) fn plan(
    device: &DeviceUrl,
    session: &Url,
    session_trust: &Trust,
    plain: PlainHttp,
) -> Result<Plan> {
    let name = display_name(device);
    let protocol = |reason: &str| Error::protocol(name.clone(), reason);
    let mut url = Url::parse(&device.url).map_err(|_| protocol("its url is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(protocol("its url is neither https nor http"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(protocol("its url carries user info"));
    }
    if url.host_str() == Some("*") {
        substitute_host(&mut url, session)
            .ok_or_else(|| protocol("the session has no host to put in place of '*'"))?;
    }
    let what = Text::from(format!("{name} at {}", ServerText::from(host_of(&url))));
    if url.scheme() == "http" && session.scheme() == "https" && plain == PlainHttp::Refuse {
        return Err(Error::InsecureUrl { what });
    }
    let pin = pin(device).map_err(|(field, error)| {
        let why = match &error {
            Error::InvalidArgument { reason } => reason.clone(),
            other => Text::of(other),
        };
        let reason = format!("its {field} cannot be used: {why}");
        Error::protocol_by(what.clone(), reason, &error)
    })?;
    let same_origin = url.origin() == session.origin();
    let trust = match pin {
        Some(pin) => session_trust.with_pin(pin),
        None if same_origin => session_trust.clone(),
        None => session_trust.for_another_host(),
    };
    let cookie = if same_origin {
        SendCookie::Yes
    } else {
        SendCookie::No
    };
    Ok(Plan {
        url,
        trust,
        cookie,
        what,
    })
}

/// File and host of a device, for log records; a host that cannot be read is left out.
pub(super) fn place(device: &DeviceUrl, session: &Url) -> Place {
    let host = Url::parse(&device.url).ok().and_then(|mut url| {
        if url.host_str() == Some("*") {
            substitute_host(&mut url, session)?;
        }
        Some(Text::from(host_of(&url)))
    });
    Place {
        file: display_name(device).into(),
        host: host.unwrap_or_default(),
        ..Place::default()
    }
}

/// The certificate before the thumbprint. What is wrong with either is the server's doing, not that of
/// an argument.
fn pin(device: &DeviceUrl) -> Result<Option<Pin>, (&'static str, Error)> {
    let pin = Pin::from_pem(&device.ssl_certificate).map_err(|error| ("sslCertificate", error))?;
    match pin {
        Some(pin) => Ok(Some(pin)),
        None => {
            Pin::from_thumbprint(&device.ssl_thumbprint).map_err(|error| ("sslThumbprint", error))
        }
    }
}

/// `*` means "the host that you connected to" (`HttpNfcLeaseDeviceUrl.url`). An explicit port in
/// the URL stays; without one the session's is taken, so that a forwarded port works.
fn substitute_host(url: &mut Url, session: &Url) -> Option<()> {
    let host = match session.host()? {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => format!("[{address}]"),
    };
    url.set_host(Some(&host)).ok()?;
    if url.port().is_none() && url.scheme() == session.scheme() {
        url.set_port(session.port()).ok()?;
    }
    Some(())
}

/// What messages call a device: `targetId`, else the last segment of the URL, else the key.
pub(super) fn display_name(device: &DeviceUrl) -> ServerText {
    let name = if device.target_id.is_empty() {
        let path = device.url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    } else {
        &device.target_id
    };
    let hidden = device.target_id.is_empty() && may_be_ticket(name);
    let name = if hidden { "" } else { name };
    ServerText::from(if name.is_empty() { &device.key } else { name })
}

/// Whether a device is a disk: as the server says, and where it does not, by the name.
pub(super) fn is_disk(device: &DeviceUrl) -> bool {
    let named = || display_name(device).to_ascii_lowercase().ends_with(".vmdk");
    device.disk.unwrap_or_else(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Verify;

    fn trust() -> Trust {
        Trust::of(Verify::Unverified)
    }

    fn device(url: &str) -> DeviceUrl {
        DeviceUrl {
            url: url.into(),
            target_id: "disk-0.vmdk".into(),
            ..DeviceUrl::default()
        }
    }

    fn planned(url: &str, session: &str) -> Result<Plan> {
        plan(
            &device(url),
            &Url::parse(session).unwrap(),
            &trust(),
            PlainHttp::Refuse,
        )
    }

    #[test]
    fn star_host_with_ports_and_ipv6() {
        for (url, session, expected) in [
            (
                "https://*/ha-nfc/t/d",
                "https://esx7/sdk",
                "https://esx7/ha-nfc/t/d",
            ),
            (
                "https://*/ha-nfc/t/d",
                "https://esx7:8443/sdk",
                "https://esx7:8443/ha-nfc/t/d",
            ),
            (
                "https://*:444/nfc/t/d",
                "https://esx7:8443/sdk",
                "https://esx7:444/nfc/t/d",
            ),
            (
                "https://*:443/nfc/t/d",
                "https://esx7/sdk",
                "https://esx7/nfc/t/d",
            ),
            (
                "https://*/nfc/t/d",
                "https://[fe80::1]:8443/sdk",
                "https://[fe80::1]:8443/nfc/t/d",
            ),
            (
                "https://esx9/nfc/a b.nvram?token=a%20b",
                "https://vc/sdk",
                "https://esx9/nfc/a%20b.nvram?token=a%20b",
            ),
        ] {
            assert_eq!(planned(url, session).unwrap().url.as_str(), expected);
        }
    }

    #[test]
    fn the_cookie_stays_at_home() {
        let cookie = |url| planned(url, "https://vc/sdk").unwrap().cookie;
        assert_eq!(cookie("https://*/nfc/t/d"), SendCookie::Yes);
        assert_eq!(cookie("https://esx7/nfc/t/d"), SendCookie::No);
        assert_eq!(cookie("https://vc:8443/nfc/t/d"), SendCookie::No);
    }

    #[test]
    fn hostile_urls() {
        assert!(matches!(
            planned("http://esx/nfc/d", "https://vc/sdk"),
            Err(Error::InsecureUrl { .. })
        ));
        assert!(planned("http://esx/nfc/d", "http://vc/sdk").is_ok());
        for url in ["file:///etc/passwd", "https://u:p@esx/d", "no url", ""] {
            assert!(
                matches!(planned(url, "https://vc/sdk"), Err(Error::Protocol { .. })),
                "{url}"
            );
        }
    }

    #[test]
    fn a_pin_wins_over_the_session() {
        let mut device = device("https://esx7/nfc/d");
        device.ssl_thumbprint = "AB:".repeat(19) + "AB";
        let session = Url::parse("https://vc/sdk").unwrap();
        let plan = plan(&device, &session, &trust(), PlainHttp::Refuse).unwrap();
        assert!(matches!(plan.trust.verify, Verify::Pin(Pin::Sha1(_))));
    }

    #[test]
    fn a_pin_that_cannot_be_used_is_the_source() {
        let mut device = device("https://esx7/nfc/d");
        device.ssl_thumbprint = "no thumbprint".into();
        let session = Url::parse("https://vc/sdk").unwrap();
        let error = plan(&device, &session, &trust(), PlainHttp::Refuse).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("its sslThumbprint cannot be used")
        );
        assert!(std::error::Error::source(&error).is_some());
    }
}
