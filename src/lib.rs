//! Sesame: Alibaba Cloud Secrets Manager (KMS API 2016-01-20) as one small program.
//!
//! A program takes [`embedded::Server`] for its tests; all else is private. The layers, each knowing only those above it in this list:
//!
//! - [`domain`] and [`crypto`] are the rules of the service and the sealing of values, both pure;
//! - [`ports`] are time and randomness;
//! - [`identities`] are accounts, users, roles and access keys as they are written down;
//! - [`tls`] are certificates and handshakes;
//! - [`store`] keeps what was decided;
//! - [`app`] joins them to use cases;
//! - [`wire`] is the protocol as pure functions over bytes;
//! - [`actions`] holds one file per action;
//! - [`state`] reads and writes seeds and exports;
//! - [`scheduler`] does what falls due by the clock;
//! - [`telemetry`] writes the log;
//! - [`config`] reads the configuration file;
//! - [`server`] listens;
//! - [`cli`] is the command line.
//!
//! `docs/ARCHITECTURE.md` says more, and a test holds which layer may use which.

mod actions;
mod app;
mod cli;
mod config;
mod crypto;
mod domain;
pub mod embedded;
mod identities;
mod ports;
mod scheduler;
mod server;
mod state;
mod store;
mod telemetry;
#[doc(hidden)]
pub mod testing;
mod tls;
mod wire;

#[doc(hidden)]
pub use cli::main;
