//! HTTP/1.1 for the lease and the data: one client per host and trust, one pin, one retry rule.
//!
//! Imports only [`crate::error`]. [`client`], `settings`, `resolver` and
//! `failure` alone know the HTTP library.

// What a server says must not overflow anything: `number.rs`, or an operation that says what it does.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod body;
mod certificate;
pub mod chain;
pub mod client;
mod failure;
pub mod proof;
pub mod proxy;
mod resolver;
pub mod retry;
mod settings;
pub mod tls;
mod tunnel;
pub mod url;
pub mod verifier;

pub use body::{Body, BodyAborted, BodyStream};
pub use chain::{Accepted, Anchors, HostName, SessionTrust};
pub use client::{Client, Request, Response};
pub use proxy::Proxy;
pub use settings::Connection;
pub use tls::{Pin, Protocol, Trust, Verify};
pub use url::host_of;
