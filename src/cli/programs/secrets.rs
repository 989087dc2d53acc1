//! Values of secrets for programs, each asked for once.

use std::collections::BTreeMap;

use anyhow::Context;
use zeroize::Zeroizing;

use crate::cli::data::get::{Bytes, bytes_of, fetch, picked};
use crate::cli::data::output::member;
use crate::cli::remote::api::Api;

/// Values that were asked for.
#[derive(Default)]
pub(super) struct Secrets(BTreeMap<SecretReference, (String, Bytes)>);

/// A secret, and the label or version that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SecretReference {
    /// Name of the secret.
    pub(super) name: String,
    /// Its label; ACSCurrent when neither this nor a version is given.
    pub(super) stage: Option<String>,
    /// Its version.
    pub(super) version: Option<String>,
}

impl Secrets {
    /// A value as text; one member of it when a path is given.
    ///
    /// # Errors
    /// The secret cannot be read, is not text, or has no such member.
    pub(super) async fn text(
        &mut self,
        api: &Api,
        wanted: &SecretReference,
        path: Option<&str>,
    ) -> anyhow::Result<Zeroizing<String>> {
        let bytes = self.bytes(api, wanted).await?;
        let bytes = match path {
            Some(path) => picked(&wanted.name, &bytes, path)?,
            None => bytes,
        };
        let text = std::str::from_utf8(&bytes).ok();
        let text =
            text.with_context(|| format!("the value of {} is binary data and no text", wanted.name))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    async fn bytes(&mut self, api: &Api, wanted: &SecretReference) -> anyhow::Result<Bytes> {
        if let Some((_, bytes)) = self.0.get(wanted) {
            return Ok(bytes.clone());
        }
        let answer = fetch(api, &wanted.name, wanted.version.as_deref(), wanted.stage.as_deref()).await?;
        let bytes = bytes_of(&answer)?;
        self.0.insert(wanted.clone(), (member(&answer, "VersionId"), bytes.clone()));
        Ok(bytes)
    }

    /// Which secrets were asked for without a fixed version, and the versions they had.
    pub(super) fn versions(&self) -> Vec<(SecretReference, String)> {
        let moving = self.0.iter().filter(|(wanted, _)| wanted.version.is_none());
        moving.map(|(wanted, (version, _))| (wanted.clone(), version.clone())).collect()
    }
}
