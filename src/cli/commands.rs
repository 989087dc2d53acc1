//! Small commands: healthcheck, check, migrate, actions, completions, man.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::ensure;
use bytes::Bytes;
use clap::{Args, CommandFactory};
use http::{HeaderMap, Method, StatusCode};

use super::client::Target;
use super::data_dir::DataDir;
use super::offline::open;
use super::progress::Bar;
use super::{StoreArgs, values};
use crate::actions::{self, Support};

/// The limit for a health check.
const PATIENCE: Duration = Duration::from_secs(3);

/// The server to check.
#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    #[command(flatten)]
    target: Target,
    /// Where the server on this machine listens. It is asked over HTTP when there is no --url; an address that stands for
    /// all of the machine's, such as 0.0.0.0, means the loopback address.
    #[arg(long, env = "SESAME_LISTEN", default_value = "127.0.0.1:7070", value_name = "ADDR")]
    #[arg(value_parser = values::listen)]
    listen: SocketAddr,
    #[command(flatten)]
    data_dir: DataDir,
}

/// Checks whether a server is ready.
pub(super) async fn healthcheck(args: &HealthcheckArgs) -> anyhow::Result<ExitCode> {
    ensure!(
        args.target.url.is_some() || args.listen.port() != 0,
        "SESAME_LISTEN leaves the port to the system: name the server with --url"
    );
    let client = args.target.client(args.data_dir.data_dir.as_deref(), reachable(args.listen), PATIENCE)?;
    let answer = client.send(Method::GET, "/_sesame/ready", HeaderMap::new(), Bytes::new()).await?;
    ensure!(answer.status == StatusCode::OK, "the server is not ready: it answers {}", answer.status);
    Ok(ExitCode::SUCCESS)
}

/// The address at which this machine reaches a server that listens on `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Checks every secret. Prints one line for each damaged place, then a summary.
pub(super) async fn check(args: &StoreArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (app, _lock) = open(args).await?;
    let bar = Bar::start("checking secrets");
    let (checked, damages) = app.check(&bar).await?;
    drop(bar);
    app.close().await;
    for damage in &damages {
        writeln!(out, "{}: {}", damage.place, damage.finding)?;
    }
    writeln!(out, "{checked} secrets checked, {} damaged places", damages.len())?;
    Ok(if damages.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Brings the database to this version's schema.
pub(super) async fn migrate(args: &StoreArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (app, _lock) = open(args).await?;
    app.close().await;
    writeln!(out, "The database is up to date.")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the table of actions.
pub(super) fn actions(out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    for action in actions::all() {
        let support = match action.support() {
            Support::Implemented => "implemented",
            Support::Refused => "refused",
        };
        let parameter =
            |p: &actions::Parameter| if p.required { p.name.to_owned() } else { format!("[{}]", p.name) };
        let parameters: Vec<String> = action.parameters().iter().map(parameter).collect();
        writeln!(out, "{:<32} {support:<12} {}", action.name(), parameters.join(" "))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a completion script.
pub(super) fn completions(shell: clap_complete::Shell, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::Cli::command(), "sesame", &mut script);
    out.write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page: the program's, then one section per command.
pub(super) fn man(out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut page = Vec::new();
    let command = super::Cli::command();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for sub in command.get_subcommands() {
        let name = format!("sesame-{}", sub.get_name());
        clap_mangen::Man::new(sub.clone()).title(name).render(&mut page)?;
    }
    out.write_all(&page)?;
    Ok(ExitCode::SUCCESS)
}
