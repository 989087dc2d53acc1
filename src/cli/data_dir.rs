//! The data directory: the one that a flag names, or the platform's default.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

/// The data directory, for commands that only read the CA certificate from it.
#[derive(Debug, Clone, Args)]
pub(super) struct DataDir {
    /// Directory that holds the HTTPS authority in tls/ [default: the platform's data directory + /sesame].
    #[arg(long, env = "SESAME_DATA_DIR", value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
}

/// The directory that a flag names, or the platform's default.
pub(super) fn data_dir(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    match named {
        Some(dir) => Ok(dir.to_owned()),
        None => platform_dir().context("there is no home directory; name one with --data-dir"),
    }
}

fn platform_dir() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the platform names its directories in the environment")]
    let named = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = if cfg!(target_os = "macos") {
        named("HOME")?.join("Library/Application Support")
    } else {
        named("XDG_DATA_HOME").or_else(|| Some(named("HOME")?.join(".local/share")))?
    };
    Some(base.join("sesame"))
}
