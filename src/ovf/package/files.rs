//! Where the files of a package are: in an archive, in a directory, beside a URL.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::super::tar::read::{self, Contents};
use super::super::tar::scan::Member;
use super::broken;
use crate::error::{Error, Result};
use crate::io::{Slice, Stored, StoredPath};
use crate::sync::lock;
use crate::text::ServerText;

/// More entries of a directory are not looked at.
const MOST_ENTRIES: usize = 10_000;

/// The files of a package. Names are relative, with `/`, and were judged.
pub trait Files: Send + Sync {
    /// The name for messages.
    fn name(&self) -> String;
    /// All that are there, in their order, with their sizes; empty where nobody can list them.
    fn list(&self) -> Vec<(String, u64)>;
    /// One of them; `None` where it is not there.
    fn find(&self, name: &str) -> Result<Option<Slice>>;
}

/// The members of an archive.
pub(super) struct Archive {
    stored: Arc<dyn Stored>,
    members: Vec<Member>,
    places: HashMap<String, usize>,
}

impl Archive {
    /// Reads the headers; says what is odd, too.
    pub(super) fn open(stored: Arc<dyn Stored>) -> Result<(Self, Vec<String>)> {
        let Contents { members, notes } = read::members(stored.as_ref())?;
        let names = members.iter().map(|member| member.name.clone());
        let places = names.zip(0..).collect();
        let archive = Self {
            stored,
            members,
            places,
        };
        Ok((archive, notes))
    }
}

impl Files for Archive {
    fn name(&self) -> String {
        self.stored.name()
    }

    fn list(&self) -> Vec<(String, u64)> {
        let pairs = self.members.iter();
        pairs.map(|one| (one.name.clone(), one.size)).collect()
    }

    fn find(&self, name: &str) -> Result<Option<Slice>> {
        let place = self.places.get(name).copied();
        let Some(member) = place.and_then(|place| self.members.get(place)) else {
            return Ok(None);
        };
        if let Some(flaw) = member.flaw {
            let name = ServerText::from(name);
            let reason = format!("the member '{name}' cannot be used: {flaw}");
            return Err(broken(self.name(), reason));
        }
        Ok(Some(Slice {
            stored: Arc::clone(&self.stored),
            offset: member.offset,
            length: member.size,
        }))
    }
}

/// The files of a directory.
pub(super) struct LocalFiles {
    directory: PathBuf,
    /// Those that were looked at: one that changes after that is refused when it is read.
    found: Mutex<HashMap<String, Arc<StoredPath>>>,
}

impl Files for LocalFiles {
    fn name(&self) -> String {
        self.directory.display().to_string()
    }

    fn list(&self) -> Vec<(String, u64)> {
        let entries = fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten();
        let mut files: Vec<_> = entries
            .take(MOST_ENTRIES)
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let metadata = fs::metadata(entry.path()).ok()?;
                let counts = metadata.is_file() && !name.starts_with('.');
                counts.then_some((name, metadata.len()))
            })
            .collect();
        files.sort();
        files
    }

    fn find(&self, name: &str) -> Result<Option<Slice>> {
        let found = lock(&self.found).get(name).cloned();
        if let Some(stored) = found {
            return Ok(Some(Slice::all(stored)));
        }
        let stored = match StoredPath::look(&self.directory, name) {
            Ok(stored) => Arc::new(stored),
            Err(Error::Io { source, .. }) if is_missing(&source) => return Ok(None),
            Err(error) => return Err(error),
        };
        lock(&self.found).insert(name.to_owned(), Arc::clone(&stored));
        Ok(Some(Slice::all(stored)))
    }
}

impl LocalFiles {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            found: Mutex::default(),
        }
    }
}

fn is_missing(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// The directory of a file, as a path that can be read.
pub(super) fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
