//! What an error of a database keeps of its causes.

use std::error::Error;
use std::io;

use sesame::testing::app::AppError;
use sesame::testing::domain::with_causes;
use sesame::testing::store::sql::SqlStore;
use sesame::testing::store::{StoreError, Unavailable};
use sesame::testing::wire::ApiError;

/// The driver's error behind one of the store.
fn cause(error: &StoreError) -> &sqlx::Error {
    let StoreError::Unavailable(unavailable) = error else { panic!("{error:?}") };
    unavailable.cause().and_then(|cause| cause.downcast_ref()).unwrap()
}

#[tokio::test]
async fn a_broken_database_file_keeps_the_error_of_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sesame.db");
    std::fs::write(&path, b"this is no database, whatever its name says".repeat(100)).unwrap();
    let error = SqlStore::open(&path).await.map(drop).unwrap_err();
    assert!(matches!(cause(&error), sqlx::Error::Database(_)), "{error:?}");
    let text = with_causes(&error);
    assert_eq!(text.matches("file is not a database").count(), 1, "{text}");
}

#[tokio::test]
async fn an_unreachable_postgresql_keeps_the_error_of_the_network() {
    // Nothing listens on port 1 of this machine.
    let address = "postgres://nobody@127.0.0.1:1/none".parse().unwrap();
    let error = sesame::testing::store::sql::postgres::probe(&address).await.unwrap_err();
    let sqlx::Error::Io(io) = cause(&error) else { panic!("{error:?}") };
    assert_eq!(io.kind(), io::ErrorKind::ConnectionRefused);
}

/// An error that does not repeat the words of its cause.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct NoAnswer(#[source] io::Error);

#[test]
fn the_reason_of_a_refused_request_tells_every_cause() {
    let error = NoAnswer(io::Error::other("the certificate has expired"));
    let error = AppError::from(StoreError::Unavailable(Unavailable::from_error(error)));
    assert!(error.source().is_some());
    let refusal = ApiError::from(error);
    assert_eq!(refusal.reason, "database unavailable: no answer: the certificate has expired");
}
