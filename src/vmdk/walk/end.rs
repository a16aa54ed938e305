//! The end of a stream: what must have come by then.

use super::marker::{GRAIN_DATA, MARKER, Marker};
use super::{Grain, Layout, Stage, State, Walk};
use crate::vmdk::finding::Finding;

impl Walk {
    /// Judges the end of the stream.
    pub(crate) fn finish(&mut self, grain: &mut impl FnMut(Grain<'_>)) -> Result<(), Finding> {
        if self.header.is_none() {
            let seen = self.part.len();
            return Err(self.cut(&format!("only {seen} bytes, less than a header")));
        }
        if self.layout() == Layout::InFront {
            return self.finish_front(grain);
        }
        let missing = match self.state {
            State::End => return Ok(()),
            State::Preamble => "it ends before its first grain",
            State::Marker(Stage::Footer) => "the end-of-stream marker is missing",
            State::Marker(Stage::Directory(_)) | State::Footer { .. } => "the footer is missing",
            _ => "neither a footer nor an end-of-stream marker came",
        };
        Err(self.cut(missing))
    }

    /// There may be no marker at the end, and the last grain may lack what fills its sector up.
    fn finish_front(&mut self, grain: &mut impl FnMut(Grain<'_>)) -> Result<(), Finding> {
        let mut part = std::mem::take(&mut self.part);
        let is_grain = self.state == State::Marker(Stage::Grains) && part.len() >= MARKER;
        match Marker::parse(&part) {
            Marker::Grain { size, .. }
                if is_grain && part.len() >= GRAIN_DATA.saturating_add(size) =>
            {
                part.resize(self.wanted(&part)?, 0);
                self.take(&part, grain)?;
            }
            _ if part.iter().any(|byte| *byte != 0) => {
                return Err(self.cut("it ends within a grain"));
            }
            _ => {}
        }
        match self.state {
            State::Marker(Stage::Grains) | State::Zeros => {
                std::mem::take(&mut self.front).ends(self.at)
            }
            _ => Err(self.cut("it ends before its first grain")),
        }
    }

    /// It ends here: all that follows the last grain may be missing.
    pub(super) fn cut(&self, reason: &str) -> Finding {
        let at = self.at.saturating_add(self.part.len() as u64);
        let finding = Finding::cut(at, reason);
        match &self.header {
            Some(header) => {
                let start = self.next.saturating_mul(header.grain).min(header.capacity);
                finding.of_sectors(start..header.capacity)
            }
            None => finding,
        }
    }
}
