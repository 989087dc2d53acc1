//! `sesame run --watch`: the program is restarted or told when one of its secrets changes.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitCode, ExitStatus};

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::sync::Notify;

use super::secrets::SecretReference;
use crate::cli::client::AdminTarget;
use crate::cli::data::versions::{all, labelled};
use crate::cli::remote::api::Api;
use crate::ports::{Clock, ServerClock};

/// How long a program may take to end before it is killed, in milliseconds.
const GRACE_MS: u64 = 10_000;
/// The events of a Sesame server: rotations and deletions.
const EVENTS: &str = "/_sesame/events?follow=true";
/// The requests of a Sesame server.
const REQUESTS: &str = "/_sesame/requests?follow=true";
/// The actions that may move a label.
const MOVES: [&str; 4] =
    ["\"PutSecretValue\"", "\"UpdateSecretVersionStage\"", "\"RotateSecret\"", "\"RestoreSecret\""];

/// The secrets that a program was started with, and the versions they had.
pub(super) type Versions = Vec<(SecretReference, String)>;

/// How a watched program ended.
pub(super) enum Ended {
    /// By itself, with this code.
    Itself(ExitCode),
    /// A secret has changed; the program has ended and must be started again.
    Changed,
}

/// Where changes are looked for, and what is done about them.
pub(super) struct Watch<'a> {
    /// The server of the secrets.
    pub(super) api: &'a Api,
    /// The same server, which may tell of changes as they happen.
    pub(super) server: AdminTarget,
    /// The directory with the certificate to trust.
    pub(super) data_dir: Option<&'a Path>,
    /// Seconds between two looks at the server.
    pub(super) every: u64,
    /// The signal to send; `None` restarts the program.
    pub(super) signal: Option<Signal>,
}

impl Watch<'_> {
    /// Waits until the program ends or a secret changes. Signals are passed on at once, also while the server is asked.
    ///
    /// # Errors
    /// Signals cannot be received, or the program cannot be waited for.
    pub(super) async fn run(&self, mut child: Child, mut versions: Versions) -> anyhow::Result<Ended> {
        let mut received = Received::new()?;
        let news = Notify::new();
        let following = self.follow(&news);
        tokio::pin!(following);
        loop {
            let change = self.change(&news, &mut versions);
            tokio::pin!(change);
            loop {
                if let Some(status) = child.try_wait()? {
                    return Ok(Ended::Itself(code_of(status)));
                }
                tokio::select! {
                    passed = received.next() => send(&child, passed),
                    () = &mut following => {}
                    () = &mut change => break,
                }
            }
            match self.signal {
                Some(_) => send(&child, self.signal),
                None => {
                    stop(&mut child, &mut received).await?;
                    return Ok(Ended::Changed);
                }
            }
        }
    }

    /// Waits until a label is on another version. A server that does not answer has changed nothing.
    async fn change(&self, news: &Notify, versions: &mut Versions) {
        let clock = ServerClock::default();
        loop {
            tokio::select! {
                () = news.notified() => {}
                () = clock.pause(self.every.saturating_mul(1000)) => {}
            }
            let mut found = false;
            for (wanted, version) in &mut *versions {
                let label = wanted.stage.as_deref().unwrap_or("ACSCurrent");
                let Ok(listed) = all(self.api, &wanted.name).await else { continue };
                if let Some(now) = labelled(&listed, label).filter(|now| now != version) {
                    *version = now;
                    found = true;
                }
            }
            if found {
                return;
            }
        }
    }

    /// Tells `news` of everything after which a look is worth it. Never ends.
    async fn follow(&self, news: &Notify) {
        let clock = ServerClock::default();
        let mut line = Vec::new();
        let mut any = |_: &[u8]| {
            news.notify_one();
            true
        };
        let mut moves = |piece: &[u8]| {
            line.extend_from_slice(piece);
            while let Some(end) = line.iter().position(|byte| *byte == b'\n') {
                let whole: Vec<u8> = line.drain(..=end).collect();
                let text = String::from_utf8_lossy(&whole);
                if MOVES.iter().any(|action| text.contains(action)) {
                    news.notify_one();
                }
            }
            true
        };
        loop {
            // Where nothing is told, as at the cloud, only the looks from time to time find changes.
            let (_, _) = tokio::join!(
                self.server.follow(self.data_dir, EVENTS, &mut any),
                self.server.follow(self.data_dir, REQUESTS, &mut moves),
            );
            clock.pause(self.every.saturating_mul(1000)).await;
        }
    }
}

/// The signals that reach this process.
struct Received {
    /// A child has ended.
    child: Signals,
    terminate: Signals,
    hangup: Signals,
    interrupt: Signals,
}

impl Received {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for a signal, and gives the one that the program must get too.
    async fn next(&mut self) -> Option<Signal> {
        tokio::select! {
            _ = self.child.recv() => None,
            _ = self.terminate.recv() => Some(Signal::TERM),
            _ = self.hangup.recv() => Some(Signal::HUP),
            // Ctrl-C on a terminal reaches the program by itself; this process only must not end before it.
            _ = self.interrupt.recv() => None,
        }
    }
}

/// Asks the program to end, and kills it when it does not.
async fn stop(child: &mut Child, received: &mut Received) -> anyhow::Result<()> {
    send(child, Some(Signal::TERM));
    let clock = ServerClock::default();
    let late = clock.pause(GRACE_MS);
    tokio::pin!(late);
    while child.try_wait()?.is_none() {
        tokio::select! {
            passed = received.next() => send(child, passed),
            () = &mut late => {
                child.kill()?;
                child.wait()?;
            }
        }
    }
    Ok(())
}

/// Sends a signal to a program that may have ended, but whose status is not taken yet, so that its id is still its own.
fn send(child: &Child, signal: Option<Signal>) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let (Some(id), Some(signal)) = (id, signal) {
        let _ended = kill_process(id, signal);
    }
}

/// The code of the program, or 128 and the number of the signal that ended it, as shells have it.
fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
