//! The manifest file of a package, `.mf`: which file has which digest.
//!
//! Read as people write it; written as DSP0243 2.1.1 demands (lines 405-421), since vSphere takes
//! nothing else. A line with a known algorithm and without a right digest is an error: its file
//! would go unverified without a word.

use std::collections::HashMap;

use super::limits;
use super::utf;
use crate::error::{Error, Result};
use crate::io::ChecksumType;
use crate::text::{ServerText, is_plain};

/// More notes say nothing new.
const MOST_NOTES: usize = 20;

/// By a name as people write it: `SHA256`, `sha-256`, `SHA2-256`.
pub fn algorithm(name: &str) -> Option<ChecksumType> {
    let plain = name.to_ascii_lowercase().replace("sha-", "sha");
    ChecksumType::parse_of_file(match plain.as_str() {
        "sha2-256" => "sha256",
        "sha2-512" => "sha512",
        other => other,
    })
    .ok()
}

/// The digest in lower case, where it is one of this algorithm.
fn digest(algorithm: ChecksumType, hex: &str) -> Option<String> {
    let right = hex.len() == algorithm.digits() && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    right.then(|| hex.to_ascii_lowercase())
}

/// The name in a line.
fn in_line(algorithm: ChecksumType) -> &'static str {
    match algorithm {
        ChecksumType::Sha1 => "SHA1",
        ChecksumType::Sha256 => "SHA256",
        ChecksumType::Sha512 => "SHA512",
    }
}

/// One line: the file, and its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file's name as written, without a leading `./`.
    pub name: String,
    /// Which digest.
    pub algorithm: ChecksumType,
    /// The digest, lower-case hex.
    pub hex: String,
}

/// A manifest file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestFile {
    /// The lines that name a digest, in order, each file and algorithm once.
    pub entries: Vec<Entry>,
    /// What is odd about it.
    pub notes: Vec<String>,
}

impl ManifestFile {
    /// Reads one; `what` is its name in messages.
    pub fn parse(bytes: &[u8], what: &str) -> Result<Self> {
        let seen = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        limits::MANIFEST.check(what, seen)?;
        let text = utf::text(bytes, what)?;
        let mut read = Reading {
            what,
            ..Reading::default()
        };
        for (index, line) in text.content.lines().enumerate() {
            read.line(line.trim(), index.saturating_add(1))?;
        }
        read.note_inexact();
        if read.file.entries.is_empty() {
            read.note("it lists no file: nothing can be verified with it".into());
        }
        Ok(read.file)
    }

    /// The bytes of a manifest file with these lines.
    pub fn build(entries: &[Entry]) -> Result<Vec<u8>> {
        let mut text = String::new();
        for entry in entries {
            let name = &entry.name;
            let refuse = |reason: &str| Error::InvalidArgument {
                reason: format!("'{}' in a manifest file: {reason}", ServerText::new(name)).into(),
            };
            if name.is_empty() || !name.chars().all(is_plain) {
                return Err(refuse("the name is empty or not printable"));
            }
            let sum = digest(entry.algorithm, &entry.hex);
            let sum = sum.ok_or_else(|| refuse(&wants(entry.algorithm, &entry.hex)))?;
            text.push_str(in_line(entry.algorithm));
            text.extend(["(", name, ")= ", &sum, "\n"]);
        }
        Ok(text.into_bytes())
    }
}

fn wants(algorithm: ChecksumType, seen: &str) -> String {
    format!(
        "{} is {} hex digits, and there is '{}'",
        in_line(algorithm),
        algorithm.digits(),
        ServerText::new(seen)
    )
}

#[derive(Default)]
struct Reading<'a> {
    what: &'a str,
    file: ManifestFile,
    /// Where the line of a file and algorithm is.
    seen: HashMap<(String, ChecksumType), usize>,
    /// The numbers of the lines that vSphere refuses.
    inexact: Vec<usize>,
}

impl Reading<'_> {
    fn line(&mut self, line: &str, number: usize) -> Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        let Some(parts) = Parts::of(line) else {
            self.note(format!(
                "line {number} is not 'SHA256(name)= digest': '{}'",
                ServerText::new(line)
            ));
            return Ok(());
        };
        let name = parts.name.trim_start_matches("./");
        let Some(algorithm) = algorithm(parts.algorithm) else {
            self.note(format!(
                "line {number}: '{}' is not verified, its algorithm '{}' is not SHA1, SHA256 or SHA512",
                ServerText::new(name),
                ServerText::new(parts.algorithm)
            ));
            return Ok(());
        };
        let refuse = |reason: String| Error::package(self.what, format!("line {number}: {reason}"));
        let hex = digest(algorithm, parts.digest);
        let hex = hex.ok_or_else(|| refuse(wants(algorithm, parts.digest)))?;
        let key = (name.to_owned(), algorithm);
        if let Some(earlier) = self.seen.get(&key) {
            let same = self
                .file
                .entries
                .get(*earlier)
                .is_some_and(|one| one.hex == hex);
            if !same {
                return Err(refuse(format!(
                    "'{}' has another {} in a line above",
                    ServerText::new(name),
                    in_line(algorithm)
                )));
            }
            self.note(format!("line {number} repeats '{}'", ServerText::new(name)));
            return Ok(());
        }
        if !parts.is_exact(algorithm) {
            self.inexact.push(number);
        }
        self.seen.insert(key, self.file.entries.len());
        self.file.entries.push(Entry {
            name: name.to_owned(),
            algorithm,
            hex,
        });
        Ok(())
    }

    fn note_inexact(&mut self) {
        let Some((first, others)) = self.inexact.split_first() else {
            return;
        };
        let more = match others.len() {
            0 => String::new(),
            count => format!(", like {count} more,"),
        };
        self.note(format!(
            "line {first}{more} is not written exactly as 'SHA256(name)= digest', which vSphere refuses"
        ));
    }

    fn note(&mut self, note: String) {
        if self.file.notes.len() < MOST_NOTES {
            self.file.notes.push(note);
        }
    }
}

/// A line taken apart. A name may hold brackets and equals signs, so both ends are looked at.
struct Parts<'a> {
    algorithm: &'a str,
    name: &'a str,
    digest: &'a str,
    line: &'a str,
}

impl<'a> Parts<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let (algorithm, rest) = line.split_once('(')?;
        let (rest, digest) = rest.rsplit_once('=')?;
        let name = rest.trim_end().strip_suffix(')')?;
        let algorithm = algorithm.trim();
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/');
        let found = !algorithm.is_empty() && algorithm.chars().all(is_word) && !name.is_empty();
        found.then(|| Self {
            algorithm,
            name,
            digest: digest.trim(),
            line,
        })
    }

    /// Whether vSphere takes the line; the case of the digits is not known to matter.
    fn is_exact(&self, algorithm: ChecksumType) -> bool {
        let Self { name, digest, .. } = self;
        self.line == format!("{}({name})= {digest}", in_line(algorithm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

    fn parsed(text: &str) -> ManifestFile {
        ManifestFile::parse(text.as_bytes(), "x.mf").unwrap()
    }

    #[test]
    fn forms_that_people_write() {
        for (line, name, is_odd) in [
            ("SHA1(a.vmdk)= {}", "a.vmdk", false),
            ("SHA1(a.vmdk)= {}\r\n", "a.vmdk", false),
            ("\u{feff}SHA1(a.vmdk)= {}", "a.vmdk", false),
            ("SHA1(./a.vmdk)= {}", "a.vmdk", false),
            ("SHA1(././a.vmdk)= {}", "a.vmdk", false),
            ("SHA1(disks/a b.vmdk)= {}", "disks/a b.vmdk", false),
            ("SHA1(a (1)=x).vmdk)= {}", "a (1)=x).vmdk", false),
            ("SHA1 (a.vmdk) = {}", "a.vmdk", true),
            ("SHA1(a.vmdk)={}", "a.vmdk", true),
            ("sha1(a.vmdk)= {}", "a.vmdk", true),
            ("SHA-1(a.vmdk)= {}", "a.vmdk", true),
        ] {
            for hex in [SHA1.to_owned(), SHA1.to_uppercase()] {
                let file = parsed(&line.replace("{}", &hex));
                let entry = &file.entries[0];
                assert_eq!(
                    (entry.name.as_str(), entry.hex.as_str()),
                    (name, SHA1),
                    "{line}"
                );
                assert_eq!(!file.notes.is_empty(), is_odd, "{line}: {:?}", file.notes);
            }
        }
    }

    #[test]
    fn what_would_leave_a_file_unverified() {
        for line in [
            "SHA1(a)= ",
            "SHA1(a)= 1234",
            "SHA256(a)= da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "SHA1(a)= zz39a3ee5e6b4b0d3255bfef95601890afd80709",
        ] {
            let refused = ManifestFile::parse(line.as_bytes(), "x.mf");
            assert!(matches!(refused, Err(Error::Package { .. })), "{line}");
        }
        let twice = format!("SHA1(a)= {SHA1}\nSHA1(a)= {}", SHA1.replace('d', "e"));
        let refused = ManifestFile::parse(twice.as_bytes(), "x.mf").unwrap_err();
        assert!(refused.to_string().contains("line 2"), "{refused}");
        let odd = parsed("MD5(a)= d41d8cd98f00b204e9800998ecf8427e\nhello\n");
        assert_eq!((odd.entries.len(), odd.notes.len()), (0, 3));
        assert_eq!(parsed("").notes.len(), 1);
    }

    #[test]
    fn many_notes_and_long_files_are_bounded() {
        assert_eq!(parsed(&"x\n".repeat(1000)).notes.len(), MOST_NOTES);
        let long = vec![b'\n'; (1 << 20) + 1];
        let refused = ManifestFile::parse(&long, "x.mf");
        assert!(matches!(refused, Err(Error::LimitExceeded { .. })));
    }

    #[test]
    fn written_exactly() {
        let entry = |name: &str, hex: &str| Entry {
            name: name.into(),
            algorithm: ChecksumType::Sha1,
            hex: hex.into(),
        };
        let built = ManifestFile::build(&[entry("a b", &SHA1.to_uppercase())]).unwrap();
        assert_eq!(built, format!("SHA1(a b)= {SHA1}\n").into_bytes());
        for (name, hex) in [("", SHA1), ("a\nb", SHA1), ("a", "1234"), ("a", "")] {
            assert!(
                ManifestFile::build(&[entry(name, hex)]).is_err(),
                "{name:?}"
            );
        }
    }
}
