//! One error for both libraries: their words, and what is known besides.

use std::error::Error as StdError;

/// What a library said of a request, and when.
#[derive(Debug)]
pub(super) struct Fault {
    error: Box<dyn StdError + Send + Sync>,
    reason: Reason,
}

/// What is known of it besides its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// After the connection was made.
    Broken,
    /// Before the connection was made.
    Connect,
    /// The connection was not made in time.
    ConnectTimeout,
}

impl Fault {
    /// Of a connection that was there.
    pub(super) fn of(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            error: error.into(),
            reason: Reason::Broken,
        }
    }

    /// The same of another time, where that is not known yet.
    pub(super) fn when(self, reason: Reason) -> Self {
        match self.reason {
            Reason::Broken => Self { reason, ..self },
            _ => self,
        }
    }

    /// Whether there was no connection yet.
    pub(super) fn is_connect(&self) -> bool {
        self.reason != Reason::Broken
    }

    /// Whether that took too long.
    pub(super) fn is_timeout(&self) -> bool {
        self.reason == Reason::ConnectTimeout
    }

    /// Its words, and what they are about.
    pub(super) fn error(&self) -> &(dyn StdError + 'static) {
        &*self.error
    }
}

impl From<reqwest::Error> for Fault {
    fn from(error: reqwest::Error) -> Self {
        let reason = match (error.is_connect(), error.is_timeout()) {
            (true, true) => Reason::ConnectTimeout,
            (true, false) => Reason::Connect,
            (false, _) => Reason::Broken,
        };
        Self::of(error).when(reason)
    }
}
