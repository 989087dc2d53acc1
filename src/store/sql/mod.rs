//! The store over SQL. Each statement is written once and works on every database; [`Dialect`](dialect::Dialect) holds the differences.
//!
//! If one process owns the database, writes go through one writer, which commits all waiting writes in one transaction
//! and answers when that is durable (`writer.rs`). If several processes write, each write is a transaction of its
//! own.
//!
//! | to change | open |
//! |---|---|
//! | a statement | `statements.rs` |
//! | how a secret, a key or everything is written | `write_secrets.rs`, `write_keys.rs`, `write_snapshot.rs` |
//! | how it is read | `read_secrets.rs`, `read_keys.rs`, `read_snapshot.rs`, `list_secrets.rs` |
//! | which method of the trait does what | `store_trait.rs` |
//! | connections, time limits | `sql_store.rs` |
//! | what differs between databases | `dialect.rs`, `sqlite_dialect.rs`, `postgres.rs` |

mod database_file;
pub mod dialect;
mod error;
mod list_secrets;
mod listings;
mod managed;
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
mod writer;

pub use sql_store::SqlStore;
