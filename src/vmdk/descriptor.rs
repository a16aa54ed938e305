//! The descriptor inside a stream: text of another program, which names this one file and no other.

use super::finding::Finding;
use super::header::{Header, SECTOR};

/// In sectors. VMware's has one, others leave room for twenty.
pub(crate) const MOST_SECTORS: u64 = 128;

/// The kind of disk that a stream is.
const KIND: &str = "streamOptimized";

/// What the text says, by its names in their order.
pub(crate) fn fields(bytes: &[u8]) -> Vec<(String, String)> {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(text);
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
    let end = bytes.iter().position(|byte| *byte == 0);
    let (text, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
    if rest.iter().any(|byte| *byte != 0) {
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
