//! A file in pieces: `name.000000000`, `name.000000001` and so on, as `ovf:chunkSize` says.

use std::sync::Arc;

use super::Package;
use super::broken;
use crate::error::Result;
use crate::io::{Joined, Slice};
use crate::text::ServerText;

/// Nine digits could name more; no disk needs them.
const MOST_PIECES: u32 = 1_000_000;

/// All pieces, by their names. Each is looked at now: one that is missing is not noticed half-way.
pub(super) fn pieces(
    package: &Package,
    href: &str,
    chunk_size: u64,
    size: Option<u64>,
) -> Result<Vec<(String, Slice)>> {
    let mut pieces: Vec<(String, Slice)> = Vec::new();
    let mut total = 0u64;
    for number in 0..MOST_PIECES {
        let Some(piece) = package.find(&piece_name(href, number))? else {
            break;
        };
        total = total.saturating_add(piece.length);
        let is_short = piece.length < chunk_size;
        if piece.length > chunk_size {
            let reason = format!(
                "it has {} bytes, more than a piece's {chunk_size}",
                piece.length
            );
            return Err(refused(package, &piece_name(href, number), &reason));
        }
        pieces.push((piece_name(href, number), piece));
        if is_short {
            break;
        }
    }
    let next = u32::try_from(pieces.len()).unwrap_or(MOST_PIECES);
    let after = piece_name(href, next);
    match pieces.last() {
        // Some write the attribute and leave the file whole.
        None => {
            if let Some(whole) = package.find(href)?.filter(|file| file.length <= chunk_size) {
                return Ok(vec![(href.to_owned(), whole)]);
            }
            return Err(package.missing(&after));
        }
        Some((name, last)) => {
            let is_cut = size.is_some_and(|size| total < size);
            if last.length < chunk_size && (is_cut || package.find(&after)?.is_some()) {
                let reason = format!("it has {} of its {chunk_size} bytes", last.length);
                return Err(refused(package, name, &reason));
            }
            if is_cut || has_later(package, href, next) {
                return Err(package.missing(&after));
            }
        }
    }
    Ok(pieces)
}

/// The pieces as one.
pub(super) fn join(package: &Package, href: &str, pieces: Vec<(String, Slice)>) -> Slice {
    let name = format!("{}: {}", package.name(), ServerText::from(href));
    let pieces = pieces.into_iter().map(|(_, piece)| piece).collect();
    Slice::all(Arc::new(Joined::new(name, pieces)))
}

/// Whether there are pieces beyond one that is not there.
fn has_later(package: &Package, href: &str, number: u32) -> bool {
    let later = (1..=8).map(|more| piece_name(href, number.saturating_add(more)));
    later
        .into_iter()
        .any(|name| matches!(package.find(&name), Ok(Some(_))))
}

fn piece_name(href: &str, number: u32) -> String {
    format!("{href}.{number:09}")
}

fn refused(package: &Package, name: &str, reason: &str) -> crate::error::Error {
    let name = ServerText::from(name);
    broken(
        package.name(),
        format!("the piece '{name}' is wrong: {reason}"),
    )
}
