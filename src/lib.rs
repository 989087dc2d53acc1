//! Sesame: Alibaba Cloud Secrets Manager (KMS API 2016-01-20) as one small program.
//!
//! Use [`embedded::Server`] in the tests of a Rust program. Everything else is private. The layers, each of which uses only layers
//! above it in this list:
//!
//! - `domain` and `crypto`: the rules of the service and the encryption of values, both pure;
//! - `ports`: time and randomness;
//! - `identities`: accounts, users, roles and access keys;
//! - `tls`: certificates and handshakes;
//! - `store`: the database;
//! - `app`: the use cases, which join the layers above;
//! - `wire`: the protocol, as pure functions over bytes;
//! - `actions`: the actions of the API, one file each;
//! - `state`: seeds, exports and imports;
//! - `scheduler`: work that is due at a certain time;
//! - `telemetry`: the log;
//! - `config`: the configuration file;
//! - `server`: connections, the API endpoint, administration;
//! - `cli`: the command line.
//!
//! `docs/ARCHITECTURE.md` says more. A test checks which layer uses which.

mod actions;
mod app;
mod cli;
mod config;
mod crypto;
mod domain;
pub mod embedded;
mod identities;
mod outgoing;
mod ports;
mod rotators;
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
