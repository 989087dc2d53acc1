//! The running server that a command asks, at `/_sesame`.

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use http::Method;
use serde_json::Value;

use crate::cli::client::{AdminTarget, DEFAULT, NoConnection, ServerUrl};
use crate::cli::data_dir::DataDir;
use crate::cli::remote::failure::{Failure, Kind, usage};

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
        self.server.target.url.clone().unwrap_or_else(|| ServerUrl::plain(DEFAULT))
    }

    /// Refuses to ask the cloud.
    ///
    /// # Errors
    /// When the server is the cloud's.
    pub(super) fn only_here(&self, command: &str) -> anyhow::Result<()> {
        let url = self.url();
        if url.is_cloud() {
            return Err(usage(format!("sesame {command} is for Sesame servers, and {url} is the cloud")));
        }
        Ok(())
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
        let answer = self.server.call(self.place.data_dir.as_deref(), method, &path, body).await;
        let answer = answer.map_err(of_kind)?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).context("what the server answers is not an answer of Sesame's")
    }
}

/// Gives a missing connection its exit code.
pub(super) fn of_kind(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<NoConnection>() {
        Some(_) => Failure::new(Kind::Unreachable, format!("{error:#}")).into(),
        None => error,
    }
}
