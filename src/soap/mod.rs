//! The vim25 wire: only the calls that the lease needs, each as one method of [`RemoteLease`].
//!
//! Imports [`crate::http`] and [`crate::error`]. Read [`RemoteLease`] first, then [`Session`].

// What a server says must not overflow anything: `number.rs`, or an operation that says what it does.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod answer;
pub mod envelope;
mod lease;
pub mod methods;
#[cfg(test)]
mod pooling;
mod properties;
pub mod session;
pub mod types;

pub use answer::Answer;
pub use lease::{Abort, RemoteLease};
pub use session::{Credentials, Endpoint, Reply, Session};
pub use types::{DeviceUrl, LeaseInfo, LeaseProperties, LeaseState, ManifestEntry};
