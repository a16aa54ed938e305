//! From a `DeviceUrl` to a request: host, trust, name. Everything in it comes from the server.

use std::collections::HashSet;

use url::{Host, Url};

use crate::error::{Error, Result};
use crate::http::{Pin, Trust, Verify, host_of};
use crate::soap::DeviceUrl;

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
pub enum SendCookie {
    /// To the session's own origin.
    Yes,
    /// To any other host.
    No,
}

/// How a device is reached.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The URL with its real host.
    pub url: Url,
    /// Pin or session trust.
    pub trust: Trust,
    /// Whether the session's cookie goes along.
    pub cookie: SendCookie,
    /// The device in the reader's words.
    pub what: String,
}

/// Plans the connection to one device.
pub fn plan(
    device: &DeviceUrl,
    session: &Url,
    session_trust: &Trust,
    plain: PlainHttp,
) -> Result<Plan> {
    let name = display_name(device);
    let protocol = |reason: &str| Error::Protocol {
        what: name.clone(),
        reason: reason.to_owned(),
    };
    let mut url = Url::parse(&device.url).map_err(|_| protocol("its url is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(protocol("its url is neither https nor http"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(protocol("its url carries user info"));
    }
    if url.host_str() == Some("*") {
        substitute_host(&mut url, session)
            .ok_or_else(|| protocol("the session has no host to put for '*'"))?;
    }
    let what = format!("{name} at {}", host_of(&url));
    if url.scheme() == "http" && session.scheme() == "https" && plain == PlainHttp::Refuse {
        return Err(Error::InsecureUrl { what });
    }
    let pin = match Pin::from_pem(&device.ssl_certificate)? {
        Some(pin) => Some(pin),
        None => Pin::from_thumbprint(&device.ssl_thumbprint)?,
    };
    let same_origin = url.origin() == session.origin();
    let trust = match pin {
        Some(pin) => Trust {
            verify: Verify::Pin(pin),
            identity: None,
        },
        // A client certificate is for the session's host only.
        None if same_origin => session_trust.clone(),
        None => Trust {
            verify: session_trust_elsewhere(session_trust),
            identity: None,
        },
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

/// The session's own pin names the session's certificate and says nothing about another host.
fn session_trust_elsewhere(trust: &Trust) -> Verify {
    match &trust.verify {
        Verify::Pin(_) => Verify::Full(crate::http::Roots::System),
        other => other.clone(),
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
pub fn display_name(device: &DeviceUrl) -> String {
    let name = if device.target_id.is_empty() {
        let path = device.url.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    } else {
        &device.target_id
    };
    crate::http::url::printable(if name.is_empty() { &device.key } else { name })
}

/// Longest file name taken from a server; file systems allow 255 bytes, and `.part` is added.
const LONGEST_NAME: usize = 200;

/// Names that Windows keeps for devices, with or without an extension.
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// The file name for a device, refused when it could leave the directory or collide.
pub fn safe_name(name: &str) -> Result<&str> {
    let refuse = |reason: &str| {
        Err(Error::UnsafePath {
            name: name.to_owned(),
            reason: reason.to_owned(),
        })
    };
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.len() > LONGEST_NAME {
        return refuse("it is too long");
    }
    if name.contains(['/', '\\']) {
        return refuse("it has a path separator");
    }
    if name.chars().any(char::is_control) {
        return refuse("it has a control character");
    }
    if name.contains([':', '*', '?', '"', '<', '>', '|']) {
        return refuse("it has a character that Windows reserves");
    }
    if name.starts_with('.') || name.ends_with(['.', ' ']) {
        return refuse("it starts with a dot, or ends with a dot or a space");
    }
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_lowercase();
    let is_reserved = RESERVED
        .iter()
        .any(|reserved| match stem.strip_prefix(reserved) {
            Some("") => !matches!(*reserved, "com" | "lpt"),
            Some(rest) => {
                matches!(*reserved, "com" | "lpt")
                    && rest.len() == 1
                    && rest != "0"
                    && rest.chars().all(|c| c.is_ascii_digit())
            }
            None => false,
        });
    if is_reserved {
        return refuse("it is a reserved device name");
    }
    if name.to_ascii_lowercase().ends_with(".part") {
        return refuse("the ending .part is kept for partial files");
    }
    Ok(name)
}

/// The file names for all devices, distinct even where case does not count.
pub fn safe_names(devices: &[DeviceUrl]) -> Result<Vec<&str>> {
    let mut seen = HashSet::new();
    devices
        .iter()
        .map(|device| {
            let name = safe_name(&device.target_id)?;
            if seen.insert(name.to_lowercase()) {
                return Ok(name);
            }
            Err(Error::UnsafePath {
                name: name.to_owned(),
                reason: "two devices have this name".into(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Roots;

    fn trust() -> Trust {
        Trust {
            verify: Verify::Full(Roots::System),
            identity: None,
        }
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
    fn unsafe_names() {
        let long = "x".repeat(5000);
        for name in [
            "",
            "..",
            ".",
            "../../x",
            "/etc/x",
            "a\0b",
            "..\\x",
            "C:x",
            "CON",
            "con.vmdk",
            "COM1",
            "lpt9.txt",
            ".hidden",
            "x.",
            "x ",
            "a\nb",
            "disk.part",
            long.as_str(),
        ] {
            assert!(
                matches!(safe_name(name), Err(Error::UnsafePath { .. })),
                "{name:?}"
            );
        }
        for name in [
            "disk-0.vmdk",
            "Usenet Indexers.nvram",
            "Grüße.vmdk",
            "console.vmdk",
            "com.vmdk",
            "com0",
        ] {
            assert_eq!(safe_name(name).unwrap(), name);
        }
    }

    #[test]
    fn names_that_differ_in_case_only_collide() {
        let named = |name: &str| DeviceUrl {
            target_id: name.into(),
            ..DeviceUrl::default()
        };
        assert!(safe_names(&[named("X"), named("y")]).is_ok());
        assert!(safe_names(&[named("X"), named("x")]).is_err());
    }
}
