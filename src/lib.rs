//! x
pub mod error;
pub mod http;
pub mod io;
pub mod lease;
pub mod soap;
pub mod transfer;
pub mod vmdk;
pub use error::{Error, Result};
