//! The core alone against a scripted server: real TCP, plain HTTP, no Python.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "all of it is a test, its helpers too"
)]

mod downloads;
mod lease;
mod script;
mod uploads;
mod wire;
mod world;
