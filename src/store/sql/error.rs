//! Errors of the database as those of the store.

use sqlx::migrate::MigrateError;

use crate::store::{StoreError, Unavailable};

/// The driver's error as ours: a broken uniqueness, a parent that is gone, a deadlock mean that somebody else came first.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    /// What PostgreSQL says of a transaction that it ended in favour of another one: serialization, deadlock.
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

/// Why the schema is not this program's, in words for the one who starts it.
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
