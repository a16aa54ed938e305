//! The vim25 wire: only the calls that the lease needs, each as one function.
//!
//! Imports [`crate::http`] and [`crate::error`]. Read [`session::Session`] first.

// What a server says must not overflow anything: `number.rs`, or an operation that says what it does.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod answer;
pub mod callers;
pub mod calls;
pub mod envelope;
#[cfg(test)]
mod pooling;
pub mod session;
pub mod types;

pub use answer::Answer;
pub use callers::Callers;
pub use calls::{Abort, Method};
pub use session::{Credentials, Endpoint, Reply, Session};
pub use types::{DeviceUrl, LeaseInfo, LeaseProperties, LeaseState, ManifestEntry};
