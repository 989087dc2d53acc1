//! The command line. Every flag has an environment variable `SESAME_<FLAG>`; the flag wins.

mod backup;
mod built_in_key;
mod client;
mod commands;
mod complete;
mod data;
mod data_dir;
mod database_lock;
mod descriptors;
mod environment;
mod files;
mod key_command;
mod offline;
mod policy;
mod programs;
mod progress;
mod rekey;
mod remote;
mod restore;
mod root_key;
mod running;
mod secret_files;
mod serve;
mod startup;
mod tls;

mod values;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::remote::failure::{Output, exit_code, is_closed_pipe};
use crate::telemetry::LogFormat;

/// The version, and the commit that it was built from.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("SESAME_COMMIT"), ")");

/// Alibaba Cloud Secrets Manager (KMS API 2016-01-20) as one small program.
#[derive(Debug, Parser)]
#[command(name = "sesame", version = VERSION, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// `sesame` without a command runs `serve`.
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    #[command(after_help = "Example: sesame serve --in-memory --seed seed.yaml")]
    Serve(Box<ServeArgs>),
    #[command(flatten)]
    Data(Box<data::DataCommand>),
    #[command(flatten)]
    Program(Box<programs::ProgramCommand>),
    #[command(flatten)]
    Running(Box<running::RunningCommand>),
    /// Exit 0 when the server is ready.
    #[command(after_help = "Example: sesame healthcheck --url http://127.0.0.1:7070")]
    Healthcheck(commands::HealthcheckArgs),
    /// Apply a seed to a running server: missing items are created, differing items are changed.
    #[command(after_help = "Example: sesame seed seed.yaml --url http://127.0.0.1:7070")]
    Seed(files::SeedArgs),
    /// Export accounts, keys and secrets, sealed unless --plaintext is given.
    #[command(after_help = "Example: sesame export --url http://127.0.0.1:7070 state.json")]
    Export(files::ExportArgs),
    /// Import an export.
    #[command(after_help = "Example: sesame import state.json --url http://127.0.0.1:7070 --replace")]
    Import(files::ImportArgs),
    /// Open every value, verify every invariant and report; exit 1 on damage.
    #[command(after_help = "Example: sesame check --data-dir /var/lib/sesame")]
    Check(StoreArgs),
    /// Copy the database of a running server, consistently.
    #[command(after_help = "Example: sesame backup sesame-copy.db --data-dir /var/lib/sesame")]
    Backup(backup::BackupArgs),
    /// Put a backup in the place of the database, checked first; no server may have the data open.
    #[command(after_help = "Example: sesame restore sesame-copy.db --data-dir /var/lib/sesame")]
    Restore(restore::RestoreArgs),
    /// Replace the root key of data that no server has open.
    #[command(after_help = "Example: sesame rekey --data-dir /var/lib/sesame")]
    Rekey(rekey::RekeyArgs),
    /// Print a completion script for a shell.
    #[command(after_help = "Example: source <(sesame completions bash)")]
    Completions {
        /// bash, zsh, fish, elvish or powershell.
        shell: clap_complete::Shell,
    },
    /// Print the manual pages, or write one file for each command into a directory.
    #[command(after_help = "Example: sesame man --dir /usr/local/share/man/man1")]
    Man {
        /// The directory, such as /usr/local/share/man/man1.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Print the names that fit the end of a line. Completion scripts ask for them.
    #[command(hide = true)]
    CompleteNames(complete::CompleteArgs),
    /// Run pending migrations and stop.
    #[command(after_help = "Example: sesame migrate --data-dir /var/lib/sesame")]
    Migrate(StoreArgs),
    /// Test policies without a server.
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Print the CA certificate that signs this data directory's server certificates; creates the CA if there is none.
    ///
    /// A server with --in-memory has no data directory and makes another CA at each start: take its certificate from
    /// http://127.0.0.1:7070/_sesame/ca.pem.
    #[command(after_help = "Example: sesame ca --data-dir /var/lib/sesame")]
    Ca(tls::CaArgs),
    /// List every action, whether it is implemented or refused, and its parameters.
    #[command(after_help = "Example: sesame actions | grep Secret")]
    Actions,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Tell whether a request would be allowed and which statements apply; exit 1 if not.
    #[command(
        after_help = "Example: sesame policy test --caller acs:ram::1000000000000001:root --action kms:GetSecretValue --resource '*'"
    )]
    Test(policy::TestArgs),
}

/// Which requests are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// Unsigned requests act as the root of the default account.
    Open,
    /// Every request carries a valid signature of a known, active access key.
    Signed,
    /// Signed, and RAM, secret and key policies decide.
    Enforced,
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
struct StoreArgs {
    /// Directory of sesame.db and root.key [default: the platform's data directory + /sesame].
    #[arg(long, env = "SESAME_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The database [default: SQLite in the data directory]: sqlite:PATH, or postgres://USER:PASSWORD@HOST:PORT/NAME.
    /// SESAME_DATABASE_FILE names a file with it.
    #[arg(long, env = "SESAME_DATABASE", value_name = "URL", hide_env_values = true)]
    database: Option<secrecy::SecretString>,
    /// The most connections to PostgreSQL.
    #[arg(long, env = "SESAME_DATABASE_CONNECTIONS", default_value_t = 10, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    database_connections: u32,
    #[command(flatten)]
    root: root_key::RootKeyArgs,
}

/// How to serve.
#[derive(Debug, Clone, Args)]
struct ServeArgs {
    /// Address to listen on; port 0 takes a free one, and a port alone means 127.0.0.1.
    #[arg(long, env = "SESAME_LISTEN", default_value = "127.0.0.1:7070", value_name = "ADDR")]
    #[arg(value_parser = values::listen)]
    listen: SocketAddr,
    #[command(flatten)]
    store: StoreArgs,
    /// Keep everything in memory; nothing touches the disk.
    #[arg(long, env = "SESAME_IN_MEMORY", value_parser = values::switch)]
    in_memory: bool,
    /// Which requests are accepted.
    #[arg(long, env = "SESAME_AUTH", value_enum, default_value = "open")]
    auth: Auth,
    /// Region of requests whose host names none.
    #[arg(long, env = "SESAME_REGION", default_value = values::DEFAULT_REGION, value_name = "ID")]
    region: String,
    /// Account of unsigned requests and of the built-in access key.
    #[arg(long, env = "SESAME_ACCOUNT_ID", default_value = values::DEFAULT_ACCOUNT, value_name = "ID")]
    account_id: String,
    /// Configuration file: accounts, users, roles, policies, access keys, limits, faults.
    #[arg(long, env = "SESAME_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Seed, applied before the server is ready: keys, secrets, versions, labels, tags, accounts.
    #[arg(long, env = "SESAME_SEED", value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Token for `/_sesame` (`Authorization: Bearer`). Without one, `/_sesame` is open in mode open and closed in the others.
    /// SESAME_ADMIN_TOKEN_FILE names a file with it.
    #[arg(long, env = "SESAME_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    admin_token: Option<secrecy::SecretString>,
    /// Host name to accept from requests without a signature or the admin token, in addition to localhost, addresses and
    /// service names. *.example.com matches one more label. Separate several by commas or repeat the flag.
    #[arg(long, env = "SESAME_ALLOW_HOST", value_name = "NAME", value_delimiter = ',')]
    allow_host: Vec<String>,
    /// Let rotators of kind command start programs, with the rights of this server.
    #[arg(long, env = "SESAME_ALLOW_COMMANDS", value_parser = values::switch)]
    allow_commands: bool,
    /// Accept the built-in access key `test` from other machines in enforced mode; for throw-away servers.
    #[arg(long, env = "SESAME_ALLOW_TEST_KEY", value_parser = values::switch)]
    allow_test_key: bool,
    #[command(flatten)]
    tls: tls::TlsArgs,
    /// Format of log lines.
    #[arg(long, env = "SESAME_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
    /// Which log lines are written: a level, or a filter such as sesame=debug.
    #[arg(long, env = "SESAME_LOG", default_value = "info", value_name = "FILTER")]
    log: String,
}

/// The whole program: parses the command line, runs the command, and reports an error as one line on standard error.
pub fn main() -> ExitCode {
    let cli = match secret_files::parse() {
        Ok(cli) => cli,
        Err(error) => return failed(&error),
    };
    let serves = matches!(cli.command, None | Some(Command::Serve(_)));
    let mut out = Output::standard();
    let ended = run(cli, &mut out).and_then(|code| out.flush().map(|()| code).map_err(Into::into));
    match ended {
        Ok(code) => code,
        // The reader of a list, such as `head`, has seen what it wanted. A server whose banner nobody reads has failed.
        Err(error) if !serves && is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Reports an error as one line on standard error.
fn failed(error: &anyhow::Error) -> ExitCode {
    let line = format!("sesame: {error:#}").replace('\n', " ");
    // Nothing is left to do when standard error cannot be written.
    drop(writeln!(std::io::stderr(), "{line}"));
    ExitCode::from(exit_code(error))
}

/// Runs a command; its results go to `out`, logs to standard error.
///
/// # Errors
/// What stopped it, as a chain that reads as one line.
fn run(cli: Cli, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match cli.command.unwrap_or_else(|| Command::Serve(Box::new(cli.serve))) {
        Command::Serve(args) => runtime()?.block_on(serve::run(*args, out)),
        Command::Data(command) => bounded(data::run(&command, out)),
        Command::Program(command) => bounded(programs::run(&command, out)),
        Command::Running(command) => bounded(running::run(&command, out)),
        Command::Healthcheck(args) => bounded(commands::healthcheck(&args)),
        Command::Seed(args) => bounded(files::seed(&args, out)),
        Command::Export(args) => runtime()?.block_on(files::export(&args, out)),
        Command::Import(args) => runtime()?.block_on(files::import(&args, out)),
        Command::Backup(args) => runtime()?.block_on(backup::backup(&args, out)),
        Command::Restore(args) => runtime()?.block_on(restore::restore(&args, out)),
        Command::Rekey(args) => runtime()?.block_on(rekey::rekey(&args, out)),
        Command::Completions { shell } => commands::completions(shell, out),
        Command::Man { dir } => commands::man(dir.as_deref(), out),
        Command::CompleteNames(args) => bounded(complete::run(&args, out)),
        Command::Check(args) => runtime()?.block_on(commands::check(&args, out)),
        Command::Migrate(args) => runtime()?.block_on(commands::migrate(&args, out)),
        Command::Policy { command: PolicyCommand::Test(args) } => policy::test(&args, out),
        Command::Ca(args) => tls::print_ca(&args, out),
        Command::Actions => commands::actions(out),
    }
}

/// Runs a command that talks to a server. It ends at its time limits, even while the system still looks up a name.
fn bounded(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    let ended = runtime.block_on(command);
    runtime.shutdown_background();
    ended
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
