//! The commands beside `serve`.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::CommandFactory;

use super::StoreArgs;
use super::progress::Bar;
use super::startup::{self, Place};
use crate::actions::{self, State};
use crate::app::{App, NonceSettings, Parts};
use crate::domain::Limits;
use crate::ports::{OsEntropy, ServerClock};

/// How long a health check may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks a server whether it is ready.
pub(super) fn healthcheck(url: &str) -> anyhow::Result<ExitCode> {
    let host = url.strip_prefix("http://").context("--url must begin with http://")?.trim_end_matches('/');
    let address = host.to_socket_addrs().with_context(|| format!("{host} is no host:port"))?.next();
    let address = address.with_context(|| format!("{host} has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).context("the server does not answer")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /_sesame/ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).context("the server does not answer")?;
    ensure!(head.ends_with(b" 200"), "the server is not ready");
    Ok(ExitCode::SUCCESS)
}

/// Opens the data, which must be there.
pub(super) async fn open(args: &StoreArgs) -> anyhow::Result<(Arc<App>, Option<std::fs::File>)> {
    let place = Place::from_args(args)?;
    if let Place::Files { database, .. } = &place {
        ensure!(database.exists(), "there is no database {}", database.display());
    }
    open_or_make(args).await
}

/// Opens the data, which is made when it is not there.
pub(super) async fn open_or_make(args: &StoreArgs) -> anyhow::Result<(Arc<App>, Option<std::fs::File>)> {
    let place = Place::from_args(args)?;
    let opened = startup::open(&place, args, &OsEntropy).await?;
    let parts = Parts {
        store: opened.store,
        clock: Arc::new(ServerClock::default()),
        entropy: Arc::new(OsEntropy),
        limits: Limits::default(),
        cache_bytes: 1024 * 1024,
        accounts: Vec::new(),
        default_account: "0".parse().context("an account id")?,
        well_known_key: true,
        resource_policies: true,
        faults: Vec::new(),
        // No request is answered: those that a server kept stay as they are.
        nonces: NonceSettings::default(),
    };
    Ok((App::open(parts, opened.root).await?, opened.lock))
}

/// Checks every secret; one line per damage, then a summary.
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
        let state = match action.state() {
            State::Real => "real",
            State::Refused => "refused",
        };
        let parameter =
            |p: &actions::Parameter| if p.required { p.name.to_owned() } else { format!("[{}]", p.name) };
        let parameters: Vec<String> = action.parameters().iter().map(parameter).collect();
        writeln!(out, "{:<32} {state:<8} {}", action.name(), parameters.join(" "))?;
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
