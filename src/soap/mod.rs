//! The vim25 wire: only the calls that the lease needs, each as one method of [`RemoteLease`].
//!
//! Imports [`crate::http`] and [`crate::error`]. Read [`RemoteLease`] first, then [`Session`].

// What a server says must not overflow anything: `number.rs`, or an operation that says what it does.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub(crate) mod answer;
pub(crate) mod envelope;
pub(crate) mod handed_on;
mod lease;
pub mod methods;
#[cfg(test)]
mod pooling;
mod properties;
pub(crate) mod session;
pub(crate) mod types;

pub(crate) use answer::Answer;
pub use lease::Abort;
pub(crate) use lease::RemoteLease;
pub(crate) use session::Session;
pub use session::{Credentials, Endpoint, Reply};
pub use types::DeviceUrl;
pub(crate) use types::{LeaseInfo, LeaseProperties, LeaseState, ManifestEntry};
