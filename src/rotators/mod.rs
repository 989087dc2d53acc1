//! What rotators talk to: database servers whose accounts belong to managed secrets (rules DY11), and programs of the user (rules
//! DY14). Each call makes a connection of its own, so nothing is held between rotations. No statement and no value is logged.

pub mod command;
pub mod generator;
mod grants;
mod mysql;
mod postgres;
mod quoting;
mod redacted;
mod redis;
mod scram;
pub mod webhook;

use async_trait::async_trait;

use crate::domain::rotation::rotators::database::{Database, Engine};
use crate::domain::rotation::{Cause, Failure};

pub use redacted::redacted;

/// An account and its password.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// The account.
    pub name: &'a str,
    /// Its password.
    pub password: &'a str,
}

impl std::fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a change of a password needs.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The account with its new password.
    pub login: Login<'a>,
    /// The password that the account has now, when it changes its own.
    pub own: Option<&'a str>,
    /// Random bytes for a verifier of the password.
    pub salt: [u8; 16],
}

/// A new account.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    /// The account with its password.
    pub login: Login<'a>,
    /// Random bytes for a verifier of the password.
    pub salt: [u8; 16],
    /// `AccountPrivilege`.
    pub privilege: Option<&'a str>,
    /// `DBName`.
    pub database: Option<&'a str>,
}

/// Why a database did not let somebody in: its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

/// The accounts of a database server.
///
/// # Errors
/// Each call: `Kms:TargetUnreachable` without a connection, `Kms:AccountNotFound`, and `Kms:TargetRefused` for everything else. The
/// message is the server's own and may repeat parts of a statement, so passwords must be [`redacted()`].
#[async_trait]
pub trait Accounts: std::fmt::Debug + Send + Sync {
    /// Whether an account exists.
    async fn exists(&self, name: &str) -> Result<bool, Failure>;

    /// Creates an account.
    async fn create(&self, new: &New<'_>) -> Result<(), Failure>;

    /// Makes sure that the second account of two exists, with the rights of the first, `of`. A new one may be left without a password.
    async fn ensure_clone(&self, of: &str, new: &New<'_>) -> Result<(), Failure>;

    /// Changes the password of an account.
    async fn change(&self, change: &Change<'_>) -> Result<(), Failure>;

    /// Makes a change last that was found done: it may have been interrupted before the server stored it.
    async fn keep(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Tries a password.
    async fn login(&self, login: Login<'_>) -> Result<Result<(), Refused>, Failure>;

    /// Removes an account that was just created.
    async fn remove(&self, name: &str) -> Result<(), Failure>;

    /// Connects, changes nothing, and says what it found.
    async fn check(&self) -> Result<String, Failure>;
}

/// The accounts of the database of a rotator.
pub fn accounts(database: &Database) -> Box<dyn Accounts + '_> {
    match database.engine {
        Engine::Postgres => Box::new(postgres::Postgres(database)),
        Engine::Mysql => Box::new(mysql::Mysql(database)),
        Engine::Redis => Box::new(redis::Redis(database)),
    }
}

fn unreachable(message: impl Into<String>) -> Failure {
    Failure::new(Cause::TargetUnreachable, message)
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Cause::TargetRefused, message)
}

fn no_account(name: &str) -> Failure {
    Failure::new(Cause::AccountNotFound, format!("the database has no account \"{name}\""))
}
