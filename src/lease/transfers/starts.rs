//! What was started, and the decision between one more start and the lease's end.
//!
//! `tests/loom` compiles this very file, and runs it in every order that threads can have.

use crate::sync::{Mutex, lock};

/// Whether the lease can begin to complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lease) enum Begun {
    /// It has begun.
    Yes,
    /// A transfer was started meanwhile.
    StillMoving,
    /// The lease is over.
    Refused,
}

/// What can be started, and ends some time.
pub(in crate::lease) trait Moves: Clone {
    /// Whether it has not ended.
    fn still_moves(&self) -> bool;
}

/// All that was started. Its lock makes a start and the lease's end exclude each other.
#[derive(Debug)]
pub(in crate::lease) struct Starts<T>(Mutex<Vec<T>>);

impl<T> Default for Starts<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<T: Moves> Starts<T> {
    /// Starts one more; `start` looks whether that may be, and gets those before.
    pub(in crate::lease) fn add<E>(
        &self,
        start: impl FnOnce(&[T]) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut all = lock(&self.0);
        let started = start(&all)?;
        all.push(started.clone());
        Ok(started)
    }

    /// Applies the lease's end unless something moves; `end` says whether it was legal.
    pub(in crate::lease) fn end(&self, end: impl FnOnce() -> bool) -> Begun {
        self.with(|all| {
            if all.iter().any(T::still_moves) {
                Begun::StillMoving
            } else if end() {
                Begun::Yes
            } else {
                Begun::Refused
            }
        })
    }

    /// Looks at all of them.
    pub(in crate::lease) fn with<R>(&self, look: impl FnOnce(&[T]) -> R) -> R {
        look(&lock(&self.0))
    }
}
