//! The running server that a command asks, at `/_sesame`.

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use http::Method;
use serde_json::Value;

use crate::cli::client::{AdminTarget, ServerUrl};
use crate::cli::data_dir::DataDir;

/// A running server.
#[derive(Debug, Args)]
pub(super) struct Instance {
    #[command(flatten)]
    pub(super) server: AdminTarget,
    #[command(flatten)]
    pub(super) place: DataDir,
}

impl Instance {
    /// The address of the server.
    pub(super) fn url(&self) -> ServerUrl {
        self.server.target.url()
    }

    /// Refuses to ask the cloud.
    ///
    /// # Errors
    /// When the server is the cloud's.
    pub(super) fn only_here(&self, command: &str) -> anyhow::Result<()> {
        self.server.refuse_cloud(&format!("sesame {command}"))
    }

    /// Asks, with a body if there is one. `command` is what a refusal names.
    ///
    /// # Errors
    /// The server is the cloud's, does not answer, or refuses.
    pub(super) async fn ask(
        &self,
        command: &str,
        (method, path): (Method, &str),
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        self.only_here(command)?;
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let path = format!("/_sesame/{path}");
        let answer = self.server.call(self.place.data_dir.as_deref(), method, &path, body).await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).context("what the server answers is not an answer of Sesame's")
    }
}
