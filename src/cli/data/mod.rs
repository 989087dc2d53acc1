//! The commands that read and change secrets and keys, one per file. They send what official clients send, so they work with
//! any server of the API, the cloud included.

mod change;
mod create;
mod describe;
mod diff;
pub(super) mod get;
mod keys;
mod ls;
mod named;
pub(super) mod output;
mod promote;
mod put;
mod rm;
mod rollback;
mod rotate;
mod tag;
mod undelete;
mod untag;
mod value;
mod version_list;
pub(super) mod versions;
mod whoami;

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// List secrets.
    #[command(after_help = "Example: sesame ls app/ --tag team=payments")]
    Ls(ls::LsArgs),
    /// Print the value of a secret.
    #[command(after_help = "Example: sesame get app/db --json password")]
    Get(get::GetArgs),
    /// Create a secret with its first version.
    #[command(after_help = "Example: sesame create app/db --generate 32 --tag team=payments")]
    Create(create::CreateArgs),
    /// Store a new version of a secret; it becomes ACSCurrent unless --stage says otherwise.
    #[command(after_help = "Example: sesame put app/db --file password.txt --stage Next")]
    Put(put::PutArgs),
    /// List the versions of a secret with their labels, newest first.
    #[command(after_help = "Example: sesame versions app/db")]
    Versions(versions::VersionsArgs),
    /// Print what a secret is, without its value.
    #[command(after_help = "Example: sesame describe app/db --output yaml")]
    Describe(describe::DescribeArgs),
    /// Move a label to a version, ACSCurrent unless --stage says otherwise.
    #[command(after_help = "Example: sesame promote app/db v2")]
    Promote(promote::PromoteArgs),
    /// Make the version with ACSPrevious current again.
    #[command(after_help = "Example: sesame rollback app/db")]
    Rollback(rollback::RollbackArgs),
    /// Delete a secret; `sesame undelete` brings it back within the recovery window.
    #[command(after_help = "Example: sesame rm app/db --days 7")]
    Rm(rm::RmArgs),
    /// Bring a deleted secret back.
    #[command(after_help = "Example: sesame undelete app/db")]
    Undelete(undelete::UndeleteArgs),
    /// Set tags of a secret.
    #[command(after_help = "Example: sesame tag app/db team=payments stage=test")]
    Tag(tag::TagArgs),
    /// Remove tags of a secret.
    #[command(after_help = "Example: sesame untag app/db team")]
    Untag(untag::UntagArgs),
    /// Rotate a secret now.
    #[command(after_help = "Example: sesame rotate app/db")]
    Rotate(rotate::RotateArgs),
    /// Say what differs between two versions: names of members, and values only with --reveal.
    #[command(after_help = "Example: sesame diff app/config v1 v2")]
    Diff(diff::DiffArgs),
    /// List, create and change keys.
    #[command(after_help = "Example: sesame keys create --alias alias/app")]
    Keys(Box<keys::KeysArgs>),
    /// Say who the server takes you for.
    #[command(after_help = "Example: sesame whoami --profile staging")]
    Whoami(whoami::WhoamiArgs),
}

/// Runs a command; its result goes to `out`.
///
/// # Errors
/// What stopped it; the exit code follows from its kind.
pub(super) async fn run(command: &DataCommand, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match command {
        DataCommand::Ls(args) => ls::run(args, out).await?,
        DataCommand::Get(args) => get::run(args, out).await?,
        DataCommand::Create(args) => create::run(args, out).await?,
        DataCommand::Put(args) => put::run(args, out).await?,
        DataCommand::Versions(args) => versions::run(args, out).await?,
        DataCommand::Describe(args) => describe::run(args, out).await?,
        DataCommand::Promote(args) => promote::run(args, out).await?,
        DataCommand::Rollback(args) => rollback::run(args, out).await?,
        DataCommand::Rm(args) => rm::run(args, out).await?,
        DataCommand::Undelete(args) => undelete::run(args, out).await?,
        DataCommand::Tag(args) => tag::run(args, out).await?,
        DataCommand::Untag(args) => untag::run(args, out).await?,
        DataCommand::Rotate(args) => rotate::run(args, out).await?,
        DataCommand::Diff(args) => diff::run(args, out).await?,
        DataCommand::Keys(args) => keys::run(args, out).await?,
        DataCommand::Whoami(args) => whoami::run(args, out).await?,
    }
    Ok(ExitCode::SUCCESS)
}
