//! qcow2 images.

mod layout;
