//! The commands that ask a running Sesame about itself or change it: its clock, its faults, its snapshots. The cloud has nothing
//! of this, so it is never asked.

mod clock;
mod fault;
mod instance;
mod log;
mod reset;
mod snapshot;
mod status;

pub(super) use self::snapshot::names as snapshot_names;

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum RunningCommand {
    /// Say whether the server is ready, and what differs from a fresh one.
    #[command(after_help = "Example: sesame status --output json")]
    Status(status::StatusArgs),
    /// Read or move the server's clock.
    #[command(
        after_help = "Examples: sesame clock; sesame clock +7d; sesame clock 2027-01-01; sesame clock resume"
    )]
    Clock(clock::ClockArgs),
    /// Remove all secrets, keys and faults, or those of one account.
    #[command(after_help = "Example: sesame reset --to seed")]
    Reset(reset::ResetArgs),
    /// Keep and restore copies of all data in the server's memory.
    #[command(after_help = "Example: sesame snapshot save base")]
    Snapshot(snapshot::SnapshotArgs),
    /// Make calls fail, wait or get no answer, to test clients.
    #[command(after_help = "Example: sesame fault add throttle GetSecretValue 3")]
    Fault(fault::FaultArgs),
    /// Print the requests that the server has answered; values are never among it.
    #[command(after_help = "Example: sesame log --follow --action GetSecretValue")]
    Log(log::LogArgs),
}

/// Runs a command; its result goes to `out`.
///
/// # Errors
/// What stopped it.
pub(super) async fn run(command: &RunningCommand, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match command {
        RunningCommand::Status(args) => status::run(args, out).await?,
        RunningCommand::Clock(args) => clock::run(args, out).await?,
        RunningCommand::Reset(args) => reset::run(args, out).await?,
        RunningCommand::Snapshot(args) => snapshot::run(args, out).await?,
        RunningCommand::Fault(args) => fault::run(args, out).await?,
        RunningCommand::Log(args) => log::run(args, out).await?,
    }
    Ok(ExitCode::SUCCESS)
}
