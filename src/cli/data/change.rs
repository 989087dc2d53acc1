//! The arguments that every command shares which changes a secret.

use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::output::OutputArgs;
use crate::cli::remote::api::{Api, Connection};
use crate::cli::remote::consent::Consent;

/// Consent, output and connection of a command that changes something.
#[derive(Debug, Args)]
pub(in crate::cli) struct ChangeArgs {
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

impl ChangeArgs {
    /// Asks for consent if the server is the cloud.
    ///
    /// # Errors
    /// Those of [`Consent::ask`].
    pub(super) fn ask(&self, change: &str) -> anyhow::Result<()> {
        self.consent.ask(&self.connection.url(), change)
    }

    /// Opens the connection.
    ///
    /// # Errors
    /// Those of [`Connection::open`].
    pub(super) async fn open(&self) -> anyhow::Result<Api> {
        self.connection.open().await
    }

    /// Asks for consent, then opens the connection.
    ///
    /// # Errors
    /// Those of both.
    pub(super) async fn begin(&self, change: &str) -> anyhow::Result<Api> {
        self.ask(change)?;
        self.open().await
    }

    /// Writes the result: a sentence for people, `answer` for programs.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) fn done(&self, out: &mut dyn Write, sentence: &str, answer: &Value) -> anyhow::Result<()> {
        self.output.done(out, sentence, answer)
    }
}
