//! The descriptor inside a stream: text of another program, which names this one file and no other.

use super::finding::Finding;
use super::header::{Header, SECTOR};

/// In sectors. VMware's has one, others leave room for twenty.
pub(crate) const MOST_SECTORS: u64 = 128;

/// The kind of disk that a stream is.
const KIND: &str = "streamOptimized";

/// The most bytes that qemu-img leaves of an older text: it writes a new CID of 1 to 8 digits in
/// place, so the text may be 7 shorter, and one of those bytes is the zero that ends it.
const MOST_LEFT: usize = 6;

/// The text, which ends at the first zero.
pub(crate) fn text(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// What the text says, by its names in their order.
pub(crate) fn fields(bytes: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(text(bytes));
    let lines = text.lines().map(str::trim);
    let said = lines.filter(|line| !line.starts_with('#'));
    let pairs = said.filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.trim().into(), value.trim().trim_matches('"').into()))
        .collect()
}

/// Checks the text. No name in it is ever opened.
pub(crate) fn check(bytes: &[u8], header: &Header) -> Result<(), Finding> {
    let at = header.descriptor.saturating_mul(SECTOR);
    let text = text(bytes);
    if !is_left_of(text, bytes.get(text.len()..).unwrap_or_default()) {
        return Err(Finding::damaged(
            at,
            "bytes behind the descriptor are not zero",
        ));
    }
    let text = String::from_utf8_lossy(text);
    let (mut extents, mut has_kind) = (0_u32, false);
    for line in text.lines().map(str::trim) {
        if let Some((name, value)) = line.split_once('=') {
            check_value(name.trim(), value.trim().trim_matches('"'), at)?;
            has_kind |= name.trim() == "createType";
        } else if let Some(extent) = line.strip_prefix("RW ").or(line.strip_prefix("RDONLY ")) {
            check_extent(extent, header, at)?;
            extents = extents.saturating_add(1);
        }
    }
    if !has_kind {
        return Err(Finding::format(at, "the descriptor has no createType"));
    }
    match extents {
        1 => Ok(()),
        _ => Err(Finding::format(
            at,
            format!("the descriptor names {extents} extents; a stream has one"),
        )),
    }
}

/// Whether the bytes behind a text are zero, but for the end of the same text, a bit longer.
fn is_left_of(text: &[u8], behind: &[u8]) -> bool {
    let Some(last) = behind.iter().rposition(|byte| *byte != 0) else {
        return true;
    };
    // The zero that ends the text is the first of them.
    last <= MOST_LEFT
        && behind
            .get(1..=last)
            .is_some_and(|left| text.ends_with(left))
}

fn check_value(name: &str, value: &str, at: u64) -> Result<(), Finding> {
    let said = |text: &str| format!("{text} \"{}\"", value.escape_default());
    match name {
        "createType" if value != KIND => {
            Err(Finding::format(at, said("the descriptor's createType is")))
        }
        "parentCID" if !value.eq_ignore_ascii_case("ffffffff") => Err(Finding::format(
            at,
            said("it is the delta of another disk, with the parentCID"),
        )),
        _ => Ok(()),
    }
}

/// `4192256 SPARSE "name"`.
fn check_extent(extent: &str, header: &Header, at: u64) -> Result<(), Finding> {
    let mut words = extent.split_whitespace();
    let (size, kind) = (words.next(), words.next().unwrap_or_default());
    if kind != "SPARSE" {
        let kind = kind.escape_default();
        return Err(Finding::format(
            at,
            format!("the descriptor's extent is of the kind \"{kind}\", which is another file"),
        ));
    }
    let size = size.and_then(|size| size.parse::<u64>().ok());
    if size != Some(header.capacity) {
        return Err(Finding::damaged(
            at,
            format!(
                "the descriptor's extent has {} sectors, the header {}",
                size.map_or_else(|| "unreadable".into(), |size| size.to_string()),
                header.capacity
            ),
        ));
    }
    Ok(())
}
