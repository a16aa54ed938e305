//! One pass over a file of a package: its sums, and whether a disk's stream is whole.

use std::io::{self, Read, Write};

use flate2::write::MultiGzDecoder;

use crate::error::{Error, Result};
use crate::image::{Disk, GrainCheck};
use crate::io::{ChecksumType, Digest, Slice, Watched};
use crate::text::ServerText;
use crate::vmdk::{Flaw, Rule, StreamCheck};

/// How much is read at a time.
const BUFFER_BYTES: usize = 1024 * 1024;

/// What is asked about a file.
pub struct FileCheck {
    /// Its pieces by name, in order; most files have one.
    pub pieces: Vec<(String, Slice)>,
    /// The sums of each piece, as it is stored.
    pub sums: Vec<ChecksumType>,
    /// Whether it is compressed with gzip.
    pub is_gzip: bool,
    /// Whether it must be a streamOptimized VMDK, and how closely that is looked at.
    pub disk: DiskCheck,
}

/// How closely a file is looked at as a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskCheck {
    /// Not at all.
    None,
    /// Both its ends.
    Ends,
    /// Every grain, and all that lists them.
    Grains,
}

/// One piece of a file that was read.
pub struct Piece {
    /// Its name.
    pub name: String,
    /// Its length.
    pub size: u64,
    /// Its sums, in the order that they were asked for.
    pub sums: Vec<String>,
}

/// What was found.
pub struct Checked {
    /// All pieces.
    pub pieces: Vec<Piece>,
    /// What is wrong with the stream, if anything is.
    pub flaw: Option<String>,
    /// What is known of the disk, where every grain was looked at.
    pub disk: Option<Disk>,
}

impl FileCheck {
    /// How many bytes are to be read.
    pub fn length(&self) -> u64 {
        let lengths = self.pieces.iter().map(|(_, slice)| slice.length);
        lengths.fold(0, u64::saturating_add)
    }

    /// Reads all of it.
    pub fn run(self, watched: &Watched) -> Result<Checked> {
        let mut content = Content::new(Judge::new(self.disk), self.is_gzip);
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut pieces = Vec::new();
        for (name, slice) in self.pieces {
            let mut digests: Vec<_> = self.sums.iter().copied().map(Digest::new).collect();
            let mut reader = slice.stored.open(slice.offset, slice.length)?;
            let mut size = 0u64;
            loop {
                watched.goes_on()?;
                let count = match reader.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(reader.error(error)),
                };
                let bytes = &buffer[..count];
                for digest in &mut digests {
                    digest.update(bytes);
                }
                content.update(bytes);
                size = size.saturating_add(count as u64);
                watched.count(count as u64);
            }
            if size != slice.length {
                return Err(Error::SizeMismatch {
                    what: format!("{} (it changed while it was read)", ServerText::from(&name))
                        .into(),
                    expected: slice.length,
                    actual: size,
                });
            }
            reader.unchanged()?;
            let sums = digests.into_iter().map(Digest::finish).collect();
            pieces.push(Piece { name, size, sums });
        }
        let (flaw, disk) = content.finish()?;
        Ok(Checked { pieces, flaw, disk })
    }
}

/// The bytes of a file as they would be sent, judged in passing.
enum Content {
    Plain(Judge),
    Gzip(Box<MultiGzDecoder<Judge>>),
}

/// What is wrong, and what is known of the disk.
type Judged = (Option<String>, Option<Disk>);

/// Keeps the first thing that is wrong, and looks no further.
struct Judge {
    way: Way,
    flaw: Option<String>,
}

enum Way {
    Stream(StreamCheck),
    Grains(Box<GrainCheck>),
}

impl Content {
    fn new(judge: Judge, is_gzip: bool) -> Self {
        if is_gzip {
            return Self::Gzip(Box::new(MultiGzDecoder::new(judge)));
        }
        Self::Plain(judge)
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Plain(judge) => judge.update(bytes),
            Self::Gzip(decoder) if decoder.get_ref().flaw.is_none() => {
                if let Err(error) = decoder.write_all(bytes) {
                    decoder.get_mut().flaw = Some(not_gzip(&error));
                }
            }
            Self::Gzip(_) => {}
        }
    }

    fn finish(self) -> Result<Judged> {
        match self {
            Self::Plain(judge) => judge.finish(),
            Self::Gzip(decoder) if decoder.get_ref().flaw.is_some() => {
                Ok((decoder.get_ref().flaw.clone(), None))
            }
            Self::Gzip(decoder) => match decoder.finish() {
                Ok(judge) => judge.finish(),
                Err(error) => Ok((Some(not_gzip(&error)), None)),
            },
        }
    }
}

fn not_gzip(error: &io::Error) -> String {
    format!("it should be compressed with gzip and is not, or is cut: {error}")
}

impl Judge {
    fn new(disk: DiskCheck) -> Self {
        let way = match disk {
            DiskCheck::None => Way::Stream(StreamCheck::new(Rule::Never)),
            DiskCheck::Ends => Way::Stream(StreamCheck::new(Rule::Always)),
            DiskCheck::Grains => Way::Grains(Box::new(GrainCheck::new(None))),
        };
        Self { way, flaw: None }
    }

    fn update(&mut self, bytes: &[u8]) {
        match &mut self.way {
            Way::Stream(stream) if self.flaw.is_none() => {
                self.flaw = stream.update(bytes).err().map(said);
            }
            Way::Stream(_) => {}
            Way::Grains(grains) => grains.update(bytes),
        }
    }

    fn finish(self) -> Result<Judged> {
        match self.way {
            Way::Stream(stream) => {
                let flaw = self.flaw.or_else(|| stream.finish().err().map(said));
                Ok((flaw, None))
            }
            Way::Grains(grains) => {
                let disk = grains.finish()?;
                Ok((disk.finding.as_ref().map(ToString::to_string), Some(disk)))
            }
        }
    }
}

impl Write for Judge {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn said(flaw: Flaw) -> String {
    match flaw {
        Flaw::Format(reason) => format!("it is not a streamOptimized VMDK: {reason}"),
        Flaw::Cut(reason) => format!("it is not whole: {reason}"),
        Flaw::Damaged(reason) => reason,
    }
}
