//! An OVA that is written in one pass: descriptor, manifest file, files, in this order, though the
//! first two are known last.
//!
//! A slot in front waits for them. The first file that is not in the archive goes straight into it;
//! others that come meanwhile are spooled beside it, and appended when their turn is there (`turns`
//! says when they come). A target that cannot go back gets all of it at the end.

mod archive;
mod member;
mod shared;
mod stream;
#[cfg(test)]
mod tests;
mod turns;
mod whole;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use self::archive::{Archive, push_entry};
use self::member::Member;
use self::shared::Shared;
pub use self::whole::KnownSum;
use crate::error::{Error, Result};
use crate::io::names::safe_names;
use crate::io::staged::Staged;
use crate::io::{Overwrite, Sink};
use crate::ovf::tar::write::{entry, header};
use crate::sync::lock;
use crate::text::Place;
use crate::threads::Aside;

/// How long a discard waits for a file system that is busy with the archive.
const PATIENCE: Duration = Duration::from_secs(4);

/// No descriptor that any product takes is longer.
const LARGEST_SLOT: u64 = 64 << 20;

/// The names of what comes first, and the bytes that are kept free for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// The descriptor. A shorter one is padded with line ends.
    pub descriptor: (String, u64),
    /// The manifest file, whose size is known beforehand.
    pub manifest: Option<(String, u64)>,
}

/// An OVA while it is written.
pub struct OvaWriter {
    shared: Arc<Shared>,
    target: Target,
    slots: OnceLock<Slots>,
}

/// Where it goes.
enum Target {
    /// To a file that gets its name at the end.
    File,
    /// To what cannot go back; `None` once it has it.
    Stream(Mutex<Option<Box<dyn Sink>>>),
}

/// Descriptor and manifest file as they are to be.
struct Texts {
    descriptor: (String, Vec<u8>),
    manifest: Option<(String, Vec<u8>)>,
}

impl Texts {
    /// Both with their headers.
    fn front(&self, mtime: u64) -> Result<Vec<u8>> {
        let mut front = Vec::new();
        let (name, bytes) = &self.descriptor;
        push_entry(&mut front, name, bytes, mtime)?;
        if let Some((name, bytes)) = &self.manifest {
            push_entry(&mut front, name, bytes, mtime)?;
        }
        Ok(front)
    }
}

impl OvaWriter {
    /// Creates `target.part` beside `target`, as a download to a file does. `place` is what log
    /// records of it are about.
    pub fn create(target: &Path, overwrite: Overwrite, place: Arc<Place>) -> Result<Self> {
        let archive = Archive::new(Staged::create(target, overwrite, place)?);
        let shared = Shared::new(Some(archive), target.to_owned());
        Ok(Self::new(shared, Target::File))
    }

    /// Writes to what cannot go back: all files are spooled in this directory first.
    pub fn of_stream(sink: Box<dyn Sink>, directory: &Path) -> Self {
        let (pid, number) = (std::process::id(), fastrand::u64(..));
        let beside = directory.join(format!("nfclease-{pid}-{number:016x}"));
        let target = Target::Stream(Mutex::new(Some(sink)));
        Self::new(Shared::new(None, beside), target)
    }

    fn new(shared: Shared, target: Target) -> Self {
        Self {
            shared: Arc::new(shared),
            target,
            slots: OnceLock::new(),
        }
    }

    /// Keeps the slots free. Called once, before the first member.
    pub fn reserve(&self, slots: Slots) -> Result<()> {
        let mut front = 0_u64;
        for (name, bytes) in std::iter::once(&slots.descriptor).chain(&slots.manifest) {
            check_name(name)?;
            if *bytes > LARGEST_SLOT {
                return Err(Error::LimitExceeded {
                    what: name.into(),
                    limit: "size of a package's descriptor or manifest file",
                    allowed: LARGEST_SLOT,
                    seen: *bytes,
                });
            }
            front = front.saturating_add(entry(*bytes)?);
        }
        let reserved = self.slots.set(slots);
        reserved.map_err(|_| Error::internal("slots are reserved once"))?;
        self.shared.with_archive(|archive| archive.reserve(front))
    }

    /// A descriptor as it will be written, whose sum is the manifest file's.
    pub fn padded(&self, mut descriptor: Vec<u8>) -> Result<Vec<u8>> {
        let slot = usize::try_from(self.slots()?.descriptor.1).unwrap_or_default();
        if matches!(self.target, Target::File) && descriptor.len() < slot {
            // White space after the root element is XML's.
            descriptor.resize(slot, b'\n');
        }
        Ok(descriptor)
    }

    /// The next file, which is in the archive behind those that were asked for before.
    pub fn member(&self, name: &str) -> Result<usize> {
        check_name(name)?;
        let slots = self.slots()?;
        let mut names = self.shared.names();
        names.push(slots.descriptor.0.clone());
        names.extend(slots.manifest.iter().map(|(name, _)| name.clone()));
        names.push(name.to_owned());
        safe_names(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(self.shared.add(name))
    }

    /// Where the bytes of a member go. One for each.
    pub fn sink(&self, member: usize, place: Arc<Place>) -> Box<dyn Sink> {
        Box::new(Member::new(Arc::clone(&self.shared), member, place))
    }

    /// The next file, which is whole already: it is digested while it is copied, and refused where it
    /// is not what it was.
    pub async fn append(
        &self,
        name: &str,
        source: &Path,
        known: &KnownSum,
        place: Arc<Place>,
    ) -> Result<()> {
        let mut sink = self.sink(self.member(name)?, place);
        let copied = whole::copy_known((name, source), known, sink.as_mut(), &self.shared).await;
        let ended = match copied {
            Ok(()) => sink.commit().await,
            Err(error) => Err(error),
        };
        if ended.is_err() {
            sink.discard().await;
        }
        ended
    }

    /// Writes descriptor and manifest file, and makes all of it durable; `publish` gives it its name.
    /// A descriptor that is larger than its slot costs one more pass.
    pub async fn finish(&self, descriptor: Vec<u8>, manifest: Option<Vec<u8>>) -> Result<()> {
        let slots = self.slots()?;
        let manifest = match (&slots.manifest, manifest) {
            (Some((name, _)), Some(bytes)) => Some((name.clone(), bytes)),
            (None, Some(_)) => return Err(Error::internal("a manifest file has a name")),
            (_, None) => None,
        };
        let texts = Texts {
            descriptor: (slots.descriptor.0.clone(), self.padded(descriptor)?),
            manifest,
        };
        let archive = self.shared.take_whole()?;
        let mut aside = Aside::shared("nfclease-ova");
        let Some(archive) = archive else {
            return self.finish_stream(&texts, aside).await;
        };
        let shared = Arc::clone(&self.shared);
        let work = move || {
            let mut archive = archive;
            let finished = archive.finish(&texts);
            shared.put(archive);
            finished
        };
        aside.run(work).await?
    }

    /// Gives what was finished its name; a stream has none.
    pub async fn publish(&self) -> Result<()> {
        let Some(mut archive) = self.shared.take_whole()? else {
            return Ok(());
        };
        let shared = Arc::clone(&self.shared);
        let work = move || {
            let named = shared.publish(&mut archive);
            // What has its name is not removed by a discard.
            shared.put(archive);
            named
        };
        Aside::shared("nfclease-ova").run(work).await?
    }

    async fn finish_stream(&self, texts: &Texts, aside: Aside) -> Result<()> {
        let sink = match &self.target {
            Target::Stream(sink) => lock(sink).take(),
            Target::File => None,
        };
        let Some(sink) = sink else {
            return Err(Error::internal("an archive is finished once"));
        };
        let written = stream::write(sink, texts, &self.shared, aside).await;
        self.shared.spools_gone();
        written
    }

    /// Removes all that was written, and stops what is still written; returns what may still be
    /// there. What has its name stays.
    pub fn discard(&self) -> Vec<PathBuf> {
        let (mut left, is_had) = self.shared.discard(PATIENCE);
        if is_had {
            left.extend(self.shared.paths().into_iter().filter(|path| path.exists()));
        }
        left
    }

    fn slots(&self) -> Result<&Slots> {
        let slots = self.slots.get();
        slots.ok_or_else(|| Error::internal("slots are reserved before the first member"))
    }
}

/// What an archive can have.
fn check_name(name: &str) -> Result<()> {
    safe_names(&[name])?;
    header(name, 0, 0).map(|_| ())
}
