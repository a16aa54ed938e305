//! Bytes of a descriptor or a manifest file as text: UTF-8, or UTF-16 by its byte order mark.

use crate::error::{Error, Result};

/// A text, and what its bytes were.
pub(super) struct Decoded {
    /// The text, without a byte order mark.
    pub(super) content: String,
    /// Whether the bytes were UTF-16.
    pub(super) was_utf16: bool,
}

/// Decodes; a NUL in it is refused.
pub(super) fn text(bytes: &[u8], what: &str) -> Result<Decoded> {
    let utf16 = |rest, unit: fn([u8; 2]) -> u16| {
        Ok(Decoded {
            content: from_utf16(rest, unit)
                .ok_or_else(|| Error::package(what, "it is not valid UTF-16"))?,
            was_utf16: true,
        })
    };
    let decoded = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        [b'<', 0, ..] => utf16(bytes, u16::from_le_bytes)?,
        [0, b'<', ..] => utf16(bytes, u16::from_be_bytes)?,
        _ => utf8(bytes, what)?,
    };
    if decoded.content.contains('\0') {
        return Err(Error::package(what, "it has a zero byte: it is not a text"));
    }
    Ok(decoded)
}

fn utf8(bytes: &[u8], what: &str) -> Result<Decoded> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        Error::package(
            what,
            format!("it is not UTF-8 (line {line}): save it as UTF-8, and its manifest file anew"),
        )
    })?;
    Ok(Decoded {
        content: text.to_owned(),
        was_utf16: false,
    })
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    let units = pairs.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}
