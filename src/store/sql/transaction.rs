//! Transactions that leave nothing behind when they are dropped in the middle, as they are when the database takes too long.
//!
//! The driver rolls back a transaction that is dropped once it has begun. But PostgreSQL's driver forgets a BEGIN whose
//! answer nobody waited for, and hands the connection, which is inside a transaction now, to the next caller: its reads
//! would see an old state, and its writes would not be committed. So there the connection is closed unless the
//! transaction came to its end.

use std::ops::{Deref, DerefMut};

use sqlx::Pool;
use sqlx::pool::PoolConnection;

use super::dialect::{Connection, Dialect, Session};
use super::error::failed;
use crate::store::StoreError;

/// A transaction; rolled back when it is dropped.
pub(super) enum Transaction<D: Dialect> {
    /// The driver's own.
    Drivers(sqlx::Transaction<'static, D::Db>),
    /// One that closes its connection when it is dropped.
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
    /// Begins one, with this statement.
    pub(super) async fn begin(pool: &Pool<D::Db>, statement: &'static str) -> Result<Self, StoreError> {
        if !D::SHARED {
            return pool.begin_with(statement).await.map(Self::Drivers).map_err(failed);
        }
        let connection = pool.acquire().await.map_err(failed)?;
        let mut begun = Closing { connection, ended: false };
        let inside: &mut Connection<D> = &mut begun.connection;
        inside.execute(statement, &[]).await?;
        Ok(Self::Closing(begun))
    }

    /// Makes it durable.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Drivers(transaction) => transaction.commit().await.map_err(failed),
            Self::Closing(begun) => begun.end("COMMIT").await,
        }
    }

    /// Undoes it.
    pub(super) async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Drivers(transaction) => transaction.rollback().await.map_err(failed),
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
            Self::Drivers(transaction) => transaction,
            Self::Closing(begun) => &begun.connection,
        }
    }
}

impl<D: Dialect> DerefMut for Transaction<D> {
    fn deref_mut(&mut self) -> &mut Connection<D> {
        match self {
            Self::Drivers(transaction) => &mut *transaction,
            Self::Closing(begun) => &mut begun.connection,
        }
    }
}
