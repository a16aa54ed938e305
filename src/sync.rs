//! A lock that a panic elsewhere does not take away.

pub use std::sync::Mutex;
use std::sync::{MutexGuard, PoisonError};

/// Locks it whatever happened to who held it before: above all an Abort has to be sent still.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_under_it_does_not_close_it() {
        let mutex = Mutex::new(1);
        let panicked = std::thread::scope(|scope| {
            let held = scope.spawn(|| {
                let _held = lock(&mutex);
                panic!("on purpose");
            });
            held.join().is_err()
        });
        assert!(panicked && mutex.is_poisoned());
        assert_eq!(*lock(&mutex), 1);
    }
}
