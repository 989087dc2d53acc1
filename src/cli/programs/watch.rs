//! `sesame run --watch`: the program is restarted or told when one of its secrets changes.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitCode, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use super::secrets::Wanted;
use crate::cli::data::versions::{all, labelled};
use crate::cli::remote::api::Api;
use crate::ports::{Clock, ServerClock};

/// How often the program is looked at, in milliseconds.
const LOOK_MS: u64 = 50;
/// How long a program may take to end before it is killed, in milliseconds.
const GRACE_MS: u64 = 10_000;

/// The secrets that a program was started with, and the versions they had.
pub(super) type Versions = Vec<(Wanted, String)>;

/// How a watched program ended.
pub(super) enum Ended {
    /// By itself, with this code.
    Itself(ExitCode),
    /// A secret has changed; the program has ended and is to be started again.
    Changed,
}

/// What is done when a secret changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    /// Seconds between two looks at the server.
    pub(super) every: u64,
    /// The signal to send; `None` restarts the program.
    pub(super) signal: Option<Signal>,
}

/// Waits until the program ends or a secret changes. Signals are passed on.
///
/// # Errors
/// Signals cannot be received, or the program cannot be waited for.
pub(super) async fn watch(
    mut child: Child,
    api: &Api,
    mut versions: Versions,
    wish: Watch,
) -> anyhow::Result<Ended> {
    let clock = ServerClock::default();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    // Ctrl-C on a terminal reaches the program by itself; this process only must not end before it.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut waited = 0;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::Itself(code_of(status)));
        }
        tokio::select! {
            _ = terminate.recv() => send(&child, Signal::TERM),
            _ = hangup.recv() => send(&child, Signal::HUP),
            _ = interrupt.recv() => {}
            () = clock.pause(LOOK_MS) => waited += LOOK_MS,
        }
        if waited < wish.every.saturating_mul(1000) {
            continue;
        }
        waited = 0;
        if !changed(api, &mut versions).await {
            continue;
        }
        match wish.signal {
            Some(signal) => send(&child, signal),
            None => {
                stop(&mut child, &clock).await?;
                return Ok(Ended::Changed);
            }
        }
    }
}

/// Whether a label is on another version now. A server that does not answer has changed nothing.
async fn changed(api: &Api, versions: &mut Versions) -> bool {
    let mut found = false;
    for (wanted, version) in versions {
        let label = wanted.stage.as_deref().unwrap_or("ACSCurrent");
        let Ok(listed) = all(api, &wanted.name).await else { continue };
        if let Some(now) = labelled(&listed, label).filter(|now| now != version) {
            *version = now;
            found = true;
        }
    }
    found
}

async fn stop(child: &mut Child, clock: &ServerClock) -> anyhow::Result<()> {
    send(child, Signal::TERM);
    let mut waited = 0;
    while child.try_wait()?.is_none() {
        if waited >= GRACE_MS {
            child.kill()?;
        }
        clock.pause(LOOK_MS).await;
        waited += LOOK_MS;
    }
    Ok(())
}

/// Sends a signal to a program that may have ended.
fn send(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let _ended = id.map(|id| kill_process(id, signal));
}

/// The code of the program, or 128 and the number of the signal that ended it, as shells have it.
fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
