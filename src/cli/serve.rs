//! `sesame serve`.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::descriptors;
use super::files;
use super::startup::{self, Place};
use super::{Auth, ServeArgs};
use crate::app::{App, Parts, Unseen};
use crate::config::Config;
use crate::domain::{AccountId, Region, Scope};
use crate::ports::{OsEntropy, ServerClock};
use crate::server::{self, AuthMode, Settings, url_of};
use crate::state::read::Reader;
use crate::state::seed as seeds;
use crate::telemetry;

/// Starts, says so, serves until a signal, stops.
pub(super) async fn run(args: ServeArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    telemetry::init(args.log_format, &args.log, std::io::stderr).context("--log")?;
    let mode = match args.auth {
        Auth::Open => AuthMode::Open,
        Auth::Signed => AuthMode::Signed,
        Auth::Enforced => AuthMode::Enforced,
    };
    let default_region: Region =
        args.region.parse().with_context(|| format!("--region \"{}\" is no region id", args.region))?;
    let default_account: AccountId = args
        .account_id
        .parse()
        .with_context(|| format!("--account-id \"{}\" is no account id", args.account_id))?;
    let seed = args.seed.as_deref().map(files::load).transpose()?;
    let config = Config::load(args.config.as_deref(), &default_account)?;
    // Everything that can fail without touching the disk comes first: the port, too.
    let listener =
        TcpListener::bind(args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    let place = if args.in_memory { Place::Memory } else { Place::from_args(&args.store)? };
    let bounds = descriptors::bounds(&config, &place);
    let clock = Arc::new(ServerClock::default());
    let tls = args.tls.open(&place, address.ip(), Arc::clone(&clock) as _)?;
    let opened = startup::open(&place, &args.store, &OsEntropy).await?;
    let parts = Parts {
        store: opened.store,
        clock: Arc::clone(&clock) as _,
        entropy: Arc::new(OsEntropy),
        limits: config.limits,
        cache_bytes: config.cache_bytes,
        accounts: config.accounts,
        resource_policies: config.resource_policies,
        faults: config.faults,
        default_account: default_account.clone(),
    };
    let app = App::open(parts, opened.root).await.context("cannot open the database")?;
    if let (Some(file), Some(path)) = (&seed, &args.seed) {
        let scope = Scope { account: default_account.clone(), region: default_region.clone() };
        let now = app.clock().now();
        let reader = Reader { app: &app, scope, now, source: None, beside: true, progress: &Unseen };
        seeds::apply(&reader, file).await.with_context(|| path.display().to_string())?;
    }
    warn(mode, address, &app);
    writeln!(
        out,
        "Sesame {} at {} (auth {}, database {place}, region {default_region}, account {default_account})",
        env!("CARGO_PKG_VERSION"),
        url_of(address),
        mode.as_str()
    )?;
    if mode == AuthMode::Enforced {
        let [accounts, users, roles, keys] = app.directory().current().counts();
        writeln!(
            out,
            "Policies decide: {accounts} accounts, {users} users, {roles} roles, {keys} access keys."
        )?;
    }
    writeln!(out, "Ready.")?;
    out.flush()?;
    let settings = Settings {
        app,
        clock,
        mode,
        default_account,
        default_region,
        seed,
        admin_token: args.admin_token,
        tls,
        bounds,
    };
    let shutdown = CancellationToken::new();
    let serving = server::serve(settings, listener, shutdown.clone());
    let hard_stop = signals(shutdown);
    let code = tokio::select! {
        served = serving => served.map(|()| ExitCode::SUCCESS)?,
        stopped = hard_stop => stopped.map(|()| ExitCode::FAILURE)?,
    };
    // Held until here, so that no second process opens the data.
    drop(opened.lock);
    Ok(code)
}

/// Tells of what nobody should run by accident.
fn warn(mode: AuthMode, address: SocketAddr, app: &App) {
    if mode == AuthMode::Open && !address.ip().is_loopback() {
        tracing::warn!(%address, "anyone who reaches this address can read and change every secret (--auth open)");
    }
    if app.faults().any() {
        tracing::warn!("rules of faults are in force: calls fail, wait or get no answer as they say");
    }
}

/// Asks for a shutdown at the first SIGTERM or SIGINT, and returns at the second.
async fn signals(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    for round in 0..2 {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if round == 0 {
            tracing::info!("shutting down");
            shutdown.cancel();
        }
    }
    Ok(())
}
