//! An archive, header by header: of a file by position, or of a stream in order.

use super::header::{self, BLOCK, Header, Kind};
use super::names;
use crate::text::ServerText;

/// No honest name or set of records is longer.
const EXTENSION_BYTES: u64 = 1024 * 1024;
/// A package has a few files; one in chunks of 2 GB has hundreds.
const MOST_HEADERS: u32 = 100_000;

/// A member whose header, and all that stands before it about it, was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Relative to the archive's root, with `/`.
    pub(crate) name: String,
    /// Whether it is a file that can be read; else why not.
    pub(crate) flaw: Option<&'static str>,
    /// Where its bytes begin in the archive.
    pub(crate) offset: u64,
    /// How many they are.
    pub(crate) size: u64,
}

/// What a header wants next.
#[derive(Debug)]
pub(crate) enum Step {
    /// So many bytes, which belong to the next header; given to [`Scan::extension`].
    Extension(u64),
    /// A member that counts.
    Member(Member),
    /// One that does not: a directory, or what an operating system left.
    Passed(u64),
    /// A block of zeros: the second one in a row, or the end of the file, ends the archive.
    Zeros,
}

/// Why an archive is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is damaged, or not one.
    Damaged(String),
    /// A member that would leave the package.
    Unsafe(String, &'static str),
}

/// What has been read of an archive.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    headers: u32,
    /// Which kind of extension is to come.
    awaited: Option<Kind>,
    name: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
    /// What is odd about it.
    pub(crate) notes: Vec<String>,
}

impl Scan {
    /// Reads the block that is at this place.
    pub(crate) fn header(&mut self, block: &[u8; BLOCK], at: u64) -> Result<Step, Flaw> {
        if header::is_empty(block) {
            return Ok(Step::Zeros);
        }
        self.headers = self.headers.saturating_add(1);
        if self.headers > MOST_HEADERS {
            return Err(damaged(at, "it has too many members"));
        }
        let found = header::parse(block).map_err(|flaw| damaged(at, &flaw))?;
        match found.kind {
            Kind::LongName | Kind::LongLink | Kind::Pax | Kind::PaxGlobal => {
                if found.size > EXTENSION_BYTES {
                    return Err(damaged(at, "a name or a record in it is too long"));
                }
                self.awaited = Some(found.kind);
                Ok(Step::Extension(found.size))
            }
            _ => self.member(found, at),
        }
    }

    /// Takes the bytes that an extension header announced.
    pub(crate) fn extension(&mut self, bytes: &[u8], at: u64) -> Result<(), Flaw> {
        match self.awaited.take() {
            Some(Kind::LongName) => {
                let end = bytes.iter().position(|byte| *byte == 0);
                self.name = Some(bytes[..end.unwrap_or(bytes.len())].to_vec());
            }
            Some(Kind::Pax) => self.records(bytes, at)?,
            // The rest says nothing that a reader needs.
            _ => {}
        }
        Ok(())
    }

    fn records(&mut self, bytes: &[u8], at: u64) -> Result<(), Flaw> {
        self.note("it has pax headers, which ovftool and vSphere refuse");
        for record in ::tar::PaxExtensions::new(bytes) {
            let record = record.map_err(|_| damaged(at, "it has a bad pax record"))?;
            match record.key_bytes() {
                b"path" => self.name = Some(record.value_bytes().to_vec()),
                b"size" => {
                    let size = record.value().ok().and_then(|text| text.parse().ok());
                    let size = size.ok_or_else(|| damaged(at, "it has a bad pax size"))?;
                    self.size = Some(size);
                }
                key if key.starts_with(b"GNU.sparse") => self.sparse = true,
                _ => {}
            }
        }
        Ok(())
    }

    fn member(&mut self, found: Header, at: u64) -> Result<Step, Flaw> {
        let written = self.name.take().unwrap_or(found.name);
        let stated = self.size.take();
        let sparse = std::mem::take(&mut self.sparse);
        let is_file = matches!(found.kind, Kind::File | Kind::Other);
        let size = stated.filter(|_| is_file).unwrap_or(found.size);
        let offset = at.saturating_add(BLOCK as u64);
        let name = String::from_utf8_lossy(&written);
        if matches!(name, std::borrow::Cow::Owned(_)) {
            self.note(&format!(
                "the name '{}' is not UTF-8",
                ServerText::from(&*name)
            ));
        }
        if names::is_clutter(&name) {
            self.note(&format!("'{}' is ignored", ServerText::from(&*name)));
            return Ok(Step::Passed(size));
        }
        let refuse = |reason| Flaw::Unsafe(name.clone().into_owned(), reason);
        let plain = names::relative(&name).map_err(refuse)?;
        let flaw = match found.kind {
            Kind::Directory => return Ok(Step::Passed(size)),
            Kind::Link => Some("it is a link"),
            Kind::File if !sparse => None,
            _ => Some("it is not a plain file"),
        };
        if plain.is_empty() {
            return Err(refuse("it is empty"));
        }
        Ok(Step::Member(Member {
            name: plain,
            flaw,
            offset,
            size,
        }))
    }

    fn note(&mut self, note: &str) {
        if !self.notes.iter().any(|said| said == note) {
            self.notes.push(note.to_owned());
        }
    }
}

/// Where the header after so many bytes is; `None` beyond what a file can have.
pub(crate) fn next_header(offset: u64, size: u64) -> Option<u64> {
    let unit = BLOCK as u64;
    offset.checked_add(size)?.checked_next_multiple_of(unit)
}

fn damaged(at: u64, flaw: &str) -> Flaw {
    Flaw::Damaged(format!("the tar header at byte {at} is damaged: {flaw}"))
}
