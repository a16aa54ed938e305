//! The ends of a lease in every order that threads can have.
//!
//! The files of the core that decide who ends a lease, as they are; only their lock is loom's. What they
//! call is a model here: a server that counts, and a keep-alive and transfers that are threads.

#![cfg(test)]

/// The core's `sync`, of loom.
mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }
}

mod lease {
    #[path = "../../../../src/lease/ending/order.rs"]
    pub(crate) mod order;
    #[path = "../../../../src/lease/phase.rs"]
    pub(crate) mod phase;
    #[path = "../../../../src/lease/transfers/starts.rs"]
    pub(crate) mod starts;

    mod model;
    mod schedules;
}
