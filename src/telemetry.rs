//! The log: its format and the line for each request. The log contains no secret, no value, no signature and no string to
//! sign. A refusal may quote up to 64 bytes of an unknown name (action, key id, path) and a refused Host or Origin.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::wire::{ApiError, RequestId};

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Plain text.
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging to a writer. The filter is a level, or a list such as `info,sesame=debug`: a level for everything, and levels
/// for parts of the program. Also logs panics.
///
/// # Errors
/// When the filter is invalid, or logging has been started before.
pub fn init<W>(format: LogFormat, filter: &str, writer: W) -> anyhow::Result<()>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = targets(filter)?;
    let lines = fmt::layer().with_writer(writer);
    let set = match format {
        LogFormat::Text => {
            tracing_subscriber::registry().with(lines.with_ansi(false)).with(filter).try_init()
        }
        LogFormat::Json => {
            tracing_subscriber::registry().with(lines.json().flatten_event(true)).with(filter).try_init()
        }
    };
    set.map_err(|e| anyhow::anyhow!("cannot set up logging: {e}"))?;
    // Without the panic's message, which may contain a part of a request.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked");
    }));
    Ok(())
}

fn targets(filter: &str) -> anyhow::Result<Targets> {
    let words: Vec<&str> = filter.split(',').map(str::trim_ascii).filter(|word| !word.is_empty()).collect();
    // The parser would take any other word for a part of the program, and log everything of it.
    let is_good = |word: &str| match word.split_once('=') {
        Some((part, _)) => !part.contains('['),
        None => word.parse::<LevelFilter>().is_ok(),
    };
    match words.iter().find(|word| !is_good(word)) {
        Some(word) => anyhow::bail!(
            "\"{word}\" is neither a level (off, error, warn, info, debug, trace) nor PART=LEVEL"
        ),
        // Empty, as a script passes an unset variable: use the default.
        None if words.is_empty() => Ok(Targets::new().with_default(LevelFilter::INFO)),
        None => Ok(words.join(",").parse()?),
    }
}

/// A finished request: everything that the log may contain.
#[derive(Debug)]
pub struct Served<'a> {
    /// The request id, which the answer contains too.
    pub request_id: RequestId,
    /// The action, or `-` when it does not exist.
    pub action: &'a str,
    /// The caller's account, or `-`.
    pub account: &'a str,
    /// The access key id, or `-`.
    pub access_key: &'a str,
    /// The region.
    pub region: &'a str,
    /// The signature scheme, or `-`.
    pub scheme: &'a str,
    /// The error, if the request failed. Its code is logged, its message is not.
    pub error: Option<&'a ApiError>,
    /// The error's reason with its causes, in printable ASCII; `-` for a success.
    pub reason: &'a str,
    /// The duration, in milliseconds.
    pub duration_ms: u64,
}

/// Logs a request: errors of the server at level `error`, refusals at `info`, successes at `debug`.
pub fn request(served: &Served<'_>) {
    let Served { request_id, action, account, access_key, region, scheme, error, reason, duration_ms } =
        *served;
    let Some(error) = error else {
        tracing::debug!(%request_id, action, account, access_key, region, scheme, duration_ms, "answered");
        return;
    };
    let (code, status) = (&*error.wire, error.code.status());
    if status >= 500 {
        tracing::error!(
            %request_id,
            action,
            account,
            access_key,
            region,
            scheme,
            code,
            status,
            reason,
            duration_ms,
            "failed"
        );
    } else {
        tracing::info!(
            %request_id,
            action,
            account,
            access_key,
            region,
            scheme,
            code,
            status,
            reason,
            duration_ms,
            "refused"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_a_list_of_levels_for_parts() {
        for good in
            ["info", "OFF", "info,sesame=debug", "sesame=debug", "warn, sesame::server=trace", "", "info,"]
        {
            assert!(targets(good).is_ok(), "{good}");
        }
        for bad in ["debgu", "sesame=loud", "info,sesame", "sesame[span]=debug"] {
            assert!(targets(bad).is_err(), "{bad}");
        }
    }
}
