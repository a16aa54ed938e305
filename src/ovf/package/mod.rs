//! A package: its descriptor, its `.mf` and its files, wherever they are. Nothing is unpacked.

mod chunks;
mod files;
mod find;
pub(super) mod sniff;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

pub use files::Files;

use files::{Archive, LocalFiles, directory_of};
use find::Found;
use sniff::Look;

use super::href;
use super::limits::{self, Limit};
use crate::error::{Error, Result};
use crate::io::{Slice, Stored, StoredFile};
use crate::text::{ServerText, Text};

/// A package that is open for reading.
pub struct Package {
    files: Box<dyn Files>,
    found: Found,
    descriptor: Bytes,
    manifest: Option<Bytes>,
    /// What is odd about it, for people.
    notes: Vec<String>,
}

impl Package {
    /// An OVA, an OVF descriptor with its files beside it, or the directory that has one.
    pub fn open(path: &Path) -> Result<Self> {
        if path.is_dir() {
            let files = LocalFiles::new(path.to_owned());
            let descriptor = find::only_descriptor(&files)?;
            return Self::of_files(Box::new(files), descriptor);
        }
        let stored = StoredFile::open(path)?;
        if look(&stored)? != Look::Descriptor {
            return Self::of_archive(Arc::new(stored));
        }
        let path = &real(path)?;
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| broken(stored.name(), "its name is not UTF-8".into()))?;
        let files = LocalFiles::new(directory_of(path));
        Self::of_files(Box::new(files), name.to_owned())
    }

    /// An OVA, wherever it is stored.
    pub fn of_archive(stored: Arc<dyn Stored>) -> Result<Self> {
        match look(stored.as_ref())? {
            Look::Archive => {}
            Look::Descriptor => {
                let reason = "it is a descriptor without its files; give its path or its directory";
                return Err(broken(stored.name(), reason.into()));
            }
            Look::Other(what) => return Err(broken(stored.name(), format!("it is {what}"))),
        }
        let (archive, mut notes) = Archive::open(stored)?;
        let found = find::in_archive(&archive, &mut notes)?;
        Self::read(Box::new(archive), found, notes)
    }

    /// A descriptor and the files beside it, wherever they are.
    pub fn of_files(files: Box<dyn Files>, descriptor: String) -> Result<Self> {
        let mut notes = Vec::new();
        let found = find::beside(files.as_ref(), descriptor, &mut notes)?;
        Self::read(files, found, notes)
    }

    fn read(files: Box<dyn Files>, found: Found, notes: Vec<String>) -> Result<Self> {
        let descriptor = whole(files.as_ref(), &found.descriptor, limits::DESCRIPTOR)?;
        let manifest = match &found.manifest {
            Some(name) => Some(whole(files.as_ref(), name, limits::MANIFEST)?),
            None => None,
        };
        Ok(Self {
            files,
            found,
            descriptor,
            manifest,
            notes,
        })
    }

    /// The name for messages.
    pub fn name(&self) -> String {
        self.files.name()
    }

    /// The descriptor's name, in the archive or the directory.
    pub fn descriptor_name(&self) -> &str {
        &self.found.descriptor
    }

    /// The descriptor as it is written.
    pub fn descriptor(&self) -> &Bytes {
        &self.descriptor
    }

    /// The name of the `.mf`.
    pub fn manifest_name(&self) -> Option<&str> {
        self.found.manifest.as_deref()
    }

    /// The `.mf` as it is written.
    pub fn manifest(&self) -> Option<&Bytes> {
        self.manifest.as_ref()
    }

    /// Whether there is a `.cert`.
    pub fn has_certificate(&self) -> bool {
        self.found.has_certificate
    }

    /// All files, with their sizes; empty where nobody can list them.
    pub fn members(&self) -> Vec<(String, u64)> {
        self.files.list()
    }

    /// What is odd about it, for people.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether an `href` means the descriptor itself.
    pub fn is_descriptor(&self, href: &str) -> bool {
        let names = href::names(href).unwrap_or_default();
        let found = &self.found;
        names
            .iter()
            .any(|name| found.beside(name) == found.descriptor)
    }

    /// The bytes of the file that an `href` of the descriptor, or a name in the `.mf`, means; `None`
    /// where it is not there.
    pub fn find(&self, href: &str) -> Result<Option<Slice>> {
        let names = href::names(href).map_err(|reason| Error::UnsafeMember {
            what: self.name().into(),
            name: href.into(),
            reason: reason.into(),
        })?;
        for name in &names {
            let found = self.files.find(&self.found.beside(name))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The bytes of a `File` of the descriptor by its pieces, each with its name; `size` is what the
    /// descriptor says that they are together.
    pub fn pieces(
        &self,
        href: &str,
        chunk_size: Option<u64>,
        size: Option<u64>,
    ) -> Result<Vec<(String, Slice)>> {
        if let Some(chunk_size) = chunk_size {
            return chunks::pieces(self, href, chunk_size, size);
        }
        let slice = self.find(href)?.ok_or_else(|| self.missing(href))?;
        Ok(vec![(href.to_owned(), slice)])
    }

    /// The same as one.
    pub fn file(&self, href: &str, chunk_size: Option<u64>, size: Option<u64>) -> Result<Slice> {
        let mut pieces = self.pieces(href, chunk_size, size)?;
        match (pieces.pop(), pieces.is_empty()) {
            (Some((_, only)), true) => Ok(only),
            (last, _) => {
                pieces.extend(last);
                Ok(chunks::join(self, href, pieces))
            }
        }
    }

    fn missing(&self, name: &str) -> Error {
        let name = ServerText::from(name);
        broken(self.name(), format!("the file '{name}' is missing"))
    }
}

/// Whether something stored is a descriptor, by its first bytes.
pub fn is_descriptor(stored: &dyn Stored) -> Result<bool> {
    Ok(look(stored)? == Look::Descriptor)
}

/// The path of a descriptor; of a link what it leads to, which has the files beside it.
fn real(path: &Path) -> Result<PathBuf> {
    if !fs::symlink_metadata(path).is_ok_and(|entry| entry.is_symlink()) {
        return Ok(path.to_owned());
    }
    fs::canonicalize(path).map_err(|error| Error::io(path, error))
}

fn look(stored: &dyn Stored) -> Result<Look> {
    let mut head = Vec::new();
    let mut reader = stored.open(0, 512)?;
    let read = reader.by_ref().take(512).read_to_end(&mut head);
    read.map_err(|error| reader.error(error))?;
    Ok(sniff::look(&head))
}

fn whole(files: &dyn Files, name: &str, limit: Limit) -> Result<Bytes> {
    let shown = ServerText::from(name);
    let slice = files.find(name)?;
    let slice = slice.ok_or_else(|| broken(files.name(), format!("'{shown}' is missing")))?;
    limit.check(format!("{}: {shown}", files.name()), slice.length)?;
    slice.read(0, slice.length).map(Bytes::from)
}

fn broken(what: impl Into<Text>, reason: String) -> Error {
    Error::Package {
        what: what.into(),
        reason: reason.into(),
    }
}
