//! All members of an archive that is read by position: the headers only.

use std::collections::HashSet;
use std::io::Read;

use super::header::{self, BLOCK};
use super::scan::{Flaw, Member, Scan, Step, next_header};
use crate::error::{Error, Result};
use crate::io::Stored;

/// So much is read at a time: the headers of small members come with the one before.
const WINDOW: u64 = 32 * 1024;

/// What is in an archive.
#[derive(Debug)]
pub(crate) struct Contents {
    /// In the order of the archive; no name is there twice.
    pub(crate) members: Vec<Member>,
    /// What is odd about it, for people.
    pub(crate) notes: Vec<String>,
}

/// Reads all headers.
pub(crate) fn members(stored: &dyn Stored) -> Result<Contents> {
    let name = stored.name();
    let length = stored
        .length()
        .ok_or_else(|| package(&name, "its length is not known".into()))?;
    let mut walk = Walk {
        window: Window {
            stored,
            length,
            at: 0,
            bytes: Vec::new(),
        },
        scan: Scan::default(),
        members: Vec::new(),
        name,
    };
    walk.all()?;
    let Walk {
        mut scan,
        members,
        name,
        ..
    } = walk;
    refuse_twice(&name, &members)?;
    Ok(Contents {
        members,
        notes: std::mem::take(&mut scan.notes),
    })
}

struct Walk<'a> {
    window: Window<'a>,
    scan: Scan,
    members: Vec<Member>,
    name: String,
}

impl Walk<'_> {
    fn all(&mut self) -> Result<()> {
        let mut at = 0u64;
        let mut zeros = 0;
        loop {
            let Some(block) = self.window.block(at)? else {
                return self.ended(at, zeros);
            };
            if at == 0 && !header::is_probable(&block) {
                let reason = "it is neither a tar archive nor an OVF descriptor";
                return Err(package(&self.name, reason.into()));
            }
            let step = self.scan.header(&block, at);
            let step = step.map_err(|flaw| self.refused(flaw))?;
            let after = at.saturating_add(BLOCK as u64);
            let size = match step {
                Step::Zeros if zeros == 1 => return Ok(()),
                Step::Zeros => {
                    zeros = 1;
                    0
                }
                _ if zeros == 1 => {
                    let reason = format!("the tar header at byte {at} comes after its end");
                    return Err(package(&self.name, reason));
                }
                Step::Extension(size) => {
                    let bytes = self.window.read(after, size)?;
                    if (bytes.len() as u64) < size {
                        return Err(self.cut("a tar header", after, size));
                    }
                    let taken = self.scan.extension(&bytes, at);
                    taken.map_err(|flaw| self.refused(flaw))?;
                    size
                }
                Step::Member(member) => {
                    let size = member.size;
                    let name = format!("'{}'", crate::text::ServerText::from(&member.name));
                    self.within(&name, after, size)?;
                    self.members.push(member);
                    size
                }
                Step::Passed(size) => size,
            };
            at = next_header(after, size).ok_or_else(|| self.cut("a member", after, size))?;
        }
    }

    /// The file's end, where a header was looked for.
    fn ended(&mut self, at: u64, zeros: u32) -> Result<()> {
        if self.window.length == 0 {
            return Err(package(&self.name, "it is empty".into()));
        }
        if at == 0 {
            return Err(package(
                &self.name,
                "it is too short for a tar archive".into(),
            ));
        }
        let rest = self.window.read(at, BLOCK as u64)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(self.cut("a tar header", at, BLOCK as u64));
        }
        if zeros == 0 {
            self.scan.notes.push("it has no end blocks".into());
        }
        Ok(())
    }

    fn within(&self, what: &str, offset: u64, size: u64) -> Result<()> {
        match offset.checked_add(size) {
            Some(end) if end <= self.window.length => Ok(()),
            _ => Err(self.cut(what, offset, size)),
        }
    }

    fn cut(&self, what: &str, offset: u64, size: u64) -> Error {
        let there = self.window.length.saturating_sub(offset);
        package(
            &self.name,
            format!("{what} has {there} bytes of {size}: the file is cut; fetch it again"),
        )
    }

    fn refused(&self, flaw: Flaw) -> Error {
        match flaw {
            Flaw::Damaged(reason) => package(&self.name, reason),
            Flaw::Unsafe(member, reason) => Error::UnsafeMember {
                what: (&self.name).into(),
                name: member.into(),
                reason: reason.into(),
            },
        }
    }
}

/// Readers disagree which of two members of one name counts.
fn refuse_twice(name: &str, members: &[Member]) -> Result<()> {
    let mut seen = HashSet::new();
    for member in members {
        if !seen.insert(&member.name) {
            let twice = crate::text::ServerText::from(&member.name);
            let reason =
                format!("the member '{twice}' is there twice, and readers disagree which counts");
            return Err(package(name, reason));
        }
    }
    Ok(())
}

fn package(what: &str, reason: String) -> Error {
    Error::Package {
        what: what.into(),
        reason: reason.into(),
    }
}

/// The part of the archive that was read last.
struct Window<'a> {
    stored: &'a dyn Stored,
    length: u64,
    at: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// The block at this place; `None` where less is left.
    fn block(&mut self, at: u64) -> Result<Option<[u8; BLOCK]>> {
        let bytes = self.read(at, BLOCK as u64)?;
        Ok(bytes.try_into().ok())
    }

    /// So many bytes, or what is left.
    fn read(&mut self, at: u64, length: u64) -> Result<Vec<u8>> {
        let length = length.min(self.length.saturating_sub(at));
        if let Some(bytes) = self.has(at, length) {
            return Ok(bytes.to_vec());
        }
        let want = length.max(WINDOW).min(self.length.saturating_sub(at));
        let mut reader = self.stored.open(at, want)?;
        self.bytes.clear();
        self.at = at;
        let read = reader.by_ref().take(want).read_to_end(&mut self.bytes);
        read.map_err(|error| reader.error(error))?;
        let have = self.bytes.len() as u64;
        Ok(self.has(at, length.min(have)).unwrap_or_default().to_vec())
    }

    fn has(&self, at: u64, length: u64) -> Option<&[u8]> {
        let from = usize::try_from(at.checked_sub(self.at)?).ok()?;
        let to = from.checked_add(usize::try_from(length).ok()?)?;
        self.bytes.get(from..to)
    }
}
