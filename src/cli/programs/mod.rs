//! The commands that hand secrets and settings to other programs.

mod doctor;
mod env;
mod run;
mod secrets;
mod template;
mod watch;

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum ProgramCommand {
    /// Print the settings that SDKs and these commands need, for a shell or a file.
    #[command(after_help = "Example: eval \"$(sesame env)\"")]
    Env(env::EnvArgs),
    /// Run a program with secrets in its environment.
    #[command(
        after_help = "Example: sesame run --env DB_PASSWORD=app/db --env-json app/config -- ./app --port 8080"
    )]
    Run(run::RunArgs),
    /// Look for what keeps commands and SDKs from the server; exit 1 when something is wrong.
    #[command(after_help = "Example: sesame doctor --url https://localhost:7070")]
    Doctor(doctor::DoctorArgs),
    /// Render a template with secrets.
    #[command(
        after_help = "Example: echo 'password: {{ secret(\"app/db\", \"password\") | yaml }}' | sesame template -"
    )]
    Template(template::TemplateArgs),
}

/// Runs a command; its result goes to `out`.
///
/// # Errors
/// What stopped it.
pub(super) async fn run(command: &ProgramCommand, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match command {
        ProgramCommand::Env(args) => env::run(args, out).await,
        ProgramCommand::Run(args) => run::run(args).await,
        ProgramCommand::Doctor(args) => doctor::run(args, out).await,
        ProgramCommand::Template(args) => template::run(args, out).await,
    }
}
