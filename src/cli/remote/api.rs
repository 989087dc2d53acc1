//! The client of the commands: calls of actions, as somebody, at a server.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use super::credentials::CredentialArgs;
use super::keys::Keys;
use super::sessions;
use super::wire::Wire;
use crate::cli::client::{Client, ServerUrl, TIMEOUT, Target};
use crate::cli::data_dir::{DataDir, data_dir};
use crate::ports::{Entropy, OsEntropy, ServerClock};
use crate::tls::ca_file;
use crate::wire::signature::sign::Pair;

/// The version of the KMS API.
const KMS: &str = "2016-01-20";

/// The server that a command talks to, and as whom.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Connection {
    /// The server.
    #[command(flatten)]
    pub(in crate::cli) target: Target,
    #[command(flatten)]
    place: DataDir,
    /// As whom.
    #[command(flatten)]
    pub(in crate::cli) credentials: CredentialArgs,
}

impl Connection {
    /// A client without credentials.
    ///
    /// # Errors
    /// The certificates to trust cannot be read.
    pub(in crate::cli) fn client(&self) -> anyhow::Result<Client> {
        self.target.client(self.data_dir(), TIMEOUT)
    }

    /// The address of the server.
    pub(in crate::cli) fn url(&self) -> ServerUrl {
        self.target.url()
    }

    /// The data directory that was given, whose certificate is trusted.
    pub(in crate::cli) fn data_dir(&self) -> Option<&Path> {
        self.place.data_dir.as_deref()
    }

    /// The file with the certificates that clients of an https:// address must trust; `None` for http:// and when there is no such
    /// file.
    ///
    /// # Errors
    /// There is no data directory to look into.
    pub(in crate::cli) fn authority(&self) -> anyhow::Result<Option<PathBuf>> {
        let url = self.url();
        if !url.is_secure() || url.is_cloud() {
            return Ok(None);
        }
        if let Some(file) = &self.target.ca {
            return Ok(Some(file.clone()));
        }
        let own = ca_file(&data_dir(self.place.data_dir.as_deref())?);
        Ok(Some(own).filter(|file| file.exists()))
    }

    /// Finds the credentials; a role is assumed now.
    ///
    /// # Errors
    /// There are no credentials, or they cannot be had.
    pub(in crate::cli) async fn open(&self) -> anyhow::Result<Api> {
        let source = self.credentials.source()?;
        let wire = Wire {
            client: self.client()?,
            scheme: self.credentials.signature,
            clock: ServerClock::default(),
        };
        let keys = sessions::keys(source, &wire).await?;
        Ok(Api { wire, keys })
    }
}

/// A client that signs.
#[derive(Debug)]
pub(in crate::cli) struct Api {
    wire: Wire,
    keys: Keys,
}

impl Api {
    /// The access key that signs.
    pub(in crate::cli) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The address of the server.
    pub(in crate::cli) fn url(&self) -> &ServerUrl {
        self.wire.client.url()
    }

    /// Calls an action of KMS.
    ///
    /// # Errors
    /// A [`Failure`](super::failure::Failure) when the service refuses or cannot be reached.
    pub(in crate::cli) async fn call(&self, action: &str, parameters: &[Pair<'_>]) -> anyhow::Result<Value> {
        self.attempted(action, parameters).await.map_err(|(error, _)| error)
    }

    /// The same, telling with an error how often the request was sent: after a lost answer, "exists already" may mean that an
    /// earlier attempt has succeeded.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub(in crate::cli) async fn attempted(
        &self,
        action: &str,
        parameters: &[Pair<'_>],
    ) -> Result<Value, (anyhow::Error, u32)> {
        self.wire.call(Some(&self.keys), (action, KMS), parameters).await
    }

    /// Calls an action of STS, at the same server unless that is the cloud's.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub(in crate::cli) async fn call_sts(&self, action: &str) -> anyhow::Result<Value> {
        sessions::call(&self.wire, Some(&self.keys), action, &[]).await
    }

    /// All items of a list, page by page.
    ///
    /// # Errors
    /// As [`Api::call`].
    pub(in crate::cli) async fn list(
        &self,
        action: &str,
        parameters: &[Pair<'_>],
        (wrapper, member): (&str, &str),
    ) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        for page in 1_u32.. {
            let number = page.to_string();
            let paged = [parameters, &[("PageNumber", &number), ("PageSize", "100")]].concat();
            let answer = self.call(action, &paged).await?;
            let items = answer.get(wrapper).and_then(|list| list.get(member)).and_then(Value::as_array);
            let items = items.with_context(|| format!("the answer to {action} has no {wrapper}"))?;
            all.extend(items.iter().cloned());
            let total = answer.get("TotalCount").and_then(Value::as_u64).unwrap_or_default();
            if items.is_empty() || all.len() as u64 >= total {
                break;
            }
        }
        Ok(all)
    }

    /// A new id of a version. It is chosen before the first attempt, so that a second attempt writes nothing twice.
    pub(in crate::cli) fn new_version_id() -> String {
        OsEntropy.uuid().to_string()
    }
}
