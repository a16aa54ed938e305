//! What a request proves itself by: the secrets that no answer to it may show.

use data_encoding::BASE64;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE};
use url::Url;

use crate::secrets::Secrets;

/// Headers of ours that are the same for everybody.
const PUBLIC: [&str; 3] = ["content-type", "soapaction", "overwrite"];

/// What a cookie is set with.
const ATTRIBUTES: [&str; 8] = [
    "path", "domain", "expires", "max-age", "samesite", "version", "comment", "priority",
];

/// Parts of a path that are the same on every host.
const PLACES: [&str; 6] = ["nfc", "ha-nfc", "sdk", "folder", "data", "datastore"];

/// A last segment of this length that names no kind of file may be the ticket itself.
const TICKET: usize = 16;

/// Ticket, query, user info and headers of a request.
pub(crate) fn of_request(url: &Url, headers: &HeaderMap) -> Secrets {
    let mut secrets = of_url(url);
    for (name, value) in headers {
        if !PUBLIC.contains(&name.as_str())
            && let Ok(value) = value.to_str()
        {
            add_header(&mut secrets, name.as_str(), value);
        }
    }
    secrets
}

/// The parts of a URL that do not name a host, a place or a file.
pub(crate) fn of_url(url: &Url) -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add(url.username());
    secrets.add(url.password().unwrap_or_default());
    let segments: Vec<&str> = url.path().split('/').collect();
    if let Some((name, folders)) = segments.split_last() {
        let folders = folders.iter().filter(|part| !PLACES.contains(part));
        folders.for_each(|part| secrets.add(part));
        if may_be_ticket(name) {
            secrets.add(name);
        }
    }
    for pair in url.query().unwrap_or_default().split(['&', ';']) {
        secrets.add(pair.split_once('=').map_or(pair, |(_, value)| value));
    }
    secrets
}

/// Whether a message may not show the last segment of a path.
pub(crate) fn may_be_ticket(name: &str) -> bool {
    name.len() >= TICKET && !name.contains('.')
}

/// The value of a header, its words, and what it says in base64.
pub(crate) fn add_header(secrets: &mut Secrets, name: &str, value: &str) {
    if name.eq_ignore_ascii_case(COOKIE.as_str()) {
        return add_cookie(secrets, value);
    }
    if name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()) {
        return;
    }
    let mut words = value
        .split_whitespace()
        .filter(|word| word.len() >= 6)
        .peekable();
    if words.peek().is_none() {
        secrets.add(value);
    }
    for word in words {
        secrets.add(word);
        if let Ok(login) = BASE64.decode(word.as_bytes())
            && let Ok(login) = String::from_utf8(login)
        {
            login.split(':').for_each(|part| secrets.add(part));
        }
    }
}

/// The values of a cookie, without the attributes that it was set with.
pub(crate) fn add_cookie(secrets: &mut Secrets, cookie: &str) {
    for pair in cookie.split(';') {
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        if !ATTRIBUTES.contains(&name.trim().to_ascii_lowercase().as_str()) && !name.is_empty() {
            secrets.add(value.trim().trim_matches('"'));
        }
    }
}

/// What identifies the user in a SOAP header: the texts and values of a SAML token, not its markup.
pub(crate) fn add_soap_header(secrets: &mut Secrets, header: &str) {
    let words = header.split(|c: char| c.is_whitespace() || "<>\"'".contains(c));
    let telling = words.filter(|word| word.len() >= 16 && !is_markup(word));
    telling.for_each(|word| secrets.add(word));
}

fn is_markup(word: &str) -> bool {
    ["http://", "https://", "urn:", "/"]
        .iter()
        .any(|start| word.starts_with(start))
        || word.ends_with('=') && word.contains(':')
        || word.split_once(':').is_some_and(|(prefix, name)| {
            prefix.len() < 10 && name.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secrets_of_a_request() {
        let url =
            Url::parse("https://us3r:p4ssw0rd@esx/ha-nfc/52a1-ticket/disk-1.vmdk?token=q%20uery")
                .unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (
                "cookie",
                "vmware_soap_session=\"c00kie-value\"; Path=/; HttpOnly",
            ),
            ("vmware-api-session-id", "session-1234"),
            ("authorization", "Basic dXNlcjE6c2VjcmV0MQ=="),
            ("x-custom", "Bearer t0ken-of-mine"),
            ("soapaction", "urn:vim25/8.0.3.0"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let secrets = of_request(&url, &headers);
        for secret in [
            "us3r",
            "p4ssw0rd",
            "52a1-ticket",
            "q uery",
            "c00kie-value",
            "session-1234",
            "dXNlcjE6c2VjcmV0MQ==",
            "user1",
            "secret1",
            "t0ken-of-mine",
        ] {
            assert_eq!(
                secrets.text(&format!("x {secret} y")).as_str(),
                "x *** y",
                "{secret}"
            );
        }
        let plain =
            "esx has no ha-nfc disk-1.vmdk; Path=/ HttpOnly urn:vim25/8.0.3.0 vmware_soap_session";
        assert_eq!(secrets.text(plain).as_str(), plain);
    }

    #[test]
    fn a_token_is_hidden_and_its_markup_is_not() {
        let mut secrets = Secrets::default();
        add_soap_header(
            &mut secrets,
            concat!(
                "<soapenv:Header><saml2:Assertion ID='_0123456789abcdef' xmlns:saml2='urn:oasis:names:tc:SAML'>",
                "<ds:SignatureValue>QWxhZGRpbjpvcGVuIHNlc2FtZQ</ds:SignatureValue></saml2:Assertion></soapenv:Header>"
            ),
        );
        assert_eq!(
            secrets
                .text("bad ds:SignatureValue QWxhZGRpbjpvcGVuIHNlc2FtZQ in saml2:Assertion")
                .as_str(),
            "bad ds:SignatureValue *** in saml2:Assertion"
        );
    }
}
