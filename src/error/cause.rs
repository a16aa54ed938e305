//! What a library gave as the cause of its error, kept as the source of ours.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::text::ServerText;

/// More links than these are not kept.
const LONGEST_CHAIN: usize = 8;

/// One link of a chain of causes, down to the root. A library may quote a server or a URL, so that
/// only a cleaned text of each is kept, never the library's own object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    text: ServerText,
    kind: Option<io::ErrorKind>,
    next: Option<Arc<Cause>>,
}

impl Cause {
    /// This error and what it gives as its sources; `clean` takes the secrets out of each text.
    pub(crate) fn of(error: &(dyn StdError + 'static), clean: impl Fn(&str) -> ServerText) -> Self {
        Self::link(error, &clean, LONGEST_CHAIN)
    }

    fn link(
        error: &(dyn StdError + 'static),
        clean: &impl Fn(&str) -> ServerText,
        left: usize,
    ) -> Self {
        let below = error.source().filter(|_| left > 1);
        Self {
            text: clean(&error.to_string()),
            kind: error.downcast_ref().map(io::Error::kind),
            next: below.map(|next| Arc::new(Self::link(next, clean, left.saturating_sub(1)))),
        }
    }

    /// What the operating system calls it, where the link is an error of its.
    pub fn kind(&self) -> Option<io::ErrorKind> {
        self.kind
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.next.as_deref().map(|next| next as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("see\u{1b}[2J ticket-1")
        }
    }

    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[derive(Debug)]
    struct Endless;

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("again")
        }
    }

    impl StdError for Endless {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&Self)
        }
    }

    #[test]
    fn each_link_is_cleaned_and_the_kind_is_kept() {
        let outer = Outer(io::Error::new(io::ErrorKind::TimedOut, "slow ticket-1"));
        let cause = Cause::of(&outer, |text| text.replace("ticket-1", "***").into());
        assert_eq!(cause.to_string(), "see\\u{1b}[2J ***");
        let root = cause.source().unwrap().downcast_ref::<Cause>().unwrap();
        assert_eq!(root.to_string(), "slow ***");
        assert_eq!(
            (cause.kind(), root.kind()),
            (None, Some(io::ErrorKind::TimedOut))
        );
        assert!(root.source().is_none());
    }

    #[test]
    fn no_chain_is_endless() {
        let cause = Cause::of(&Endless, ServerText::new);
        let (mut link, mut links): (&dyn StdError, _) = (&cause, 1);
        while let Some(below) = link.source() {
            (link, links) = (below, links + 1);
        }
        assert_eq!(links, LONGEST_CHAIN);
    }
}
