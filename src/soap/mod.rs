//! The vim25 wire: only the calls that the lease needs, each as one function.
//!
//! Imports [`crate::http`] and [`crate::error`]. Read [`session::Session`] first.

pub mod answer;
pub mod callers;
pub mod calls;
pub mod envelope;
pub mod session;
pub mod types;
pub mod xml;

pub use answer::Answer;
pub use callers::Callers;
pub use calls::{Abort, Method};
pub use session::{Credentials, Endpoint, Reply, Session};
pub use types::{DeviceUrl, LeaseInfo, LeaseProperties, LeaseState, ManifestEntry};
