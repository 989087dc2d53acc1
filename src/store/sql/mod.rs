//! The store over SQL: one text of each statement, generic over the database.
//!
//! [`Dialect`] holds the real differences and nothing else. Where one process owns the database, writes go through one
//! writer, which commits what waits as one transaction and answers after it is durable (see `group_commit.rs`). Where several
//! write, each write is a transaction of its own.

pub mod dialect;
mod error;
mod group_commit;
mod list_secrets;
mod listings;
mod nonces;
pub mod postgres;
mod read_keys;
mod read_secrets;
mod read_snapshot;
mod rows;
mod sql_store;
pub mod sqlite;
mod sqlite_dialect;
mod sqlite_writer;
mod statements;
mod store_trait;
mod transaction;
mod write;
mod write_keys;
mod write_secrets;
mod write_snapshot;

pub use dialect::Dialect;
pub use sql_store::SqlStore;
