//! HTTP/1.1 by hand: what a server reads and writes on one connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A request without its body.
#[derive(Debug)]
pub(crate) struct Head {
    /// `GET`, `PUT` or `POST`.
    pub(crate) method: String,
    /// The path of the URL.
    pub(crate) path: String,
    /// Its `Content-Length`, 0 without one.
    pub(crate) length: usize,
}

/// One connection of a client.
pub(crate) struct Wire {
    stream: BufReader<TcpStream>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// The next request, `None` when the client has gone.
    pub(crate) fn head(&mut self) -> io::Result<Option<Head>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let mut length = 0;
        loop {
            let mut header = String::new();
            self.stream.read_line(&mut header)?;
            let Some((name, value)) = header.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        Ok(Some(Head {
            method,
            path,
            length,
        }))
    }

    /// So many bytes of the body.
    pub(crate) fn body(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    /// A head that announces so many bytes.
    pub(crate) fn answer(
        &mut self,
        status: u16,
        headers: &[(&str, String)],
        length: usize,
    ) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\nContent-Length: {length}\r\n");
        for (name, value) in headers {
            head.extend([*name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        self.send(head.as_bytes())
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }
}
