//! A part that is compressed with gzip, sent decompressed. An upload has to announce its length, which
//! only reading all of it tells.

use std::io::{self, Read};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;

use super::digests::Digests;
use super::reader::{self, Reader};
use super::slice::Slice;
use super::source::{Ends, Feed, Source, Watch};
use super::stored::Cost;
use crate::error::{Error, Result};

/// No disk of vSphere holds more, nor does its stream.
const MOST_BYTES: u64 = 64 << 40;

/// A compressed part whose decompressed length is known. It can be sent again from its beginning.
pub struct GzipSource {
    slice: Slice,
    length: u64,
    ends: Ends,
}

impl Source for GzipSource {
    fn length(&self) -> u64 {
        self.length
    }

    fn is_repeatable(&self) -> bool {
        true
    }

    fn ends(&self, _most: Cost) -> Result<Option<Ends>> {
        Ok(Some(self.ends.clone()))
    }

    fn start(&mut self, digests: Digests, what: &str, watch: Option<Watch>) -> Result<Feed> {
        let reader = Box::new(Unzip::open(&self.slice)?);
        reader::start(reader, self.length, digests, what, watch)
    }
}

/// Reads a compressed part to its end to learn how long it becomes, and whether it is whole.
pub struct GzipCount {
    slice: Slice,
    reader: Unzip,
    seen: u64,
    ends: Ends,
    buffer: Vec<u8>,
}

impl GzipCount {
    /// Before the first byte.
    pub fn start(slice: Slice) -> Result<Self> {
        Ok(Self {
            reader: Unzip::open(&slice)?,
            slice,
            seen: 0,
            ends: Ends::default(),
            buffer: vec![0; 256 * 1024],
        })
    }

    /// Reads up to so many bytes more; the source once that was all.
    pub fn step(&mut self, bytes: u64) -> Result<Option<GzipSource>> {
        let until = self.seen.saturating_add(bytes);
        while self.seen < until {
            let count = match self.reader.read(&mut self.buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.reader.error(error)),
            };
            if count == 0 {
                return Ok(Some(GzipSource {
                    slice: self.slice.clone(),
                    length: self.seen,
                    ends: std::mem::take(&mut self.ends),
                }));
            }
            self.ends.follow(&self.buffer[..count]);
            self.seen = self.seen.saturating_add(count as u64);
            if self.seen > MOST_BYTES {
                return Err(Error::LimitExceeded {
                    what: self.slice.stored.name().into(),
                    limit: "the decompressed size",
                    allowed: MOST_BYTES,
                    seen: self.seen,
                });
            }
        }
        Ok(None)
    }
}

/// A reader of what a part becomes. Its decoder reads when it is made, which may wait for a network:
/// so the thread that reads makes it.
struct Unzip {
    name: PathBuf,
    unread: Option<Inner>,
    decoder: Option<MultiGzDecoder<Inner>>,
}

/// The compressed bytes; remembers whether it was they that could not be read.
struct Inner {
    reader: Box<dyn Reader>,
    failed: bool,
}

impl Unzip {
    fn open(slice: &Slice) -> Result<Self> {
        let reader = slice.stored.open(slice.offset, slice.length)?;
        Ok(Self {
            name: reader.name(),
            unread: Some(Inner {
                reader,
                failed: false,
            }),
            decoder: None,
        })
    }
}

impl Read for Inner {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer);
        self.failed = read.is_err();
        read
    }
}

impl Read for Unzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(inner) = self.unread.take() {
            self.decoder = Some(MultiGzDecoder::new(inner));
        }
        match &mut self.decoder {
            Some(decoder) => decoder.read(buffer),
            None => Ok(0),
        }
    }
}

impl Reader for Unzip {
    fn name(&self) -> PathBuf {
        self.name.clone()
    }

    fn error(&mut self, error: io::Error) -> Error {
        let inner = self.decoder.as_mut().map(MultiGzDecoder::get_mut);
        if let Some(inner) = inner.filter(|inner| inner.failed) {
            return inner.reader.error(error);
        }
        Error::Package {
            what: self.name.display().to_string().into(),
            reason: format!(
                "a file that should be compressed with gzip is not, or is cut: {error}"
            )
            .into(),
        }
    }

    fn unchanged(&mut self) -> Result<()> {
        let inner = self.decoder.as_mut().map(MultiGzDecoder::get_mut);
        inner.map_or(Ok(()), |inner| inner.reader.unchanged())
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::sync::Arc;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use std::future::poll_fn;

    use super::*;
    use crate::io::ChecksumType;
    use crate::io::StoredFile;

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn count(bytes: &[u8], step: u64) -> Result<GzipSource> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let slice = Slice::all(Arc::new(StoredFile::open(file.path()).unwrap()));
        let mut count = GzipCount::start(slice)?;
        loop {
            if let Some(source) = count.step(step)? {
                return Ok(source);
            }
        }
    }

    fn content() -> Vec<u8> {
        (0..=250).cycle().take(900_000).collect()
    }

    #[tokio::test]
    async fn what_is_sent_is_decompressed() {
        let bytes = content();
        // Two members, as `cat a.gz b.gz` makes.
        let mut file = zipped(&bytes[..500_000]);
        file.extend(zipped(&bytes[500_000..]));
        let mut source = count(&file, 1000).unwrap();
        assert_eq!(source.length(), bytes.len() as u64);
        let ends = source.ends(Cost::Nothing).unwrap().unwrap();
        assert_eq!(ends.head, bytes[..512]);
        assert_eq!(ends.tail, bytes[bytes.len() - 1024..]);
        for _ in 0..2 {
            let mut feed = source
                .start(Digests::new(ChecksumType::Sha1, None), "test", None)
                .unwrap();
            let mut sent = Vec::new();
            while let Some(piece) = poll_fn(&mut feed.next).await {
                sent.extend_from_slice(&piece);
            }
            assert!(sent == bytes && feed.end.await.unwrap().is_ok());
        }
    }

    #[test]
    fn what_is_cut_or_no_gzip_is_refused_before_anything_is_sent() {
        let file = zipped(&content());
        let plain = content();
        let mut wrong = file.clone();
        let sum = wrong.len() - 8;
        wrong[sum] ^= 1;
        for bytes in [&file[..file.len() - 1], &file[..100], &plain, &wrong] {
            assert!(matches!(count(bytes, u64::MAX), Err(Error::Package { .. })));
        }
    }
}
