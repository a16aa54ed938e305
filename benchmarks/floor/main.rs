//! What no client can do without: a thread, TLS, a digest, a file, and nothing around them.
//!
//! `get|put [--sha256] [--bare] --certificate PEM URL FILE ...` moves disks as `transport.rs` does;
//! `--bare` only receives and decrypts. `sha1|both|write MIB FILE` is one part alone. JSON on
//! standard output, as the other clients print it.

mod peer;

use std::error::Error as Cause;
use std::fmt::Write as _;
use std::fs::{File, read_to_string};
use std::io::{BufWriter, Read as _, Write as _};
use std::time::Instant;

use nfclease::io::{ChecksumType, Digests};
use url::Url;

use peer::Peer;

type Done<T> = Result<T, Box<dyn Cause>>;

/// It stays in the cache of a processor: with 256 KiB an export costs 7 % more.
const BUFFER: usize = 64 * 1024;
const MIB: usize = 1 << 20;

/// One file, or one part.
#[derive(Default)]
struct Moved {
    bytes: usize,
    sha1: String,
    sha256: String,
}

impl Moved {
    fn of(bytes: usize, digests: &Digests) -> Self {
        Self {
            bytes,
            sha1: digests.first(),
            sha256: digests.also().unwrap_or_default(),
        }
    }
}

/// What the command line says.
#[derive(Default)]
struct Asked {
    certificate: String,
    sha256: bool,
    bare: bool,
    rest: Vec<String>,
}

impl Asked {
    fn digests(&self) -> Digests {
        let also = self.sha256.then_some(ChecksumType::Sha256);
        Digests::new(ChecksumType::Sha1, also)
    }

    fn get(&self, url: &str, path: &str) -> Done<Moved> {
        let url = Url::parse(url)?;
        let mut peer = Peer::connect(&url, &self.certificate)?;
        let place = &url[url::Position::BeforePath..];
        peer.send(format!("GET {place} HTTP/1.1\r\nHost: server\r\n\r\n").as_bytes())?;
        if self.bare {
            let bytes = peer.answer(|_| Ok(()))?;
            return Ok(Moved {
                bytes,
                ..Moved::default()
            });
        }
        // A write of each record, of 16 KiB, would cost more than the copy into a buffer does.
        let file = File::create_new(path)?;
        let (mut file, mut digests) = (BufWriter::with_capacity(BUFFER, file), self.digests());
        let bytes = peer.answer(|piece| {
            digests.update(piece);
            Ok(file.write_all(piece)?)
        })?;
        file.flush()?;
        Ok(Moved::of(bytes, &digests))
    }

    fn put(&self, url: &str, path: &str) -> Done<Moved> {
        let (url, mut file) = (Url::parse(url)?, File::open(path)?);
        let length = usize::try_from(file.metadata()?.len())?;
        let mut peer = Peer::connect(&url, &self.certificate)?;
        let place = &url[url::Position::BeforePath..];
        let head =
            format!("POST {place} HTTP/1.1\r\nHost: server\r\nContent-Length: {length}\r\n\r\n");
        peer.send(head.as_bytes())?;
        let (mut digests, mut buffer) = (self.digests(), vec![0; BUFFER]);
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            digests.update(&buffer[..count]);
            peer.send(&buffer[..count])?;
        }
        peer.answer(|_| Ok(()))?;
        Ok(Moved::of(length, &digests))
    }
}

/// One part alone, over this many bytes.
fn part(name: &str, bytes: usize, path: &str) -> Done<Moved> {
    let block = vec![0x5a; BUFFER];
    let rounds = bytes / BUFFER;
    let also = (name == "both").then_some(ChecksumType::Sha256);
    let mut digests = Digests::new(ChecksumType::Sha1, also);
    if name == "write" {
        let mut file = File::create_new(path)?;
        for _ in 0..rounds {
            file.write_all(&block)?;
        }
        return Ok(Moved {
            bytes: rounds * BUFFER,
            ..Moved::default()
        });
    }
    for _ in 0..rounds {
        digests.update(&block);
    }
    Ok(Moved::of(rounds * BUFFER, &digests))
}

/// User and system seconds in ticks of 10 ms, and `VmHWM`, as JSON.
fn usage() -> Done<String> {
    let stat = read_to_string("/proc/self/stat")?;
    let (_, after) = stat.rsplit_once(") ").ok_or("no /proc/self/stat")?;
    let ticks: Vec<f64> = after
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|text| text.parse().ok())
        .collect();
    let status = read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak
        .and_then(|text| text.split_whitespace().next())
        .unwrap_or("0");
    let (user, sys) = (ticks[0] / 100.0, ticks[1] / 100.0);
    Ok(format!(
        r#"{{"cpu_user": {user}, "cpu_sys": {sys}, "peak_kib": {peak}}}"#
    ))
}

fn main() -> Done<()> {
    let mut words = std::env::args().skip(1);
    let verb = words.next().ok_or("see the first lines of floor/main.rs")?;
    let mut asked = Asked::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--certificate" => asked.certificate = words.next().ok_or("no file")?,
            "--sha256" => asked.sha256 = true,
            "--bare" => asked.bare = true,
            _ => asked.rest.push(word),
        }
    }
    let (startup, begin, mut files) = (usage()?, Instant::now(), String::new());
    for pair in asked.rest.chunks_exact(2) {
        let Moved {
            bytes,
            sha1,
            sha256,
        } = match verb.as_str() {
            "get" => asked.get(&pair[0], &pair[1])?,
            "put" => asked.put(&pair[0], &pair[1])?,
            _ => part(&verb, pair[0].parse::<usize>()? * MIB, &pair[1])?,
        };
        let comma = if files.is_empty() { "" } else { ", " };
        write!(
            files,
            r#"{comma}{{"bytes": {bytes}, "sha1": "{sha1}", "sha256": "{sha256}"}}"#
        )?;
    }
    let (seconds, total) = (begin.elapsed().as_secs_f64(), usage()?);
    writeln!(
        std::io::stdout(),
        r#"{{"files": [{files}], "seconds": {seconds}, "startup": {startup}, "total": {total}}}"#
    )?;
    Ok(())
}
