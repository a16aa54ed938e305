//! The names of members: which leave the package, and which are only what an operating system left.

/// What tools of an operating system put in beside the package's own files.
pub(super) fn is_clutter(name: &str) -> bool {
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        if part == "__MACOSX" || (is_last && (part.starts_with("._") || part == ".DS_Store")) {
            return true;
        }
    }
    false
}

/// The name without what changes nothing (`./`), or why it is refused.
pub(crate) fn relative(name: &str) -> Result<String, &'static str> {
    if name.starts_with('/') {
        return Err("it is absolute");
    }
    if name.contains('\\') {
        return Err("it has a backslash");
    }
    if name.chars().any(char::is_control) {
        return Err("it has a control character");
    }
    let bytes = name.as_bytes();
    if bytes.len() >= 2 && bytes[1] == b':' && bytes[0].is_ascii_alphabetic() {
        return Err("it names a drive");
    }
    let parts: Vec<&str> = name
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        return Err("it leaves the package");
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_are_refused() {
        for name in ["/x", "../x", "a/../../x", "a\\x", "C:x", "a\0b", "a\nb"] {
            assert!(relative(name).is_err(), "{name:?}");
        }
        for (name, plain) in [
            ("./x", "x"),
            ("a//b/./c", "a/b/c"),
            ("./", ""),
            ("日本", "日本"),
        ] {
            assert_eq!(relative(name).as_deref(), Ok(plain));
        }
    }

    #[test]
    fn clutter() {
        for name in ["._a.ovf", "x/._a.ovf", ".DS_Store", "__MACOSX/a.ovf"] {
            assert!(is_clutter(name), "{name}");
        }
        assert!(!is_clutter("a._b.ovf") && !is_clutter("._x/a.ovf"));
    }
}
