//! The heart: one lease, from `initializing` to exactly one Complete or Abort.
//!
//! Imports [`crate::transfer`] and [`crate::soap`]. Read in this order: [`state`] (the pure table),
//! [`core`] (what is known), `observing` (how it is learnt), [`transfers`], `turns`, `manifest`, [`uploads`], [`ending`],
//! [`keepalive`].

// What a server says must not overflow anything: `number.rs`, or an operation that says what it does.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod answer_lost;
pub mod core;
pub mod device;
pub mod ending;
pub mod keepalive;
mod manifest;
mod observing;
pub mod options;
#[cfg(test)]
mod racing;
pub mod schedule;
pub mod state;
pub mod transfers;
mod turns;
pub mod uploads;
pub mod verify;

pub use self::core::{Lease, Sessions, Status};
pub use device::{PlainHttp, safe_names};
pub use ending::Ended;
pub use options::Options;
pub use state::Phase;
