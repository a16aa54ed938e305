//! An archive that arrives in order and is read once.

use std::io::{self, Read};

use super::super::limits::Limit;
use super::super::package::sniff::{self, Look};
use super::header::BLOCK;
use super::scan::{Flaw, Member, Scan, Step, next_header};
use crate::error::{Error, Result};
use crate::io::Reader;

/// What may follow the archive's end: tar fills up to its records.
const TRAILING: u64 = 1024 * 1024;

/// The archive, at a place that only moves on.
pub(crate) struct TarStream {
    reader: Box<dyn Reader>,
    /// For messages.
    pub(crate) name: String,
    scan: Scan,
    at: u64,
    /// Where the next header is.
    next: u64,
    /// Where the bytes of the member end.
    end: u64,
    has_ended: bool,
}

impl TarStream {
    pub(crate) fn new(reader: Box<dyn Reader>, name: String) -> Self {
        Self {
            reader,
            name,
            scan: Scan::default(),
            at: 0,
            next: 0,
            end: 0,
            has_ended: false,
        }
    }

    /// What is odd about it so far.
    pub(crate) fn notes(&self) -> &[String] {
        &self.scan.notes
    }

    /// Goes on to the next member, over what was not read of this one; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Member>> {
        let mut zeros = 0;
        while !self.has_ended {
            self.pass(self.next)?;
            let at = self.at;
            let Some(block) = self.block()? else {
                return self.ended(at, zeros).map(|()| None);
            };
            if at == 0 {
                self.look(&block)?;
            }
            let step = self.scan.header(&block, at);
            let (size, member) = match step.map_err(|flaw| self.refused(flaw))? {
                Step::Zeros if zeros == 1 => return self.finish().map(|()| None),
                Step::Zeros => {
                    zeros = 1;
                    (0, None)
                }
                _ if zeros == 1 => {
                    return Err(
                        self.package(&format!("the tar header at byte {at} comes after its end"))
                    );
                }
                Step::Extension(size) => {
                    self.extension(size, at)?;
                    (size, None)
                }
                Step::Member(member) => (member.size, Some(member)),
                Step::Passed(size) => (size, None),
            };
            let start = at.saturating_add(BLOCK as u64);
            let next = next_header(start, size);
            self.next = next.ok_or_else(|| self.package("a member's size is too large"))?;
            self.end = start.saturating_add(size);
            if member.is_some() {
                return Ok(member);
            }
        }
        Ok(None)
    }

    /// All of the member, refused above a limit.
    pub(in crate::ovf) fn all(&mut self, limit: Limit) -> Result<Vec<u8>> {
        let size = self.end.saturating_sub(self.at);
        limit.check(&self.name, size)?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.read(&mut buffer)? {
                0 => return Ok(bytes),
                count => bytes.extend_from_slice(&buffer[..count]),
            }
        }
    }

    /// The next bytes of the member; none at its end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        if most == 0 {
            return Ok(0);
        }
        match self.fill(&mut buffer[..most])? {
            0 => Err(self.cut()),
            count => Ok(count),
        }
    }

    /// Another kind of file is called by its name.
    fn look(&self, head: &[u8]) -> Result<()> {
        match sniff::look(head) {
            Look::Archive => Ok(()),
            Look::Descriptor => Err(self.package(
                "it is a descriptor without its files; give its path, its address or its directory",
            )),
            Look::Other(what) => Err(self.package(&format!("it is {what}"))),
        }
    }

    fn extension(&mut self, size: u64, at: u64) -> Result<()> {
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        // The scan has bounded it.
        let mut bytes = vec![0; length];
        if self.whole(&mut bytes)? < length {
            return Err(self.cut());
        }
        let taken = self.scan.extension(&bytes, at);
        taken.map_err(|flaw| self.refused(flaw))
    }

    /// Reads over all that is before this place.
    fn pass(&mut self, place: u64) -> Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        while self.at < place {
            let left = usize::try_from(place.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let most = buffer.len().min(left);
            if self.fill(&mut buffer[..most])? == 0 {
                // Without its padding a last member is whole all the same.
                return if self.at < self.end {
                    Err(self.cut())
                } else {
                    Ok(())
                };
            }
        }
        Ok(())
    }

    fn block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        Ok((self.whole(&mut block)? == BLOCK).then_some(block))
    }

    /// So many bytes, or what is left.
    fn whole(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.fill(&mut buffer[filled..])? {
                0 => break,
                count => filled = filled.saturating_add(count),
            }
        }
        Ok(filled)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.reader.read(buffer) {
                Ok(count) => {
                    self.at = self.at.saturating_add(count as u64);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.reader.error(error)),
            }
        }
    }

    /// The stream's end, where a header was looked for.
    fn ended(&mut self, at: u64, zeros: u32) -> Result<()> {
        self.has_ended = true;
        if at == 0 {
            return Err(self.package("it is empty, or too short for a tar archive"));
        }
        if zeros == 0 {
            self.scan.notes.push("it has no end blocks".into());
        }
        Ok(())
    }

    /// Reads a pipe to its end, so that its writer can write all of it.
    fn finish(&mut self) -> Result<()> {
        self.has_ended = true;
        let (from, mut buffer) = (self.at, vec![0; 64 * 1024]);
        while self.at.saturating_sub(from) < TRAILING && self.fill(&mut buffer)? > 0 {}
        Ok(())
    }

    fn cut(&self) -> Error {
        let missing = self.end.saturating_sub(self.at);
        self.package(&format!(
            "the stream ended at byte {}, and {missing} bytes of a member are missing; fetch it again",
            self.at
        ))
    }

    pub(crate) fn package(&self, reason: &str) -> Error {
        Error::Package {
            what: (&self.name).into(),
            reason: reason.into(),
        }
    }

    fn refused(&self, flaw: Flaw) -> Error {
        match flaw {
            Flaw::Damaged(reason) => self.package(&reason),
            Flaw::Unsafe(member, reason) => Error::UnsafeMember {
                what: (&self.name).into(),
                name: member.into(),
                reason: reason.into(),
            },
        }
    }
}
