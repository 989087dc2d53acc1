//! Sesame: Alibaba Cloud Secrets Manager (KMS API 2016-01-20) as one small program.
//!
//! The layers, each knowing only those above it in this list:
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

pub mod actions;
pub mod app;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod domain;
pub mod identities;
pub mod ports;
pub mod scheduler;
pub mod server;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod wire;
