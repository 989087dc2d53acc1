//! Sesame: Alibaba Cloud Secrets Manager (KMS API 2016-01-20) as one small program.
//!
//! The layers, each knowing only those above it in this list: [`domain`] and [`crypto`] are pure; [`ports`] are
//! time and chance; [`tls`] are certificates and handshakes; [`store`] keeps what was decided; [`app`] joins them to use cases; [`wire`] is the protocol as
//! pure functions over bytes; [`actions`] holds one file per action; [`server`] listens. `docs/ARCHITECTURE.md`
//! tells more, and a test keeps the rule of who may use whom.

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
