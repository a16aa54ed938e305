//! What a request proved itself by, so that no answer shows it: a server may echo what it was sent.
//!
//! An echo is found in any case and in the usual disguises (percent, HTML, JSON), whole or in part.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use crate::text::{ServerText, is_plain};

/// What stands for a secret.
const HIDDEN: &str = "***";
/// So much of a longer secret gives it away.
const PIECE: usize = 8;
/// Shorter ones are words.
const SHORTEST: usize = 4;
/// More of a text is not looked at, since not more than a line of it is shown.
const WINDOW: usize = 16 * 1024;
/// A document is looked at in parts of this size.
const PART: usize = 64 * 1024;
/// A text may be escaped, and its escapes again.
const DISGUISES: usize = 3;
/// The longest escape: `&#x00041;`.
const LONGEST_ESCAPE: usize = 9;

/// Texts that must not be shown. Debug shows none.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    pieces: HashSet<[char; PIECE]>,
    short: Vec<Vec<char>>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// Adds one. What is shorter than four characters cannot be told from a word.
    pub(crate) fn add(&mut self, secret: &str) {
        let meant = meaning(&read(secret));
        if meant.len() >= PIECE {
            let pieces = meant.windows(PIECE);
            self.pieces
                .extend(pieces.filter_map(|piece| <[char; PIECE]>::try_from(piece).ok()));
        } else if meant.len() >= SHORTEST {
            self.short.push(meant);
        }
    }

    /// What a server said, without them.
    pub(crate) fn text(&self, said: &str) -> ServerText {
        let (window, cut) = said.split_at(boundary(said, WINDOW));
        let shown = self.hide(window);
        if cut.is_empty() {
            return ServerText::new(&shown);
        }
        // The start of a secret that the window cuts off may be too short to be known.
        let whole = shown.chars().count().saturating_sub(PIECE);
        let shown: String = shown.chars().take(whole).collect();
        shown.into()
    }

    /// The same of a whole document; its very bytes when none is in it.
    pub(crate) fn document(&self, document: &[u8]) -> Vec<u8> {
        let Ok(mut rest) = std::str::from_utf8(document) else {
            let text = String::from_utf8_lossy(document);
            return self.text(&text).as_bytes().to_vec();
        };
        let mut shown = Vec::with_capacity(document.len());
        while !rest.is_empty() {
            let (part, after) = rest.split_at(seam(rest));
            shown.extend_from_slice(self.hide(part).as_bytes());
            rest = after;
        }
        shown
    }

    fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let glyphs = read(text);
        let meant = meaning(&glyphs);
        let mut secret = vec![false; glyphs.len()];
        self.mark(&meant, &mut secret);
        mark_logins(&meant, &mut secret);
        mark_tickets(&meant, &mut secret);
        if !secret.contains(&true) {
            return Cow::Borrowed(text);
        }
        let (mut shown, mut from) = (String::new(), 0);
        for (glyph, _) in glyphs.iter().zip(&secret).filter(|(_, secret)| **secret) {
            if glyph.at.start > from || shown.is_empty() {
                shown.push_str(text.get(from..glyph.at.start).unwrap_or_default());
                shown.push_str(HIDDEN);
            }
            from = from.max(glyph.at.end);
        }
        shown.push_str(text.get(from..).unwrap_or_default());
        Cow::Owned(shown)
    }

    fn mark(&self, meant: &[char], secret: &mut [bool]) {
        for (start, piece) in meant.windows(PIECE).enumerate() {
            if <[char; PIECE]>::try_from(piece).is_ok_and(|piece| self.pieces.contains(&piece)) {
                fill(secret, start, PIECE);
            }
        }
        for short in &self.short {
            for (start, piece) in meant.windows(short.len()).enumerate() {
                if piece == short.as_slice() {
                    fill(secret, start, short.len());
                }
            }
        }
    }
}

/// `user:password@` of any URL.
fn mark_logins(meant: &[char], secret: &mut [bool]) {
    for (start, rest) in behind(meant, "://") {
        let authority = rest.iter().take_while(|c| !ends_segment(**c));
        let login = authority.enumerate().filter(|(_, c)| **c == '@').last();
        if let Some((length, _)) = login {
            fill(secret, start, length);
        }
    }
}

/// What follows `/nfc/` or `/ha-nfc/`, of whichever lease.
fn mark_tickets(meant: &[char], secret: &mut [bool]) {
    for before in ["/nfc/", "/ha-nfc/"] {
        for (start, rest) in behind(meant, before) {
            fill(
                secret,
                start,
                rest.iter().take_while(|c| !ends_segment(**c)).count(),
            );
        }
    }
}

fn ends_segment(c: char) -> bool {
    c.is_whitespace() || matches!(c, '/' | '\\' | '?' | '#' | '"' | '\'' | '<' | '>')
}

/// Each place behind a word, and what is there.
fn behind<'a>(meant: &'a [char], word: &str) -> Vec<(usize, &'a [char])> {
    let word: Vec<char> = word.chars().collect();
    let found = meant.windows(word.len()).enumerate();
    found
        .filter(|(_, piece)| *piece == word.as_slice())
        .map(|(start, _)| start.saturating_add(word.len()))
        .map(|start| (start, meant.get(start..).unwrap_or_default()))
        .collect()
}

fn fill(secret: &mut [bool], start: usize, length: usize) {
    if let Some(marks) = secret.get_mut(start..start.saturating_add(length)) {
        marks.fill(true);
    }
}

/// Where a document may be parted: where no secret goes on, if there is such a place.
fn seam(text: &str) -> usize {
    let part = text.get(..boundary(text, PART)).unwrap_or(text);
    if part.len() == text.len() {
        return text.len();
    }
    match part.rfind(['<', '>', ' ', '\n']) {
        Some(at) if at > PART / 2 => at,
        _ => part.len(),
    }
}

/// The last place up to `at` where a text can be cut.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at = at.saturating_sub(1);
    }
    at
}

/// A character as it is meant, and where it is written.
struct Glyph {
    meant: char,
    at: Range<usize>,
}

fn meaning(glyphs: &[Glyph]) -> Vec<char> {
    glyphs.iter().map(|glyph| glyph.meant).collect()
}

/// The text without its disguises: lower case, no escapes, nothing that is not shown.
fn read(text: &str) -> Vec<Glyph> {
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(text.len());
    for (start, c) in text.char_indices() {
        let end = start.saturating_add(c.len_utf8());
        match glyphs.last_mut() {
            Some(last) if !is_plain(c) => last.at.end = end,
            _ => glyphs.push(Glyph {
                meant: lower(c),
                at: start..end,
            }),
        }
    }
    for _ in 0..DISGUISES {
        let before = glyphs.len();
        glyphs = without_escapes(glyphs);
        if glyphs.len() == before {
            break;
        }
    }
    glyphs
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn without_escapes(glyphs: Vec<Glyph>) -> Vec<Glyph> {
    if !glyphs
        .iter()
        .any(|glyph| matches!(glyph.meant, '%' | '&' | '\\'))
    {
        return glyphs;
    }
    let mut rest = glyphs.as_slice();
    let mut plain = Vec::with_capacity(glyphs.len());
    while let [first, ..] = rest {
        let (meant, length) = escaped(rest).unwrap_or((first.meant, 1));
        let (here, after) = rest.split_at(length.min(rest.len()));
        let end = here.last().map_or(first.at.end, |last| last.at.end);
        plain.push(Glyph {
            meant: lower(meant),
            at: first.at.start..end,
        });
        rest = after;
    }
    plain
}

/// The character that an escape means, and the escape's length.
fn escaped(rest: &[Glyph]) -> Option<(char, usize)> {
    let next: String = rest
        .iter()
        .take(LONGEST_ESCAPE)
        .map(|glyph| glyph.meant)
        .collect();
    let hex = |digits: Option<&str>| char::from_u32(u32::from_str_radix(digits?, 16).ok()?);
    let ascii = |digits| hex(digits).filter(char::is_ascii);
    match next.as_bytes() {
        [b'%', ..] => Some((ascii(next.get(1..3))?, 3)),
        [b'\\', b'u', ..] => Some((hex(next.get(2..6))?, 6)),
        [b'\\', b'x', ..] => Some((ascii(next.get(2..4))?, 4)),
        [b'\\', c @ (b'/' | b'"' | b'\'' | b'\\'), ..] => Some((char::from(*c), 2)),
        [b'&', ..] => {
            let (name, _) = next.get(1..)?.split_once(';')?;
            Some((entity(name)?, name.len().saturating_add(2)))
        }
        _ => None,
    }
}

fn entity(name: &str) -> Option<char> {
    let code = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        },
        None => return named(name),
    };
    char::from_u32(code)
}

fn named(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "sol" => '/',
        "equals" => '=',
        "colon" => ':',
        "period" => '.',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICKET: &str = "52aF-91/b+c=de_f0";

    fn secrets() -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add(TICKET);
        secrets.add("s3cr");
        secrets.add("ab");
        secrets
    }

    fn shown(said: &str) -> String {
        secrets().text(said).into()
    }

    #[test]
    fn an_echo_in_any_dress() {
        let dressed = |dress: fn(u8) -> String| TICKET.bytes().map(dress).collect::<String>();
        let percent = dressed(|b| format!("%{b:02X}"));
        let twice = percent.replace('%', "%25");
        let html = dressed(|b| format!("&#{b};"));
        let hex = dressed(|b| format!("&#x{b:X};"));
        let json = dressed(|b| format!("\\u00{b:02x}"));
        let slashes = TICKET.replace('/', "\\/");
        let upper = TICKET.to_uppercase();
        let split = TICKET.replace('-', "-\r\n");
        for echo in [
            TICKET, &percent, &twice, &html, &hex, &json, &slashes, &upper, &split,
        ] {
            assert_eq!(
                shown(&format!("not found: {echo} here")),
                "not found: *** here",
                "{echo}"
            );
        }
        assert_eq!(shown("it is s3cr, or S3CR"), "it is ***, or ***");
        assert_eq!(shown("cab"), "cab");
    }

    #[test]
    fn a_part_is_hidden_and_what_surrounds_it_is_not() {
        assert_eq!(shown("GET /x/52aF-91/b refused"), "GET /x/*** refused");
        assert_eq!(shown("100 % of 52aF & more"), "100 % of 52aF & more");
        assert_eq!(shown("a&amp;b %zz \\q"), "a&amp;b %zz \\q");
    }

    #[test]
    fn no_end_of_a_window_shows_a_start() {
        for pad in WINDOW - 40..WINDOW + 4 {
            let said = format!("{}{TICKET}{TICKET}", " ".repeat(pad).replace(' ', "\u{1}"));
            assert!(!shown(&said).contains("52aF"), "{pad}");
        }
        assert!(!shown(&TICKET.repeat(10_000)).contains("52a"));
    }

    #[test]
    fn logins_and_tickets_of_any_url() {
        assert_eq!(shown("see https://u:p@host/x"), "see https://***@host/x");
        assert_eq!(shown("https://u%3Ap%40host/x"), "https://***%40host/x");
        assert_eq!(
            shown("mail a@b, https://host/a@b"),
            "mail a@b, https://host/a@b"
        );
        assert_eq!(
            shown("'https://esx/ha-nfc/t1/d.vmdk'"),
            "'https://esx/ha-nfc/***/d.vmdk'"
        );
        assert_eq!(shown("/nfc/t1"), "/nfc/***");
    }

    #[test]
    fn a_document_stays_what_it_was() {
        let plain = "<a>\u{1f600} \u{1}&amp;</a>\n".repeat(20_000);
        assert_eq!(secrets().document(plain.as_bytes()), plain.as_bytes());
        let echo = plain.replace('\u{1f600}', TICKET);
        let shown = String::from_utf8(secrets().document(echo.as_bytes())).unwrap();
        assert_eq!(shown, plain.replace('\u{1f600}', HIDDEN));
    }
}
