//! Numbers that a server said. Nothing that it can write overflows, and nonsense is `None`.

use std::time::Duration;

/// vSphere's `long`; more than that is nonsense.
const LARGEST: u64 = i64::MAX.unsigned_abs();

/// A count of bytes, kilobytes or seconds; `None` for anything else, a negative number included.
pub(crate) fn count(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| digits.parse().ok()).flatten();
    number.filter(|number| *number <= LARGEST)
}

/// A time to wait, in whole seconds: more than fits is as long as it gets, not no wish at all.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

/// XML's boolean; `None` for anything else.
pub(crate) fn flag(text: &str) -> Option<bool> {
    match text.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// The sum, or the largest number if it overflows.
pub(crate) fn sum(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(0, u64::saturating_add)
}

/// How many hundredths of `total` are `done`; what exceeds it is 100.
pub(crate) fn percent(done: u64, total: u64) -> u8 {
    let hundredths = u128::from(done)
        .saturating_mul(100)
        .checked_div(u128::from(total.max(1)))
        .unwrap_or(100);
    u8::try_from(hundredths).unwrap_or(100).min(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        for (text, expected) in [
            ("0", Some(0)),
            (" 7\n", Some(7)),
            ("+7", Some(7)),
            ("9223372036854775807", Some(LARGEST)),
            ("9223372036854775808", None),
            ("18446744073709551615", None),
            ("99999999999999999999999", None),
            ("-1", None),
            ("", None),
            ("+", None),
            ("1e3", None),
            ("0x10", None),
            ("1.5", None),
            ("\u{661}", None),
        ] {
            assert_eq!(count(text), expected, "{text:?}");
        }
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("9223372036854775808", Some(LARGEST + 1)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("+7", None),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ] {
            assert_eq!(seconds(text), expected.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn flags() {
        for (text, expected) in [
            (" true ", Some(true)),
            ("1", Some(true)),
            ("\tfalse", Some(false)),
            ("0", Some(false)),
            ("yes", None),
            ("", None),
        ] {
            assert_eq!(flag(text), expected, "{text:?}");
        }
    }

    #[test]
    fn nothing_overflows() {
        let extremes = [0, 1, 99, 100, LARGEST - 1, LARGEST, LARGEST + 1, u64::MAX];
        for done in extremes {
            for total in extremes {
                assert!(percent(done, total) <= 100);
            }
            assert_eq!(sum([done, u64::MAX, done]), u64::MAX);
        }
        assert_eq!(percent(1, 2), 50);
        assert_eq!(percent(LARGEST, LARGEST), 100);
        assert_eq!(percent(u64::MAX, 1), 100);
    }
}
