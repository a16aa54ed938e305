//! What the members of one archive share: whose turn it is at its end.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::archive::Archive;
use super::turns::Turns;
use crate::error::{Error, Result};
use crate::io::part::Part;
use crate::sync::lock;

/// The lock is never held while bytes move.
pub(super) struct Shared {
    state: Mutex<State>,
    /// When each begins.
    pub(super) turns: Arc<Turns>,
    /// Told when the archive comes back.
    returned: Condvar,
    /// What the files of spooled members are called after.
    beside: PathBuf,
}

struct State {
    /// Not there while a member has it, and never where the target cannot seek.
    archive: Option<Archive>,
    is_lent: bool,
    members: Vec<(String, Place)>,
    /// How many there were.
    added: usize,
    /// The first that is not in the archive.
    next: usize,
    /// Nothing can become of the archive any more.
    failed: Option<Error>,
    is_discarded: bool,
    /// Files that could not be removed.
    left: Vec<PathBuf>,
}

/// Where a member is.
enum Place {
    /// On its way, or not begun.
    Coming,
    /// Whole, in a file of its own of so many bytes.
    Spooled(Part, u64),
    /// In the archive.
    Placed,
}

/// A whole member that is not in the archive.
pub(super) struct Spooled {
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) spool: Part,
    pub(super) size: u64,
}

impl Shared {
    pub(super) fn new(archive: Option<Archive>, beside: PathBuf) -> Self {
        Self {
            turns: Turns::new(archive.is_some()),
            state: Mutex::new(State {
                archive,
                is_lent: false,
                members: Vec::new(),
                added: 0,
                next: 0,
                failed: None,
                is_discarded: false,
                left: Vec::new(),
            }),
            returned: Condvar::new(),
            beside,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Does something with the archive while no member has begun.
    pub(super) fn with_archive(&self, work: impl FnOnce(&mut Archive) -> Result<()>) -> Result<()> {
        self.lock().archive.as_mut().map_or(Ok(()), work)
    }

    /// One more member, behind those before.
    pub(super) fn add(&self, name: &str) -> usize {
        let mut state = self.lock();
        let index = state.added;
        state.added = index.saturating_add(1);
        state.members.push((name.to_owned(), Place::Coming));
        index
    }

    /// The names of all.
    pub(super) fn names(&self) -> Vec<String> {
        let state = self.lock();
        state.members.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The name of one.
    pub(super) fn name(&self, index: usize) -> String {
        let state = self.lock();
        let member = state.members.get(index);
        member.map(|(name, _)| name.clone()).unwrap_or_default()
    }

    /// Where a member is spooled.
    pub(super) fn spool_path(&self, index: usize) -> PathBuf {
        let mut name = OsString::from(&self.beside);
        name.push(format!(".{index}.part"));
        name.into()
    }

    /// What may lie on the disk before it is finished.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let mut archive = OsString::from(&self.beside);
        archive.push(".part");
        let spools = (0..self.lock().added).map(|index| self.spool_path(index));
        std::iter::once(archive.into()).chain(spools).collect()
    }

    /// The archive for a member that begins, where it is the next one.
    pub(super) fn take_for(&self, index: usize) -> Result<Option<Archive>> {
        let mut state = self.lock();
        state.check()?;
        if state.next == index {
            return Ok(state.lend());
        }
        Ok(None)
    }

    /// A member is whole beside the archive, which comes along where nobody has it and it may be
    /// appended.
    pub(super) fn spooled(&self, index: usize, spool: Part, size: u64) -> Option<Archive> {
        let mut state = self.lock();
        state.set(index, Place::Spooled(spool, size));
        let is_next = matches!(state.place(state.next), Some(Place::Spooled(..)));
        is_next.then(|| state.lend()).flatten()
    }

    /// The next member that is whole beside the archive; else that goes back, in the same step.
    pub(super) fn next_spooled(&self, archive: &mut Option<Archive>) -> Option<Spooled> {
        let mut state = self.lock();
        let index = state.next;
        if let Some((name, place @ Place::Spooled(..))) = state.members.get_mut(index)
            && let Place::Spooled(spool, size) = std::mem::replace(place, Place::Coming)
        {
            let name = name.clone();
            return Some(Spooled {
                index,
                name,
                spool,
                size,
            });
        }
        if let Some(archive) = archive.take() {
            self.take_back(&mut state, archive);
        }
        None
    }

    /// A member is in the archive; of its own file that is left.
    pub(super) fn place(&self, index: usize, left: Vec<PathBuf>) {
        let mut state = self.lock();
        state.set(index, Place::Placed);
        state.left.extend(left);
        while matches!(state.place(state.next), Some(Place::Placed)) {
            state.next = state.next.saturating_add(1);
        }
    }

    /// The archive comes back.
    pub(super) fn put(&self, archive: Archive) {
        self.take_back(&mut self.lock(), archive);
    }

    fn take_back(&self, state: &mut State, mut archive: Archive) {
        state.is_lent = false;
        if state.is_discarded {
            state.left.extend(archive.discard());
        } else {
            state.archive = Some(archive);
            self.turns.next(state.next);
        }
        self.returned.notify_all();
    }

    /// Nothing can become of the archive any more.
    pub(super) fn fail(&self, error: &Error) {
        self.lock().failed.get_or_insert_with(|| error.clone());
        self.turns.over();
    }

    /// The archive with all members, to be finished.
    pub(super) fn take_whole(&self) -> Result<Option<Archive>> {
        let mut state = self.lock();
        state.check()?;
        let is_missing = |(_, place): &&(String, Place)| matches!(place, Place::Coming);
        if let Some((name, _)) = state.members.iter().find(is_missing) {
            return Err(Error::internal(format!(
                "{name} is whole before its archive"
            )));
        }
        Ok(state.lend())
    }

    /// All members in order, if none is in an archive. Their new owner says when they are removed.
    pub(super) fn take_spools(&self) -> Vec<Spooled> {
        let mut state = self.lock();
        state.is_lent = true;
        let members = std::mem::take(&mut state.members);
        let spooled = members.into_iter().enumerate();
        spooled
            .filter_map(|(index, (name, place))| match place {
                Place::Spooled(spool, size) => Some(Spooled {
                    index,
                    name,
                    spool,
                    size,
                }),
                Place::Coming | Place::Placed => None,
            })
            .collect()
    }

    /// None of them is there any more.
    pub(super) fn spools_gone(&self) {
        self.lock().is_lent = false;
        self.returned.notify_all();
    }

    /// Refuses to go on where nothing can become of the archive.
    pub(super) fn check(&self) -> Result<()> {
        self.lock().check()
    }

    /// Gives the archive its name, unless it was discarded: one of the two happens, and not both.
    pub(super) fn publish(&self, archive: &mut Archive) -> Result<()> {
        let state = self.lock();
        state.check()?;
        archive.publish()
    }

    /// Removes all of it; waits so long for the member that has the archive. Returns what could not
    /// be removed, and whether a member still has the archive and will remove it.
    pub(super) fn discard(&self, patience: Duration) -> (Vec<PathBuf>, bool) {
        let mut state = self.lock();
        state.is_discarded = true;
        self.turns.over();
        if let Some(mut archive) = state.archive.take() {
            state.left.extend(archive.discard());
        }
        for (_, place) in std::mem::take(&mut state.members) {
            if let Place::Spooled(mut spool, _) = place {
                state.left.extend(spool.discard());
            }
        }
        let waited = self
            .returned
            .wait_timeout_while(state, patience, |state| state.is_lent);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut state.left), state.is_lent)
    }
}

impl State {
    fn check(&self) -> Result<()> {
        if self.is_discarded {
            return Err(Error::Cancelled);
        }
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn lend(&mut self) -> Option<Archive> {
        let archive = self.archive.take();
        self.is_lent |= archive.is_some();
        archive
    }

    fn place(&self, index: usize) -> Option<&Place> {
        self.members.get(index).map(|(_, place)| place)
    }

    fn set(&mut self, index: usize, to: Place) {
        if let Some((_, place)) = self.members.get_mut(index) {
            *place = to;
        }
    }
}
