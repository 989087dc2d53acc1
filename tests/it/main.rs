//! Integration tests: one binary, one link.

#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::format_push_string,
    reason = "a test fails by panicking, and is read rather than linked to"
)]

mod abandoned;
mod accounts;
mod architecture;
mod auth;
mod canary;
mod cli;
mod client;
mod connections;
mod database_file;
mod docs;
mod embedded;
mod enforced;
mod fault_changes;
mod faults;
mod growth;
mod imports;
mod keys;
mod keys_model;
mod malformed;
mod metrics;
mod mutations;
mod nonces;
mod quotas;
mod reasons;
mod replay;
mod replicas;
mod request_log;
mod restore;
mod root_keys;
mod rotation;
mod rules;
mod secret_list;
mod signatures;
mod site;
mod startup;
mod state;
mod store;
mod strict;
mod support;
mod tampering;
mod tls;
mod upkeep;
