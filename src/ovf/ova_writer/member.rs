//! One member while it comes: straight into the archive where it is the next one, else beside it.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::archive::Archive;
use super::shared::Shared;
use super::turns::Turn;
use crate::error::{Error, Result};
use crate::io::again::{self, Again};
use crate::io::part::Part;
use crate::io::writes::Writes;
use crate::io::{ChecksumType, Sink, Wait};
use crate::text::Place;

/// The sink of one member.
pub(super) struct Member {
    shared: Arc<Shared>,
    /// Which of the members it is.
    index: usize,
    /// What log records of it are about.
    place: Arc<Place>,
    way: Way,
    /// Until it is whole or given up.
    turn: Option<Turn>,
    writes: Writes,
}

/// Where its bytes go.
enum Way {
    /// Nowhere yet: that is decided with the first of them.
    Open,
    /// To the archive's end.
    Straight(Held),
    /// To a file of its own, of so many bytes.
    Spooled(Part, u64),
    /// Nowhere any more.
    Closed,
}

impl Way {
    /// What is written.
    fn part(&mut self) -> Result<&mut Part> {
        match self {
            Self::Straight(held) => Ok(held.archive()?.part()),
            Self::Spooled(spool, _) => Ok(spool),
            Self::Open | Self::Closed => {
                Err(Error::internal("a member is written until it is whole"))
            }
        }
    }

    /// So many bytes were.
    fn wrote(&mut self, bytes: usize) -> Result<()> {
        match self {
            Self::Straight(held) => {
                held.archive()?.wrote(bytes as u64);
                held.shared.turns.went_straight(bytes);
            }
            Self::Spooled(_, size) => *size = size.saturating_add(bytes as u64),
            Self::Open | Self::Closed => {}
        }
        Ok(())
    }
}

/// The archive, which goes back to the others whatever happens.
struct Held {
    shared: Arc<Shared>,
    archive: Option<Archive>,
}

impl Held {
    fn new(shared: &Arc<Shared>, archive: Archive) -> Self {
        Self {
            shared: Arc::clone(shared),
            archive: Some(archive),
        }
    }

    fn archive(&mut self) -> Result<&mut Archive> {
        let archive = self.archive.as_mut();
        archive.ok_or_else(|| Error::internal("who holds an archive has it"))
    }

    /// Gives it back, after all members behind its end that are whole.
    fn give_back(mut self) -> Result<()> {
        while let Some(mut next) = self.shared.next_spooled(&mut self.archive) {
            let appended = self
                .archive()?
                .append(&next.name, &mut next.spool, next.size);
            if let Err(error) = appended {
                self.shared.fail(&error);
                return Err(error);
            }
            self.shared.place(next.index, next.spool.discard());
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(mut archive) = self.archive.take() {
            archive.take_back();
            self.shared.put(archive);
        }
    }
}

impl Member {
    pub(super) fn new(shared: Arc<Shared>, index: usize, place: Arc<Place>) -> Self {
        Self {
            shared,
            index,
            place,
            way: Way::Open,
            turn: None,
            writes: Writes::new("nfclease-ova"),
        }
    }

    /// Where it goes, from its first byte on.
    fn begin(&mut self) -> Result<&mut Way> {
        if matches!(self.way, Way::Open) {
            self.way = if let Some(archive) = self.shared.take_for(self.index)? {
                let mut held = Held::new(&self.shared, archive);
                held.archive()?.open()?;
                Way::Straight(held)
            } else {
                let path = self.shared.spool_path(self.index);
                Way::Spooled(Part::beside(&path, Arc::clone(&self.place))?, 0)
            };
        }
        Ok(&mut self.way)
    }

    fn forget(&mut self) -> Result<()> {
        match &mut self.way {
            Way::Straight(held) => held.archive()?.open(),
            Way::Spooled(spool, size) => {
                let restarted = again::restart(&mut spool.file, 0);
                restarted.map_err(|e| Error::io(spool.path(), e))?;
                *size = 0;
                Ok(())
            }
            Way::Open | Way::Closed => Ok(()),
        }
    }

    fn remove(&mut self) -> Vec<PathBuf> {
        self.turn = None;
        match std::mem::replace(&mut self.way, Way::Closed) {
            Way::Spooled(mut spool, _) => spool.discard(),
            // The archive goes back, and is the writer's to remove.
            Way::Straight(_) | Way::Open | Way::Closed => Vec::new(),
        }
    }

    fn read_again(&mut self) -> Result<Again> {
        match self.begin()? {
            Way::Straight(held) => held.archive()?.read_again(),
            Way::Spooled(spool, _) => {
                let path = spool.path();
                Again::begin(&mut spool.file, 0, path)
            }
            Way::Open | Way::Closed => Err(Error::internal("a member is read until it is whole")),
        }
    }
}

/// It is whole. The copies behind it may take long.
fn close(shared: &Arc<Shared>, index: usize, way: Way) -> Result<()> {
    match way {
        Way::Straight(mut held) => {
            if let Err(error) = held.archive()?.close(&shared.name(index)) {
                shared.fail(&error);
                return Err(error);
            }
            shared.place(index, Vec::new());
            held.give_back()
        }
        Way::Spooled(spool, size) => match shared.spooled(index, spool, size) {
            Some(archive) => Held::new(shared, archive).give_back(),
            // The member that has the archive appends it, or the next one to have it.
            None => Ok(()),
        },
        Way::Open | Way::Closed => Err(Error::internal("a member is whole once")),
    }
}

impl Sink for Member {
    fn turn(&mut self) -> Wait<'_, ()> {
        Wait::going(async { self.turn = Some(self.shared.turns.wait(self.index).await) })
    }

    fn expect(&mut self, bytes: u64) -> Result<()> {
        match self.begin()? {
            Way::Straight(held) => held.archive()?.expect(bytes),
            // It is there twice while it is appended.
            Way::Spooled(spool, _) => spool.expect(bytes.saturating_mul(2), &spool.path()),
            Way::Open | Way::Closed => Ok(()),
        }
    }

    fn write(&mut self, bytes: Bytes) -> Wait<'_, Result<()>> {
        if let Err(error) = self.begin() {
            return Wait::over(Err(error));
        }
        let Self { way, writes, .. } = self;
        let count = bytes.len();
        match way.part() {
            Ok(part) => writes.write(part, bytes).and_then(move || way.wrote(count)),
            Err(error) => Wait::over(Err(error)),
        }
    }

    fn restart(&mut self) -> Wait<'_, Result<()>> {
        if !self.writes.may_go_on() {
            return Wait::over(self.forget());
        }
        Wait::going(async {
            self.writes.settled().await;
            self.forget()
        })
    }

    fn digest(&mut self, checksum_type: ChecksumType) -> Wait<'_, Result<Option<String>>> {
        Wait::going(async move {
            let reading = self.read_again()?;
            let digest = reading.digest(checksum_type, self.writes.aside()).await?;
            Ok(Some(digest))
        })
    }

    fn commit(&mut self) -> Wait<'_, Result<()>> {
        Wait::going(async {
            self.begin()?;
            let way = std::mem::replace(&mut self.way, Way::Closed);
            let (shared, index) = (Arc::clone(&self.shared), self.index);
            let closed = self
                .writes
                .aside()
                .run(move || close(&shared, index, way))
                .await;
            self.turn = None;
            closed?
        })
    }

    fn discard(&mut self) -> Wait<'_, Vec<PathBuf>> {
        if !self.writes.may_go_on() {
            return Wait::over(self.remove());
        }
        Wait::going(async {
            self.writes.settled().await;
            self.remove()
        })
    }
}
