//! Writes to a local disk. One that does not keep up slows its own transfer, and no other.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::part::Part;
use super::sink::Wait;
use crate::error::{Error, Result};
use crate::threads::Aside;

/// A write that takes so long holds up the other transfers of its thread.
const SLOW: Duration = Duration::from_millis(20);

/// After so many quick writes in a row the disk counts as quick again.
const QUICK_WRITES: u32 = 64;

/// After so many bytes the system is told to begin with what it has not on the disk yet: it would wait
/// for much more, and an export for all of that at its end.
const BEHIND: u64 = 8 << 20;

/// Writes to one file: in place while the disk is quick, aside while it is not. Where such a write
/// takes long because of the disk, and not because the processors are busy, it has a thread of its own.
///
/// A write that nobody waits for any more goes on. `settled` waits for it.
pub(crate) struct Writes {
    aside: Aside,
    /// Quick writes that are missing before the disk counts as quick again; 0 while it does.
    missing: u32,
    /// The file while the disk is slow. Without a descriptor for it, writes stay in place.
    file: Option<Arc<File>>,
    /// Bytes that the system was not told to put on the disk.
    behind: u64,
}

impl Writes {
    /// Nothing is written yet, and no thread started.
    pub(crate) fn new(thread: &'static str) -> Self {
        Self {
            aside: Aside::shared(thread),
            missing: 0,
            file: None,
            behind: 0,
        }
    }

    /// For other work on the file, which begins when what was written before is there.
    pub(crate) fn aside(&mut self) -> &mut Aside {
        &mut self.aside
    }

    /// Writes where the file stands.
    pub(crate) fn write(&mut self, part: &mut Part, bytes: Bytes) -> Wait<'_, Result<()>> {
        let behind = self.count_behind(bytes.len());
        let Some(file) = self.file.clone() else {
            let (written, took) = timed(&part.file, &bytes, behind);
            self.count(took);
            if self.missing > 0 {
                self.file = part.file.try_clone().ok().map(Arc::new);
            }
            return Wait::over(written.map_err(|e| Error::io(part.path(), e)));
        };
        let path = part.path();
        Wait::going(async move {
            let is_alone = self.aside.is_alone();
            let work = move || {
                let before = if is_alone { None } else { waits() };
                let (written, took) = timed(&file, &bytes, behind);
                let is_slow = took >= SLOW && (before.is_none() || waits() != before);
                (written, took, is_slow)
            };
            let (written, took, is_slow) = self.aside.run(work).await?;
            self.count(took);
            if self.missing == 0 {
                self.file = None;
            }
            self.aside
                .set_alone(self.missing > 0 && (is_alone || is_slow));
            written.map_err(|e| Error::io(path, e))
        })
    }

    /// Whether a write may still be under way that nobody waits for.
    pub(crate) fn may_go_on(&self) -> bool {
        self.file.is_some()
    }

    /// Waits until nothing is under way.
    pub(crate) async fn settled(&mut self) {
        if self.may_go_on() {
            // How it ended is told to nobody: the transfer was given up.
            let _ = self.aside.run(|| ()).await;
        }
    }

    /// How much the system is to begin with after this write, if it is time.
    fn count_behind(&mut self, length: usize) -> Option<u64> {
        self.behind = self.behind.saturating_add(length as u64);
        (self.behind >= BEHIND).then(|| std::mem::take(&mut self.behind))
    }

    fn count(&mut self, took: Duration) {
        self.missing = if took >= SLOW {
            QUICK_WRITES
        } else {
            self.missing.saturating_sub(1)
        };
    }
}

fn timed(mut file: &File, bytes: &[u8], behind: Option<u64>) -> (io::Result<()>, Duration) {
    let started = Instant::now();
    let written = file.write_all(bytes);
    if let (Ok(()), Some(behind)) = (&written, behind) {
        start_writing_back(file, behind);
    }
    (written, started.elapsed())
}

/// How often this thread has waited for anything but a processor; None where the system does not say.
fn waits() -> Option<u64> {
    let status = fs::read_to_string("/proc/thread-self/status").ok()?;
    let of = |line: &str| {
        line.strip_prefix("voluntary_ctxt_switches:")
            .map(str::to_owned)
    };
    status.lines().find_map(of)?.trim().parse().ok()
}

/// Linux begins to write what it is told is not needed; what is not on the disk yet stays in memory.
#[cfg(target_os = "linux")]
fn start_writing_back(mut file: &File, length: u64) {
    use rustix::fs::{Advice, fadvise};
    if let Ok(end) = io::Seek::stream_position(&mut file) {
        let start = end.saturating_sub(length);
        // Where it cannot, all is written at the end.
        let _ = fadvise(
            file,
            start,
            std::num::NonZero::new(length),
            Advice::DontNeed,
        );
    }
}

#[cfg(not(target_os = "linux"))]
fn start_writing_back(_file: &File, _length: u64) {}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test has a runtime of its own")]
mod tests {
    use std::path::Path;
    use std::sync::mpsc;

    use super::*;

    fn part(directory: &Path) -> Part {
        Part::beside(&directory.join("disk"), Arc::default()).unwrap()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_order_stays_whether_the_disk_is_slow_or_quick() {
        let root = tempfile::tempdir().unwrap();
        let (mut part, mut writes) = (part(root.path()), Writes::new("test"));
        let mut expected = Vec::new();
        for number in 0..400_u16 {
            if number == 100 {
                writes.missing = QUICK_WRITES;
            }
            let piece = number.to_le_bytes();
            expected.extend(piece);
            let write = writes.write(&mut part, Bytes::copy_from_slice(&piece));
            write.await.unwrap();
        }
        assert_eq!(fs::read(root.path().join("disk")).unwrap(), expected);
        assert_eq!((writes.missing, writes.may_go_on()), (0, false));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_slow_disk_holds_up_no_other_task() {
        let root = tempfile::tempdir().unwrap();
        let (mut part, mut writes) = (part(root.path()), Writes::new("test"));
        writes.count(SLOW);
        writes
            .write(&mut part, Bytes::from_static(b"one "))
            .await
            .unwrap();
        // The disk does not come back until another task of this thread has run.
        let (go_on, wait) = mpsc::channel::<()>();
        let hung = writes.aside.run(move || wait.recv().unwrap());
        let write = writes.write(&mut part, Bytes::from_static(b"two"));
        let (hung, written, ()) = tokio::join!(hung, write, async { go_on.send(()).unwrap() });
        hung.unwrap();
        written.unwrap();
        assert_eq!(fs::read(root.path().join("disk")).unwrap(), b"one two");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_disk_that_is_slow_again_and_again_has_a_thread_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let (mut part, mut writes) = (part(root.path()), Writes::new("test"));
        let piece = || Bytes::from_static(b"piece");
        writes.count(SLOW);
        writes.write(&mut part, piece()).await.unwrap();
        writes.write(&mut part, piece()).await.unwrap();
        assert!(writes.may_go_on() && !writes.aside.is_alone());
        writes.aside.set_alone(true);
        while writes.may_go_on() {
            assert!(writes.aside.is_alone());
            writes.write(&mut part, piece()).await.unwrap();
        }
        assert!(!writes.may_go_on() && !writes.aside.is_alone());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_wait_is_seen() {
        let before = waits().unwrap();
        std::thread::sleep(Duration::from_millis(1));
        assert!(waits().unwrap() > before);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_was_given_up_is_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let (mut part, mut writes) = (part(root.path()), Writes::new("test"));
        writes.count(SLOW);
        writes
            .write(&mut part, Bytes::from_static(b"one "))
            .await
            .unwrap();
        let (go_on, wait) = mpsc::channel::<()>();
        drop(writes.aside.run(move || wait.recv().unwrap()));
        let mut write = writes.write(&mut part, Bytes::from_static(b"two"));
        assert!(is_waited_for(&mut write).await);
        drop(write);
        go_on.send(()).unwrap();
        writes.settled().await;
        assert_eq!(fs::read(root.path().join("disk")).unwrap(), b"one two");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_goes_wrong_aside_is_told() {
        let root = tempfile::tempdir().unwrap();
        let (mut part, mut writes) = (part(root.path()), Writes::new("test"));
        writes.missing = QUICK_WRITES;
        // It is open for reading alone.
        writes.file = Some(Arc::new(File::open(root.path().join("disk")).unwrap()));
        let written = writes.write(&mut part, Bytes::from_static(b"one")).await;
        assert!(written.unwrap_err().to_string().contains("disk"));
        assert!(writes.may_go_on());
    }

    /// Whether it is still to be waited for when it was asked once.
    async fn is_waited_for(write: &mut Wait<'_, Result<()>>) -> bool {
        tokio::select! {
            biased;
            _ = write => false,
            () = std::future::ready(()) => true,
        }
    }
}
