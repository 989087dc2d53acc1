//! Changes in the cloud are asked for first, and what only Sesame has is refused there.

use std::io::{IsTerminal, Write};

use clap::Args;

use super::failure::usage;
use crate::cli::client::ServerUrl;

/// The answer to a question that a change in the cloud asks.
#[derive(Debug, Clone, Copy, Args)]
pub(in crate::cli) struct Consent {
    /// Change things in the cloud (*.aliyuncs.com) without a question.
    #[arg(long, short = 'y')]
    yes: bool,
}

impl Consent {
    /// Asks when the server is the cloud's.
    ///
    /// # Errors
    /// The answer is no, or nobody can be asked.
    pub(in crate::cli) fn ask(self, url: &ServerUrl, change: &str) -> anyhow::Result<()> {
        if self.yes || !url.is_cloud() {
            return Ok(());
        }
        let input = std::io::stdin();
        if !input.is_terminal() {
            return Err(usage(format!(
                "this would {change} in the cloud, at {url}: add --yes if you mean it"
            )));
        }
        let mut screen = std::io::stderr();
        write!(screen, "This will {change} in the cloud, at {url}. Go on? [y/N] ")?;
        screen.flush()?;
        let mut answer = String::new();
        input.read_line(&mut answer)?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(usage("nothing was changed")),
        }
    }
}
