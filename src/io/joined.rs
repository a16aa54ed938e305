//! Parts that are stored in several places, read as one.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::path::PathBuf;

use super::reader::Reader;
use super::slice::Slice;
use super::stored::{Cost, Stored};
use crate::error::{Error, Result};

/// Parts, one after the other.
pub struct Joined {
    name: String,
    parts: Vec<Slice>,
}

impl Joined {
    /// In this order; `name` is for messages.
    pub fn new(name: String, parts: Vec<Slice>) -> Self {
        Self { name, parts }
    }

    /// The parts that these bytes are in.
    fn within(&self, offset: u64, length: u64) -> VecDeque<Slice> {
        let mut parts = VecDeque::new();
        let (mut skip, mut left) = (offset, length);
        for part in &self.parts {
            let inside = part.length.saturating_sub(skip).min(left);
            if inside > 0 {
                parts.push_back(part.part(skip, inside));
            }
            skip = skip.saturating_sub(part.length);
            left = left.saturating_sub(inside);
        }
        parts
    }
}

impl Stored for Joined {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn length(&self) -> Option<u64> {
        let lengths = self.parts.iter().map(|part| part.length);
        lengths.reduce(u64::saturating_add)
    }

    fn open(&self, offset: u64, length: u64) -> Result<Box<dyn Reader>> {
        Ok(Box::new(Chain {
            name: PathBuf::from(&self.name),
            parts: self.within(offset, length),
            current: None,
            failed: None,
        }))
    }

    fn cost(&self, offset: u64, length: u64) -> Cost {
        self.within(offset, length)
            .iter()
            .map(|part| part.stored.cost(part.offset, part.length))
            .max()
            .unwrap_or(Cost::Nothing)
    }

    fn unchanged(&self) -> Result<()> {
        self.parts.iter().try_for_each(Slice::unchanged)
    }
}

struct Chain {
    name: PathBuf,
    parts: VecDeque<Slice>,
    /// What is left of the part that is read now.
    current: Option<(Box<dyn Reader>, u64)>,
    failed: Option<Error>,
}

impl Read for Chain {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some((reader, left)) = &mut self.current {
                if *left > 0 {
                    let count = reader.read(buffer)?;
                    *left = left.saturating_sub(count as u64);
                    // A part that ends early must not be made up for by the next one.
                    return Ok(count);
                }
                if let Err(error) = reader.unchanged() {
                    self.failed = Some(error);
                    return Err(io::ErrorKind::Other.into());
                }
                self.current = None;
            }
            let Some(part) = self.parts.pop_front() else {
                return Ok(0);
            };
            match part.stored.open(part.offset, part.length) {
                Ok(reader) => self.current = Some((reader, part.length)),
                Err(error) => {
                    self.failed = Some(error);
                    return Err(io::ErrorKind::Other.into());
                }
            }
        }
    }
}

impl Reader for Chain {
    fn name(&self) -> PathBuf {
        self.name.clone()
    }

    fn error(&mut self, error: io::Error) -> Error {
        if let Some(failed) = self.failed.take() {
            return failed;
        }
        match &mut self.current {
            Some((reader, _)) => reader.error(error),
            None => Error::io(self.name.clone(), error),
        }
    }

    fn unchanged(&mut self) -> Result<()> {
        match &mut self.current {
            Some((reader, _)) => reader.unchanged(),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::io::StoredFile;

    fn stored(bytes: &[u8]) -> Slice {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        Slice::all(Arc::new(StoredFile::open(file.path()).unwrap()))
    }

    fn read(joined: &Joined, offset: u64, length: u64) -> String {
        let mut text = String::new();
        let mut reader = joined.open(offset, length).unwrap();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn any_part_of_the_whole() {
        let parts = [&b"0123"[..], b"", b"4567", b"89"].map(stored);
        let joined = Joined::new("x".into(), parts.into());
        assert_eq!(joined.length(), Some(10));
        for from in 0..10u64 {
            for to in from..=10 {
                let expected: String = (from..to).map(|digit| digit.to_string()).collect();
                assert_eq!(read(&joined, from, to - from), expected);
            }
        }
        assert_eq!(read(&joined, 8, 100), "89");
    }

    #[test]
    fn a_part_that_ends_early_is_the_end() {
        let mut short = stored(b"01");
        short.length = 4;
        let joined = Joined::new("x".into(), vec![short, stored(b"456")]);
        assert_eq!(read(&joined, 0, 7), "01");
    }
}
