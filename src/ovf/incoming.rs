//! A package that arrives in order and is read once: a pipe, an iterator, a server without Range.
//!
//! The descriptor comes first, as DSP0243 demands. The manifest file may stand beside it or last.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::href;
use super::limits;
use super::once::Once;
use super::saving::Saving;
use super::tar::scan::Member;
use super::tar::stream::TarStream;
use crate::error::{Error, Result};
use crate::io::{Reader, ReaderSource, Slice, Source};
use crate::sync::lock;
use crate::text::ServerText;

/// The package, as far as it has come. Cheap to clone.
#[derive(Clone)]
pub struct Incoming(Arc<Inner>);

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Its name in the archive.
    pub descriptor_name: String,
    /// As it is.
    pub descriptor: Vec<u8>,
    /// The manifest file, once it came.
    pub manifest: Option<(String, Vec<u8>)>,
    /// Whether a certificate came.
    pub certificate: bool,
    /// Name and size of each member, the descriptor included.
    pub members: Vec<(String, u64)>,
    /// What is odd about it.
    pub notes: Vec<String>,
}

struct Inner {
    name: String,
    /// Held while the stream is waited for.
    state: Mutex<State>,
    /// Never held for long: a caller looks while another waits.
    seen: Mutex<Seen>,
    /// Never held while the stream is waited for.
    saving: Mutex<Saving>,
}

struct State {
    stream: TarStream,
    /// Its header was read, and of its bytes nothing.
    waiting: Option<Member>,
    /// Counts the members that were asked for: the reader of an earlier one is at its end.
    turn: u64,
}

impl Incoming {
    /// Reads to the descriptor, and to the manifest file where that stands beside it. Waits.
    pub fn open(reader: Box<dyn Reader>, name: String) -> Result<Self> {
        let state = State {
            stream: TarStream::new(reader, name.clone()),
            waiting: None,
            turn: 0,
        };
        let inner = Inner {
            name,
            state: Mutex::new(state),
            seen: Mutex::default(),
            saving: Mutex::default(),
        };
        {
            let mut state = lock(&inner.state);
            while state.waiting.is_none()
                && let Some(member) = inner.next(&mut state)?
            {
                state.waiting = inner.take(&mut state, member)?;
            }
        }
        if lock(&inner.seen).descriptor_name.is_empty() {
            return Err(inner.broken("it has no .ovf member"));
        }
        Ok(Self(Arc::new(inner)))
    }

    /// The name for messages.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What has come of it.
    pub fn seen(&self) -> Seen {
        lock(&self.0.seen).clone()
    }

    /// The member that an `href` of the descriptor means, for one upload. What comes before it is
    /// passed over. Waits for the stream.
    pub fn source(&self, href: &str) -> Result<Box<dyn Source>> {
        let (reader, length) = self.member(href)?;
        Ok(Box::new(ReaderSource::new(Box::new(reader), length)))
    }

    /// The same as a part that is read once.
    pub fn slice(&self, href: &str) -> Result<Slice> {
        let (reader, length) = self.member(href)?;
        let name = format!("{}: {}", self.0.name, reader.name.display());
        Ok(Slice::all(Arc::new(Once::new(
            name,
            length,
            Box::new(reader),
        ))))
    }

    fn member(&self, href: &str) -> Result<(MemberReader, u64)> {
        let mut state = lock(&self.0.state);
        let wanted = self.0.names(href)?;
        let member = self.0.find(&mut state, &wanted)?;
        state.turn = state.turn.saturating_add(1);
        let reader = MemberReader {
            package: self.clone(),
            turn: state.turn,
            name: member.name.into(),
            error: None,
        };
        Ok((reader, member.size))
    }

    /// Writes the descriptor, what came beside it and all files that are still to come into a
    /// directory, under their own names. Waits for the stream.
    pub fn save(&self, directory: &Path) -> Result<()> {
        let saved = self.save_all(directory);
        lock(&self.0.saving).close();
        saved
    }

    fn save_all(&self, directory: &Path) -> Result<()> {
        let saving = || lock(&self.0.saving);
        let mut state = lock(&self.0.state);
        state.turn = state.turn.saturating_add(1);
        let mut next = state.waiting.take();
        loop {
            if let Some(member) = &next {
                saving().create(directory, &member.name)?;
                let mut buffer = vec![0; 256 * 1024];
                while let count @ 1.. = state.stream.read(&mut buffer)? {
                    saving().write(buffer.get(..count).unwrap_or_default())?;
                }
            }
            let Some(member) = self.0.next(&mut state)? else {
                break;
            };
            next = self.0.take(&mut state, member)?;
        }
        let seen = self.seen();
        let own = [(seen.descriptor_name, seen.descriptor)];
        for (name, bytes) in own.into_iter().chain(seen.manifest) {
            let mut saving = saving();
            saving.create(directory, &name)?;
            saving.write(&bytes)?;
        }
        Ok(())
    }

    /// Ends a [`save`](Self::save) as cancelled, now or later: once this returns, it makes and
    /// writes nothing more, so that its directory can be removed. Waits for the disk, and not for
    /// the stream, whose next bytes may never come.
    pub fn stop_saving(&self) {
        lock(&self.0.saving).stop();
    }

    /// Reads to the end, where the manifest file may be. Waits for the stream.
    pub fn finish(&self) -> Result<()> {
        let mut state = lock(&self.0.state);
        state.turn = state.turn.saturating_add(1);
        state.waiting = None;
        while let Some(member) = self.0.next(&mut state)? {
            self.0.take(&mut state, member)?;
        }
        Ok(())
    }
}

impl Inner {
    /// The next member. None may come twice: readers disagree which counts.
    fn next(&self, state: &mut State) -> Result<Option<Member>> {
        let next = state.stream.next();
        let mut seen = lock(&self.seen);
        seen.notes = state.stream.notes().to_vec();
        let Some(member) = next? else {
            return Ok(None);
        };
        let name = ServerText::from(&member.name);
        if seen.members.iter().any(|(name, _)| *name == member.name) {
            return Err(self.broken(&format!(
                "the member '{name}' is there twice, and readers disagree which counts"
            )));
        }
        seen.members.push((member.name.clone(), member.size));
        match member.flaw {
            Some(flaw) => Err(self.broken(&format!("the member '{name}' cannot be read: {flaw}"))),
            None => Ok(Some(member)),
        }
    }

    /// Reads what is the package's own; gives back any other member.
    fn take(&self, state: &mut State, member: Member) -> Result<Option<Member>> {
        let is = |extension: &str| has_extension(&member.name, extension);
        let (has_descriptor, has_manifest) = {
            let seen = lock(&self.seen);
            (!seen.descriptor_name.is_empty(), seen.manifest.is_some())
        };
        if is("ovf") && !has_descriptor {
            let descriptor = state.stream.all(limits::DESCRIPTOR)?;
            let mut seen = lock(&self.seen);
            (seen.descriptor_name, seen.descriptor) = (member.name, descriptor);
        } else if is("mf") && !has_manifest {
            let bytes = state.stream.all(limits::MANIFEST)?;
            lock(&self.seen).manifest = Some((member.name, bytes));
        } else if is("cert") {
            lock(&self.seen).certificate = true;
        } else if has_descriptor {
            return Ok(Some(member));
        } else {
            let name = ServerText::from(&member.name);
            return Err(self.broken(&format!(
                "'{name}' comes before the descriptor, and a stream cannot go back: save it to a \
                 file first"
            )));
        }
        Ok(None)
    }

    /// Goes on to a member.
    fn find(&self, state: &mut State, wanted: &[String]) -> Result<Member> {
        if let Some(member) = state.waiting.take()
            && wanted.contains(&member.name)
        {
            return Ok(member);
        }
        let name = ServerText::from(wanted.first().map_or("", |name| name));
        if (lock(&self.seen).members.iter()).any(|(name, _)| wanted.contains(name)) {
            return Err(self.broken(&format!(
                "'{name}' has gone by: a stream is read once, in order, and another file was needed \
                 before it; save it to a file first"
            )));
        }
        while let Some(member) = self.next(state)? {
            match self.take(state, member)? {
                Some(member) if wanted.contains(&member.name) => return Ok(member),
                _ => {}
            }
        }
        Err(self.broken(&format!("it ended, and '{name}' did not come")))
    }

    /// What an `href` may mean, each beside the descriptor.
    fn names(&self, href: &str) -> Result<Vec<String>> {
        let names = href::names(href).map_err(|reason| Error::UnsafeMember {
            what: (&self.name).into(),
            name: href.into(),
            reason: reason.into(),
        })?;
        let descriptor = lock(&self.seen).descriptor_name.clone();
        let folder = descriptor.rsplit_once('/');
        let folder = folder.map_or_else(String::new, |(folder, _)| format!("{folder}/"));
        let full = names.into_iter().map(|name| format!("{folder}{name}"));
        Ok(full.collect())
    }

    fn broken(&self, reason: &str) -> Error {
        Error::Package {
            what: (&self.name).into(),
            reason: reason.into(),
        }
    }
}

fn has_extension(name: &str, wanted: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// The bytes of one member, as long as no other is asked for.
struct MemberReader {
    package: Incoming,
    turn: u64,
    name: PathBuf,
    error: Option<Error>,
}

impl io::Read for MemberReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = lock(&self.package.0.state);
        let read = if state.turn == self.turn {
            state.stream.read(buffer)
        } else {
            Err(state
                .stream
                .package("another member was asked for before this one had ended"))
        };
        drop(state);
        read.map_err(|error| {
            self.error = Some(error);
            io::ErrorKind::Other.into()
        })
    }
}

impl Reader for MemberReader {
    fn name(&self) -> PathBuf {
        self.name.clone()
    }

    fn kept(&mut self) -> Option<Error> {
        self.error.take()
    }
}
