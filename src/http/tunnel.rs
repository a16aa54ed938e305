//! What a proxy says that refuses a tunnel: the HTTP library keeps it to itself, so it is asked again.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

use super::proxy::Proxy;

/// It has just answered the same.
const WAIT: Duration = Duration::from_secs(3);
/// More of its page is not read.
const MOST_BYTES: usize = 4096;

/// Status and text of a refusal; `None` where it refuses no more, or says nothing.
pub(super) async fn refusal(proxy: &Proxy, authority: &str) -> Option<(u16, String)> {
    let mut said = Vec::new();
    // All that has come by then counts as its answer.
    let _ = tokio::time::timeout(WAIT, ask(proxy, authority, &mut said)).await;
    read(&String::from_utf8_lossy(&said))
}

async fn ask(proxy: &Proxy, authority: &str, said: &mut Vec<u8>) -> io::Result<()> {
    let address = proxy.address.rsplit('@').next().unwrap_or_default();
    let stream = TcpStream::connect(address).await?;
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    for (name, value) in &proxy.headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.push_str("\r\n");
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        stream.writable().await?;
        match stream.try_write(rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    let mut buffer = [0; MOST_BYTES];
    while said.len() < MOST_BYTES {
        stream.readable().await?;
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => said.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn read(said: &str) -> Option<(u16, String)> {
    let (head, page) = said.split_once("\r\n\r\n").unwrap_or((said, ""));
    let (version, answer) = head.lines().next()?.split_once(' ')?;
    let (status, phrase) = answer.trim().split_once(' ').unwrap_or((answer.trim(), ""));
    let status = status
        .parse()
        .ok()
        .filter(|status| (300..600).contains(status))?;
    version
        .starts_with("HTTP/")
        .then(|| (status, format!("{phrase} {page}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        for (said, expected) in [
            (
                "HTTP/1.1 503 Busy\r\nA: b\r\n\r\n<p>later",
                Some((503, "Busy <p>later")),
            ),
            ("HTTP/1.0 502\r\n\r\n", Some((502, " "))),
            ("HTTP/1.1 403 No", Some((403, "No "))),
            ("HTTP/1.1 200 OK\r\n\r\n", None),
            ("HTTP/1.1 99999 x\r\n\r\n", None),
            ("SSH-2.0-x", None),
            ("", None),
        ] {
            let expected = expected.map(|(status, text)| (status, text.to_owned()));
            assert_eq!(read(said), expected, "{said}");
        }
    }
}
