//! Transactions that are rolled back when they are dropped, as happens when the database takes too long.
//!
//! The driver rolls back a transaction that is dropped after it began. But if the task is cancelled while `BEGIN` runs,
//! PostgreSQL's driver does not know that the connection is inside a transaction and gives it to the next caller, whose
//! reads would see an old state and whose writes would not be committed. So on PostgreSQL the connection is closed
//! unless the transaction ended properly.

use std::ops::{Deref, DerefMut};

use sqlx::Pool;
use sqlx::pool::PoolConnection;

use super::dialect::{Connection, Dialect, Session};
use super::error::failed;
use crate::store::StoreError;

/// A transaction. It is rolled back when it is dropped.
pub(super) enum Transaction<D: Dialect> {
    /// A transaction of the driver.
    OfDriver(sqlx::Transaction<'static, D::Db>),
    /// A transaction that closes its connection when it is dropped.
    Closing(Closing<D>),
}

/// A connection that is closed when it is dropped before the end of its transaction.
pub(super) struct Closing<D: Dialect> {
    connection: PoolConnection<D::Db>,
    ended: bool,
}

impl<D: Dialect> Drop for Closing<D> {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

impl<D: Dialect> Transaction<D> {
    /// Begins a transaction with the given statement.
    pub(super) async fn begin(pool: &Pool<D::Db>, statement: &'static str) -> Result<Self, StoreError> {
        if !D::SHARED {
            return pool.begin_with(statement).await.map(Self::OfDriver).map_err(failed);
        }
        let connection = pool.acquire().await.map_err(failed)?;
        let mut begun = Closing { connection, ended: false };
        let inside: &mut Connection<D> = &mut begun.connection;
        inside.execute(statement, &[]).await?;
        Ok(Self::Closing(begun))
    }

    /// Commits.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::OfDriver(transaction) => transaction.commit().await.map_err(failed),
            Self::Closing(begun) => begun.end("COMMIT").await,
        }
    }

    /// Rolls back.
    pub(super) async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::OfDriver(transaction) => transaction.rollback().await.map_err(failed),
            Self::Closing(begun) => begun.end("ROLLBACK").await,
        }
    }
}

impl<D: Dialect> Closing<D> {
    async fn end(mut self, statement: &'static str) -> Result<(), StoreError> {
        let inside: &mut Connection<D> = &mut self.connection;
        inside.execute(statement, &[]).await?;
        self.ended = true;
        Ok(())
    }
}

impl<D: Dialect> Deref for Transaction<D> {
    type Target = Connection<D>;

    fn deref(&self) -> &Connection<D> {
        match self {
            Self::OfDriver(transaction) => transaction,
            Self::Closing(begun) => &begun.connection,
        }
    }
}

impl<D: Dialect> DerefMut for Transaction<D> {
    fn deref_mut(&mut self) -> &mut Connection<D> {
        match self {
            Self::OfDriver(transaction) => &mut *transaction,
            Self::Closing(begun) => &mut begun.connection,
        }
    }
}
