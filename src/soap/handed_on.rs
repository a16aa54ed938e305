//! What an answer must not be that is handed on to pyvmomi's own parser.
//!
//! That has none of the limits of ours, and holds Python's lock while it reads: a tag of ten megabytes
//! takes the expat of many Pythons a minute, for it begins the tag anew with each two kilobytes.

use crate::error::{Error, Result};
use crate::xml;

/// No answer of this size or less keeps a parser busy, whatever is in it.
const HARMLESS: usize = 64 * 1024;

/// Where entities are declared, of which a parser makes any amount of text.
const DOCTYPE: &[u8] = b"<!DOCTYPE";

/// Refuses what the core's own parser would not read. A text that is broken in another way is
/// pyvmomi's to judge.
pub(crate) fn check(method: &str, answer: &[u8]) -> Result<()> {
    // A zero is in no XML of UTF-8, and in every text of UTF-16.
    if std::str::from_utf8(answer).is_err() || answer.contains(&0) {
        return Err(Error::protocol(method, "the answer is not UTF-8"));
    }
    let declares = answer.windows(DOCTYPE.len()).any(|part| part == DOCTYPE);
    if !declares && answer.len() <= HARMLESS {
        return Ok(());
    }
    match xml::parse(answer, method) {
        Err(error) if declares || matches!(error, Error::LimitExceeded { .. }) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(answer: &[u8]) -> Option<String> {
        check("Fetch", answer).err().map(|error| error.to_string())
    }

    #[test]
    fn what_an_honest_server_says_goes_on() {
        let many = format!("<a>{}</a>", "<b c='d'>&amp;</b>".repeat(10_000));
        for answer in ["", "<a/>", "<a><b></a>", "\u{1}", "<a>ü</a>", many.as_str()] {
            assert_eq!(refused(answer.as_bytes()), None, "{answer:.40}");
        }
    }

    #[test]
    fn a_tag_without_measure_does_not() {
        use std::fmt::Write as _;

        let mut tag = String::from("<a ");
        for number in 0..100_000 {
            write!(tag, "b{number}='' ").unwrap();
        }
        tag.push_str("/>");
        assert!(refused(tag.as_bytes()).unwrap().contains("attributes"));
        let deep = "<a>".repeat(100_000);
        assert!(refused(deep.as_bytes()).unwrap().contains("depth"));
    }

    #[test]
    fn nor_what_declares_entities() {
        let text = "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
        assert!(refused(text.as_bytes()).unwrap().contains("DOCTYPE"));
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(refused(&wide).unwrap().contains("not UTF-8"));
        assert_eq!(refused(b"<a><![CDATA[<!DOCTYPE a>]]></a>"), None);
    }
}
