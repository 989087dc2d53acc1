//! x
pub mod domain;
pub mod ports;
pub mod store;
