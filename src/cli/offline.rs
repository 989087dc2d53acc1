//! Opens the data for a command that works without a server.

use std::fs::File;
use std::sync::Arc;

use anyhow::{Context, ensure};

use super::StoreArgs;
use super::startup::{self, DataLocation};
use crate::app::{App, NonceSettings, Parts};
use crate::crypto::RootKey;
use crate::domain::Limits;
use crate::domain::rotation::RotationSettings;
use crate::ports::{OsEntropy, ServerClock};
use crate::store::Store;

/// Opens data that must exist.
pub(super) async fn open(args: &StoreArgs) -> anyhow::Result<(Arc<App>, Vec<File>)> {
    let location = DataLocation::from_args(args)?;
    if let DataLocation::Files { database, .. } = &location {
        ensure!(database.exists(), "there is no database {}", database.display());
    }
    open_or_make(args).await
}

/// Opens the data, and creates it if it does not exist.
pub(super) async fn open_or_make(args: &StoreArgs) -> anyhow::Result<(Arc<App>, Vec<File>)> {
    let location = DataLocation::from_args(args)?;
    let opened = startup::open(&location, args, &OsEntropy).await?;
    Ok((app(opened.store, opened.root).await?, opened.lock))
}

/// The application for a command that serves no request.
pub(super) async fn app(store: Arc<dyn Store>, root: RootKey) -> anyhow::Result<Arc<App>> {
    let parts = Parts {
        store,
        clock: Arc::new(ServerClock::default()),
        entropy: Arc::new(OsEntropy),
        limits: Limits::default(),
        cache_bytes: 1024 * 1024,
        accounts: Vec::new(),
        default_account: "0".parse().context("an account id")?,
        well_known_key: true,
        resource_policies: true,
        faults: Vec::new(),
        // No request is served, so the nonces that a server stored stay as they are.
        nonces: NonceSettings::default(),
        rotation: RotationSettings::default(),
    };
    Ok(App::open(parts, root).await?)
}
