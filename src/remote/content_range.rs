//! `Content-Range`: which bytes of how many an answer says that it holds.

use crate::number;

/// `bytes first-last/total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    /// The first byte's place.
    pub(super) first: u64,
    /// How many bytes follow; at least one.
    pub(super) length: u64,
    /// The length of the whole.
    pub(super) total: u64,
}

impl ContentRange {
    /// Reads the header; `None` for what no server should say, an unknown total included.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (unit, range) = text.trim().split_once(' ')?;
        let (range, total) = range.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let plain = |text: &str| {
            (!text.starts_with('+'))
                .then(|| number::count(text))
                .flatten()
        };
        let (first, last, total) = (plain(first)?, plain(last)?, plain(total)?);
        let length = last.checked_sub(first)?.checked_add(1)?;
        (unit.eq_ignore_ascii_case("bytes") && last < total).then_some(Self {
            first,
            length,
            total,
        })
    }
}

/// Whether it says that the file is empty, as the `Content-Range` of a refusal (416) does.
pub(super) fn is_of_nothing(text: &str) -> bool {
    let range = text.trim().split_once(' ');
    range.is_some_and(|(unit, range)| unit.eq_ignore_ascii_case("bytes") && range.trim() == "*/0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_in_one_way() {
        assert!(is_of_nothing("bytes */0") && is_of_nothing(" Bytes */0 "));
        for text in [
            "bytes */1",
            "bytes 0-0/0",
            "bytes */*",
            "*/0",
            "lines */0",
            "",
        ] {
            assert!(!is_of_nothing(text), "{text:?}");
        }
    }

    #[test]
    fn what_is_said_is_read_or_refused() {
        for (text, expected) in [
            ("bytes 0-0/1", Some((0, 1, 1))),
            (" Bytes 5-9/10 ", Some((5, 5, 10))),
            ("bytes 5-9/9", None),
            ("bytes 5-4/9", None),
            ("bytes 0-1/*", None),
            ("bytes */9", None),
            ("bytes=0-1/9", None),
            ("lines 0-1/9", None),
            ("bytes 0-18446744073709551615/18446744073709551615", None),
            ("bytes 0-1", None),
            ("bytes -1-2/9", None),
            ("", None),
        ] {
            let read = ContentRange::read(text);
            let read = read.map(|range| (range.first, range.length, range.total));
            assert_eq!(read, expected, "{text:?}");
        }
    }
}
