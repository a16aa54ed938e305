//! How a file gets a name that nothing has: the first of three ways that the file system knows.

use std::ffi::OsStr;
use std::io;

use super::directory::Directory;

/// A way to give a file a name without replacing what has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// The file system refuses a name that is taken.
    NoReplace,
    /// A second name, which is refused where it is taken, then the first one is removed.
    Link,
    /// We look, then rename: what somebody creates between the two is replaced. Some FUSE file
    /// systems (s3fs, gcsfuse, rclone) know nothing better.
    Look,
}

/// What the ways need of a directory; a test has one that lacks some.
pub(super) trait Names {
    fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()>;
    fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()>;
    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()>;
    fn remove(&self, name: &OsStr) -> io::Result<()>;
    /// Takes a name with an empty file.
    fn take(&self, name: &OsStr) -> io::Result<()>;
    fn is_taken(&self, name: &OsStr) -> io::Result<bool>;
}

impl Names for Directory {
    fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Self::rename_new(self, from, to)
    }
    fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Self::link(self, from, to)
    }
    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Self::rename(self, from, to)
    }
    fn remove(&self, name: &OsStr) -> io::Result<()> {
        Self::remove(self, name)
    }
    fn take(&self, name: &OsStr) -> io::Result<()> {
        self.create_new(name).map(|_| ())
    }
    fn is_taken(&self, name: &OsStr) -> io::Result<bool> {
        Ok(self.look(name)?.is_some())
    }
}

impl Naming {
    /// Renames a file, and says which way it went.
    pub(super) fn find(names: &impl Names, from: &OsStr, to: &OsStr) -> io::Result<Self> {
        // Whatever a refusal says, the last way tells whether anything goes at all.
        match names.rename_new(from, to) {
            Ok(()) => return Ok(Self::NoReplace),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(e),
            Err(_) => {}
        }
        match names.link(from, to) {
            Ok(()) => {
                names.remove(from).inspect_err(|_| {
                    let _ = names.remove(to); // not one name more than before
                })?;
                return Ok(Self::Link);
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(e),
            Err(_) => {}
        }
        // Two of us must not have one name: one of them takes it.
        names.take(to)?;
        names.rename(from, to).inspect_err(|_| {
            let _ = names.remove(to); // empty, and ours
        })?;
        Ok(Self::Look)
    }

    /// Renames a file to a name that nothing has.
    pub(super) fn name(self, names: &impl Names, from: &OsStr, to: &OsStr) -> io::Result<()> {
        match self {
            Self::NoReplace => names.rename_new(from, to),
            Self::Link => {
                names.link(from, to)?;
                // Both names are the whole file; the first one is only in the way.
                names.remove(from)
            }
            Self::Look if names.is_taken(to)? => Err(io::ErrorKind::AlreadyExists.into()),
            Self::Look => names.rename(from, to),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::io::testing::names_in;

    /// A real directory of a file system that lacks some calls.
    struct Lacking {
        directory: Directory,
        calls: &'static [&'static str],
    }

    impl Lacking {
        fn at(root: &Path, calls: &'static [&'static str]) -> Self {
            let directory = Directory::of(&root.join("x")).unwrap();
            Self { directory, calls }
        }

        fn may(&self, call: &str) -> io::Result<()> {
            if self.calls.contains(&call) {
                return Err(io::ErrorKind::Unsupported.into());
            }
            Ok(())
        }
    }

    impl Names for Lacking {
        fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
            self.may("rename_new")?;
            self.directory.rename_new(from, to)
        }
        fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
            self.may("link")?;
            self.directory.link(from, to)
        }
        fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
            self.may("rename")?;
            self.directory.rename(from, to)
        }
        fn remove(&self, name: &OsStr) -> io::Result<()> {
            self.directory.remove(name)
        }
        fn take(&self, name: &OsStr) -> io::Result<()> {
            Names::take(&self.directory, name)
        }
        fn is_taken(&self, name: &OsStr) -> io::Result<bool> {
            Names::is_taken(&self.directory, name)
        }
    }

    #[test]
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    fn the_first_way_that_goes() {
        for (calls, expected) in [
            (&[][..], Naming::NoReplace),
            (&["rename_new"], Naming::Link),
            (&["rename_new", "link"], Naming::Look),
        ] {
            let root = tempfile::tempdir().unwrap();
            let names = Lacking::at(root.path(), calls);
            fs::write(root.path().join("new"), b"new").unwrap();
            let way = Naming::find(&names, "new".as_ref(), "part".as_ref()).unwrap();
            assert_eq!(way, expected);
            way.name(&names, "part".as_ref(), "final".as_ref()).unwrap();
            assert_eq!(names_in(root.path()), ["final"]);
        }
    }

    #[test]
    fn none_replaces_what_is_there() {
        for calls in [&[][..], &["rename_new"], &["link"], &["rename_new", "link"]] {
            let root = tempfile::tempdir().unwrap();
            let names = Lacking::at(root.path(), calls);
            fs::write(root.path().join("new"), b"new").unwrap();
            let way = Naming::find(&names, "new".as_ref(), "part".as_ref()).unwrap();
            fs::write(root.path().join("final"), b"old").unwrap();
            for to in ["final", "part"] {
                fs::write(root.path().join("other"), b"other").unwrap();
                let found = Naming::find(&names, "other".as_ref(), to.as_ref()).unwrap_err();
                let refused = way.name(&names, "other".as_ref(), to.as_ref()).unwrap_err();
                assert_eq!(found.kind(), io::ErrorKind::AlreadyExists);
                assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            }
            assert_eq!(fs::read(root.path().join("final")).unwrap(), b"old");
            assert_eq!(fs::read(root.path().join("part")).unwrap(), b"new");
        }
    }

    #[test]
    fn where_nothing_goes_nothing_stays() {
        let root = tempfile::tempdir().unwrap();
        let names = Lacking::at(root.path(), &["rename_new", "link", "rename"]);
        fs::write(root.path().join("new"), b"new").unwrap();
        Naming::find(&names, "new".as_ref(), "part".as_ref()).unwrap_err();
        assert_eq!(names_in(root.path()), ["new"]);
    }
}
