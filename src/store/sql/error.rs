//! Errors of the database as those of the store.

use sqlx::migrate::MigrateError;

use crate::store::{StoreError, Unavailable};

/// The driver's error as a [`StoreError`]. A unique violation, a missing parent and a deadlock all mean that a
/// concurrent writer won, which is a conflict.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    /// PostgreSQL's codes for a transaction that it aborted in favour of another: serialization failure, deadlock.
    const LOST: [&str; 2] = ["40001", "40P01"];
    match &error {
        sqlx::Error::Database(e)
            if e.is_unique_violation()
                || e.is_foreign_key_violation()
                || e.code().is_some_and(|code| LOST.contains(&&*code)) =>
        {
            StoreError::Conflict
        }
        _ => StoreError::Unavailable(Unavailable::from_error(error)),
    }
}

/// Why a migration failed, in words for the operator who starts the program.
pub(super) fn not_migrated(error: MigrateError) -> StoreError {
    let what = match &error {
        MigrateError::VersionMissing(version) => format!(
            "its schema is newer than this program: it has migration {version}, which this version of Sesame does not know"
        ),
        MigrateError::VersionMismatch(version) => {
            format!("its schema is not Sesame's: migration {version} is another one")
        }
        _ => return StoreError::Unavailable(Unavailable::from_error(error)),
    };
    StoreError::unavailable(what)
}
