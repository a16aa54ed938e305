//! The archive of an OVA: ustar, as DSP0243 demands, and what tools write in its place.

pub(crate) mod header;
pub(crate) mod names;
pub(crate) mod read;
pub(crate) mod scan;
pub(crate) mod stream;
pub(crate) mod write;
