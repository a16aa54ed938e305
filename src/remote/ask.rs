//! One request for bytes, redirects followed: to https only, and the login goes to its own host alone.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::header::{CONTENT_RANGE, ETAG, IF_RANGE, LAST_MODIFIED, LOCATION, RANGE};
use http::{HeaderValue, Method};
use url::Url;

use super::address::Address;
use super::content_range::{ContentRange, is_of_nothing};
use crate::advice::Asked;
use crate::error::{Error, Result, TlsHelp};
use crate::http::{Body, Client, Connection, Request, Response, host_of};
use crate::sync::lock;
use crate::text::ServerText;
use crate::transfer::pace::Pace;

/// Name look-up, TCP and TLS.
const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15);

/// More of them are a loop.
const MOST_REDIRECTS: usize = 5;

/// Who asks an address for bytes.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) address: Address,
    pub(super) what: Arc<str>,
    client: Client,
    /// For hosts that a redirect leads to, which no pin is of.
    elsewhere: Client,
    /// Where the address led to.
    led_to: Mutex<Option<Url>>,
}

/// What tells one version of a file from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Version {
    etag: Option<String>,
    modified: Option<String>,
}

/// Bytes of a file that is read by position.
pub(super) struct Part {
    pub(super) range: ContentRange,
    pub(super) version: Version,
    /// Its body holds `range.length` bytes.
    response: Response,
    /// So many of them are still to come.
    left: u64,
    pace: Pace,
}

/// What a server answers to a question for some bytes.
pub(super) enum Answer {
    /// Those, or their start.
    Part(Part),
    /// All that there is: it knows no Range, or the file is not what it was.
    Whole(Response),
    /// The file is empty: no bytes can be asked for.
    Empty(Version),
}

impl Asker {
    pub(super) fn new(address: Address) -> Result<Self> {
        let client = Client::new(&address.trust, None, CONNECT_TIMEOUT)?;
        let elsewhere = Client::new(&address.trust.for_another_host(), None, CONNECT_TIMEOUT)?;
        Ok(Self {
            what: address.what(),
            address,
            client,
            elsewhere,
            led_to: Mutex::default(),
        })
    }

    /// Asks for `length` bytes from `first` on, of this version where one is known.
    pub(super) async fn part(
        &self,
        first: u64,
        length: u64,
        version: Option<&Version>,
    ) -> Result<Answer> {
        let last = first.saturating_add(length.saturating_sub(1));
        let response = self
            .follow(&format!("bytes={first}-{last}"), version)
            .await?;
        match response.status() {
            206 => self.read_part(response, first, last).map(Answer::Part),
            200 => Ok(Answer::Whole(response)),
            416 if first == 0 && said_range(&response).is_some_and(is_of_nothing) => {
                Ok(Answer::Empty(Version::of(&response)))
            }
            416 => Err(self.protocol("the server has no such bytes (416): the file was cut")),
            _ => Err(of_package(response.into_status_error().await)),
        }
    }

    fn read_part(&self, response: Response, first: u64, last: u64) -> Result<Part> {
        let said = said_range(&response);
        let range = said.and_then(ContentRange::read).filter(|range| {
            let end = range.first.saturating_add(range.length);
            range.first == first && end.saturating_sub(1) <= last
        });
        let Some(range) = range else {
            let said =
                said.map_or_else(|| "none".into(), |said| ServerText::from(said).to_string());
            return Err(self.protocol(&format!(
                "asked for bytes {first}-{last}, and the answer's Content-Range is {said}"
            )));
        };
        if response
            .content_length()
            .is_some_and(|length| length != range.length)
        {
            return Err(
                self.protocol("the answer's Content-Length is not that of its Content-Range")
            );
        }
        Ok(Part {
            left: range.length,
            pace: Pace::new(self.address.timeout),
            version: Version::of(&response),
            response,
            range,
        })
    }

    /// The answer at the end of all redirects.
    async fn follow(&self, range: &str, version: Option<&Version>) -> Result<Response> {
        let known = self.led_to().clone();
        let mut url = known.clone().unwrap_or_else(|| self.address.url.clone());
        let (mut redirects, mut again) = (0_usize, known.is_some());
        loop {
            let response = self.send(url.clone(), range, version).await?;
            let status = response.status();
            if again && matches!(status, 401 | 403 | 404 | 410) {
                // What it led to was for a time only.
                again = false;
                *self.led_to() = None;
                url = self.address.url.clone();
                continue;
            }
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                if redirects > 0 {
                    *self.led_to() = Some(url);
                }
                return response.checked();
            }
            redirects = redirects.saturating_add(1);
            if redirects > MOST_REDIRECTS {
                return Err(self.protocol("the server redirects in a circle"));
            }
            url = self.target(&response, &url)?;
        }
    }

    fn target(&self, response: &Response, from: &Url) -> Result<Url> {
        let target = response
            .header(&LOCATION)
            .and_then(|text| from.join(text).ok());
        let target = target.ok_or_else(|| self.protocol("the server redirects to nowhere"))?;
        if target.scheme() != "https" {
            let to = ServerText::from(format!("{}://{}", target.scheme(), host_of(&target)));
            return Err(self.protocol(&format!(
                "the server redirects to {to}, which is not followed: over anything but https \
                 anybody on the way could change the package"
            )));
        }
        Ok(target)
    }

    async fn send(&self, url: Url, range: &str, version: Option<&Version>) -> Result<Response> {
        let at_home = url.origin() == self.address.url.origin();
        let (client, mut headers) = if at_home {
            (&self.client, self.address.login.clone())
        } else {
            (&self.elsewhere, http::HeaderMap::new())
        };
        let value = |text: &str| HeaderValue::from_str(text).ok();
        headers.extend(value(range).map(|range| (RANGE, range)));
        let version = version.and_then(Version::strong).and_then(value);
        headers.extend(version.map(|version| (IF_RANGE, version)));
        let request = Request {
            method: Method::GET,
            url,
            headers,
            body: Body::Empty,
            what: Arc::clone(&self.what),
            connection: Connection::Pooled,
        };
        let timeout = self.address.timeout;
        let answer = tokio::time::timeout(timeout, client.send(request)).await;
        let answer = answer.unwrap_or_else(|_| Err(Error::stall(&self.what, 0, timeout)));
        answer.map_err(of_package)
    }

    pub(super) fn protocol(&self, reason: &str) -> Error {
        Error::protocol(&self.what, reason)
    }

    fn led_to(&self) -> MutexGuard<'_, Option<Url>> {
        lock(&self.led_to)
    }
}

impl Part {
    /// The next piece. There are as many bytes as the Content-Range says, or it is an error.
    pub(super) async fn next(&mut self, asker: &Asker) -> Result<Option<Bytes>> {
        let chunk = self.pace.next(&asker.what, &mut self.response).await?;
        let length = chunk.as_ref().map_or(0, Bytes::len) as u64;
        let left = self.left.checked_sub(length);
        self.left =
            left.ok_or_else(|| asker.protocol("the answer is longer than its Content-Range"))?;
        if chunk.is_none() && self.left > 0 {
            let got = self.range.length.saturating_sub(self.left);
            return Err(Error::Truncated {
                what: (&asker.what).into(),
                seen: self.range.first.saturating_add(got),
                reason: "the answer is shorter than its Content-Range".into(),
                cause: None,
            });
        }
        Ok(chunk)
    }
}

impl Version {
    fn of(response: &Response) -> Self {
        let text = |name| response.header(name).map(str::to_owned);
        Self {
            etag: text(&ETAG),
            modified: text(&LAST_MODIFIED),
        }
    }

    /// What a server compares byte for byte.
    fn strong(&self) -> Option<&str> {
        let etag = self.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
        etag.or(self.modified.as_deref())
    }

    /// Whether both may be of one file: what only one of them says counts for nothing.
    pub(super) fn fits(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, other: &Option<String>| {
            one.is_none() || other.is_none() || one == other
        };
        same(&self.etag, &other.etag) && same(&self.modified, &other.modified)
    }
}

fn said_range(response: &Response) -> Option<&str> {
    response.header(&CONTENT_RANGE)
}

/// The same error in the words of who reads a package, and no lease.
fn of_package(mut error: Error) -> Error {
    match &mut error {
        Error::HttpStatus { asked, .. } => *asked = Asked::Package,
        Error::Tls { help, .. } if *help == Some(TlsHelp::Pin) => *help = Some(TlsHelp::Package),
        _ => {}
    }
    error
}
