//! What a stream must be, by what its device or the caller says.

use crate::vmdk::Rule;

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
