//! Text for people: what a server said, and messages that hold some of it.
//!
//! Nothing else goes into an error or a log record. A line is one line: what a terminal would obey
//! or hide is escaped, and its length is bounded. Making a line of a line changes nothing.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// What a server said, as far as anybody needs to read it.
pub(crate) type ServerText = Line<200>;

/// Characters of a whole message, of an error or a log record: what a person reads of one. Python
/// has the same for its own.
pub const LONGEST_MESSAGE: usize = 500;

/// A message of ours; what it quotes of a server is [`ServerText`].
pub(crate) type Text = Line<LONGEST_MESSAGE>;

/// Where a line was cut, and a message.
const CUT: &str = "...";
const CUT_OUT: &str = " ... ";

/// A whole message: of an error with its advice, or of a log record. A long one is cut in its middle,
/// for its end says what to do.
pub fn message(shown: impl fmt::Display) -> String {
    let whole = Line::<{ usize::MAX }>::of(shown).0;
    let count = whole.chars().count();
    if count <= LONGEST_MESSAGE {
        return whole;
    }
    let first = LONGEST_MESSAGE / 2;
    let last = LONGEST_MESSAGE.saturating_sub(first + CUT_OUT.len());
    let begin = whole.chars().take(first);
    let end = whole.chars().skip(count.saturating_sub(last));
    begin.chain(CUT_OUT.chars()).chain(end).collect()
}

/// One printable line of at most so many characters.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line<const LONGEST: usize>(String);

impl<const LONGEST: usize> Line<LONGEST> {
    /// Escapes and cuts; blanks around it go.
    pub(crate) fn new(text: &str) -> Self {
        let mut line = String::new();
        let (mut length, mut whole) = (0_usize, 0_usize);
        for c in text.trim().chars() {
            let shown = Shown(c);
            length = length.saturating_add(shown.length());
            if length > LONGEST {
                line.truncate(whole);
                line.push_str(CUT);
                break;
            }
            shown.push_to(&mut line);
            if length <= LONGEST.saturating_sub(CUT.len()) {
                whole = line.len();
            }
        }
        Self(line)
    }

    /// The same of anything that can be shown.
    pub(crate) fn of(shown: impl fmt::Display) -> Self {
        Self::new(&shown.to_string())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A character, or what stands for it.
struct Shown(char);

impl Shown {
    fn length(&self) -> usize {
        match self.0 {
            '\n' | '\r' | '\t' => 2,
            c if is_plain(c) => 1,
            c => c.escape_unicode().count(),
        }
    }

    fn push_to(&self, line: &mut String) {
        match self.0 {
            c @ ('\n' | '\r' | '\t') => line.extend(c.escape_default()),
            c if is_plain(c) => line.push(c),
            c => line.extend(c.escape_unicode()),
        }
    }
}

/// Whether a terminal or an editor shows the character and does nothing else for it.
pub(crate) fn is_plain(c: char) -> bool {
    !(c.is_control() || is_invisible(c) || is_private(c))
}

/// Characters that change the order or the place of others, end a line, or show nothing: Unicode's
/// `Cf`, `Zl` and `Zp`, fillers and the variation selectors that can hide a text.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn is_private(c: char) -> bool {
    let last = u32::from(c) & 0xffff;
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'..) || last >= 0xfffe
}

impl<const LONGEST: usize> Deref for Line<LONGEST> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const LONGEST: usize> fmt::Display for Line<LONGEST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const LONGEST: usize> fmt::Debug for Line<LONGEST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<const LONGEST: usize> From<&str> for Line<LONGEST> {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<const LONGEST: usize> From<String> for Line<LONGEST> {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl<const LONGEST: usize> From<&String> for Line<LONGEST> {
    fn from(text: &String) -> Self {
        Self::new(text)
    }
}

impl<const LONGEST: usize> From<Arc<str>> for Line<LONGEST> {
    fn from(text: Arc<str>) -> Self {
        Self::new(&text)
    }
}

impl<const LONGEST: usize> From<&Arc<str>> for Line<LONGEST> {
    fn from(text: &Arc<str>) -> Self {
        Self::new(text)
    }
}

impl From<ServerText> for Text {
    fn from(text: ServerText) -> Self {
        Self(text.0)
    }
}

impl<const LONGEST: usize> From<Line<LONGEST>> for String {
    fn from(line: Line<LONGEST>) -> Self {
        line.0
    }
}

/// What a log record is about: which lease, VM, file and host, each empty where it is unknown.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The lease's moId.
    pub lease: Text,
    /// The moId of its VM or vApp.
    pub vm: Text,
    /// The device's file.
    pub file: Text,
    /// The data host.
    pub host: Text,
}

/// `tracing::warn!` and `tracing::error!` with the fields of a [`Place`].
macro_rules! said_at {
    ($level:ident, $place:expr, $($message:tt)+) => {{
        let at: &$crate::text::Place = &$place;
        tracing::$level!(
            nfclease_lease = %at.lease,
            nfclease_vm = %at.vm,
            nfclease_file = %at.file,
            nfclease_host = %at.host,
            $($message)+
        )
    }};
}
pub(crate) use said_at;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        ServerText::from(text).into()
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(shown("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
        for c in (0..=0x0010_ffff).filter_map(char::from_u32) {
            let line = shown(&format!("x{c}y"));
            assert!(line.chars().all(is_plain), "{c:?}");
        }
        for c in [
            '\u{85}',
            '\u{202e}',
            '\u{2028}',
            '\u{2066}',
            '\u{200b}',
            '\u{feff}',
            '\u{e0041}',
            '\u{9b}',
        ] {
            assert_eq!(
                shown(&format!("x{c}y")),
                format!("x{}y", c.escape_unicode())
            );
        }
    }

    #[test]
    fn what_people_write_stays() {
        for text in ["Grüße", "日本語", "a b", "'\"\\<>&", "🙂", "שלום"] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn the_length_is_that_of_what_is_shown() {
        for text in [
            "x".repeat(200),
            "x".repeat(201),
            "\u{1b}".repeat(1 << 20),
            "é".repeat(500),
        ] {
            let line = shown(&text);
            assert!(line.chars().count() <= 200);
            assert_eq!(line.ends_with(CUT), text.len() != 200);
        }
        assert_eq!(shown(&"x".repeat(300)).chars().count(), 200);
    }

    #[test]
    fn a_message_is_cut_in_its_middle() {
        let whole = "x".repeat(LONGEST_MESSAGE);
        assert_eq!(message(&whole), whole);
        for text in [
            format!("begin {whole} end"),
            format!("begin {} end", "\u{1b}".repeat(1 << 16)),
            format!("begin {} end", "é".repeat(LONGEST_MESSAGE)),
        ] {
            let said = message(&text);
            assert_eq!(said.chars().count(), LONGEST_MESSAGE);
            assert!(
                said.starts_with("begin ") && said.ends_with(" end"),
                "{said}"
            );
            assert_eq!(message(&said), said);
        }
    }

    #[test]
    fn a_line_of_a_line_is_the_same() {
        for text in ["a\nb", "\\n", &"\u{202e}".repeat(99)] {
            let once = shown(text);
            assert_eq!(shown(&once), once);
        }
    }
}
