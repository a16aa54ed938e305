//! HTTP/1.1 for the lease and the data: one client per host and trust, one pin, one retry rule.
//!
//! Imports only [`crate::error`]. `calls` knows reqwest and `data` hyper; besides them `settings`,
//! `resolver`, `response`, `failure` and `fault`, no other file does.

// What a server says must not overflow anything: `number.rs`, or an operation that says what it does.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub(crate) mod body;
mod calls;
mod certificate;
pub(crate) mod chain;
pub(crate) mod client;
mod data;
mod failure;
mod fault;
#[cfg(test)]
mod hostile;
pub(crate) mod proof;
pub(crate) mod proxy;
mod resolver;
mod response;
pub mod retry;
mod settings;
pub mod tls;
mod tunnel;
pub(crate) mod url;
pub(crate) mod verifier;

pub(crate) use body::{Body, BodyAborted, BodyStream};
pub use chain::{Accepted, Anchors, HostName, SessionTrust};
pub use client::Client;
pub(crate) use client::Request;
pub use proxy::Proxy;
pub(crate) use response::{Response, is_page};
pub(crate) use settings::Connection;
pub use tls::{Pin, Protocol, Trust, Verify};
pub(crate) use url::host_of;
