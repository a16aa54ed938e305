//! What a stream must be, by what its device or the caller says, and whether it is.

use crate::error::Result;
use crate::image::GrainCheck;
use crate::vmdk::{Content, FindingKind, Flaw, Rule, StreamCheck};

/// What the stream must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A disk: header, footer and end-of-stream marker of a streamOptimized VMDK.
    StreamOptimized,
    /// The same if its first bytes are those of a disk: the server did not say what it is.
    Unknown,
    /// No disk, as the server says.
    File,
    /// Anything, as the user says.
    Any,
}

/// How closely a disk is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Both its ends, which costs nothing.
    Ends,
    /// Every grain, and the tables that list them.
    Grains,
}

impl Format {
    /// When a stream of this format has to be a whole disk; `None`: nothing is looked at.
    pub(super) fn rule(self) -> Option<Rule> {
        match self {
            Self::StreamOptimized => Some(Rule::Always),
            Self::Unknown => Some(Rule::WhenItStartsSo),
            Self::File => Some(Rule::Never),
            Self::Any => None,
        }
    }
}

/// The check of one stream while it passes.
#[derive(Debug)]
pub(super) struct DiskCheck {
    stream: StreamCheck,
    grains: Option<Box<GrainCheck>>,
}

impl DiskCheck {
    pub(super) fn new(rule: Rule, depth: Depth) -> Self {
        let is_to_grains = depth == Depth::Grains && rule != Rule::Never;
        Self {
            stream: StreamCheck::new(rule),
            grains: is_to_grains.then(|| Box::new(GrainCheck::new(None))),
        }
    }

    pub(super) fn stream(&self) -> &StreamCheck {
        &self.stream
    }

    /// What the disk holds, once all of it has come.
    pub(super) fn content(&self) -> Option<Content> {
        self.stream.content()
    }

    /// Looks at the next bytes; an error as soon as something is known to be wrong.
    pub(super) fn update(&mut self, bytes: &[u8]) -> Result<(), Flaw> {
        let seen = self.stream.head().len();
        self.stream.update(bytes)?;
        let Some(grains) = &mut self.grains else {
            return Ok(());
        };
        if self.stream.is_disk() {
            // What came before it was known to be a disk is less than a header.
            if !grains.has_begun() {
                grains.update(self.stream.head().get(..seen).unwrap_or_default());
            }
            grains.update(bytes);
            if grains.is_wrong() {
                return self.finish_grains();
            }
        }
        Ok(())
    }

    /// Judges the end of the stream.
    pub(super) fn finish(&mut self) -> Result<(), Flaw> {
        self.stream.finish()?;
        if self.stream.is_disk() {
            return self.finish_grains();
        }
        Ok(())
    }

    fn finish_grains(&mut self) -> Result<(), Flaw> {
        let Some(grains) = self.grains.take() else {
            return Ok(());
        };
        let disk = grains
            .finish()
            .map_err(|error| Flaw::Format(error.to_string()))?;
        match disk.finding {
            None => Ok(()),
            Some(finding) => Err(match finding.kind {
                FindingKind::Format => Flaw::Format(finding.place().to_string()),
                FindingKind::Cut => Flaw::Cut(finding.place().to_string()),
                FindingKind::Damaged => Flaw::Damaged(finding.to_string()),
            }),
        }
    }
}
