//! `sesame serve`.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::built_in_key::{self, is_public};
use super::files;
use super::startup::{self, DataLocation};
use super::{Auth, ServeArgs, client, tls, values};
use super::{descriptors, environment};
use crate::app::{App, NoProgress, NonceSettings, Parts};
use crate::config::Config;
use crate::domain::rotation::RotationSettings;
use crate::domain::rotation::rotators::Kind;
use crate::domain::{AccountId, Scope};
use crate::ports::{OsEntropy, ServerClock};
use crate::server::{self, AllowedHosts, AuthMode, Settings, url_of};
use crate::state::file::StateFile;
use crate::state::read::Reader;
use crate::state::{self, Problem, seed as seeds};
use crate::telemetry;

/// Starts the server, announces it, serves until a signal, stops.
pub(super) async fn run(args: ServeArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    telemetry::init(args.log_format, &args.log, std::io::stderr).context("--log")?;
    let unknown = environment::check()?;
    if !unknown.is_empty() {
        tracing::warn!("these environment variables are not settings of Sesame: {}", unknown.join(", "));
    }
    let mode = AuthMode::from(args.auth);
    let default_region = values::region(&args.region)?;
    let default_account = values::account_id(&args.account_id)?;
    client::check_token(args.admin_token.as_ref())?;
    let allowed_hosts = [args.tls.names()?, tls::names("--allow-host", &args.allow_host)?].concat();
    let seed = args.seed.as_deref().map(files::load).transpose()?;
    let config = Config::load(args.config.as_deref(), &default_account)?;
    check_commands(args.allow_commands, &config)?;
    let location = if args.in_memory {
        DataLocation::in_memory(&args.store)
    } else {
        DataLocation::from_args(&args.store)
    }?;
    // Everything that can fail without touching the disk comes first, the port included.
    let listener =
        TcpListener::bind(args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    let built_in =
        built_in_key::Guard { mode, address, allowed: args.allow_test_key, account: &default_account };
    // Before anything is created on disk. An existing database is checked once it is open, as it may hold an access key.
    if !location.may_hold_data() && !built_in.has_own_key(&config.accounts, seed.as_ref()) {
        built_in.refuse()?;
    }
    let bounds = descriptors::bounds(&config, &location);
    let clock = Arc::new(ServerClock::default());
    let tls = args.tls.open(&location, address.ip(), Arc::clone(&clock) as _)?;
    let opened = startup::open(&location, &args.store, &OsEntropy).await?;
    let parts = Parts {
        store: opened.store,
        clock: Arc::clone(&clock) as _,
        entropy: Arc::new(OsEntropy),
        limits: config.limits,
        cache_bytes: config.cache_bytes,
        accounts: config.accounts,
        resource_policies: config.resource_policies,
        faults: config.faults,
        rotation: RotationSettings { makes_users: mode == AuthMode::Open, ..config.rotation },
        nonces: NonceSettings { limits: config.nonces, database: location.file().map(Path::to_owned) },
        default_account: default_account.clone(),
        well_known_key: built_in.may_be_used(),
    };
    let seed_warnings = seed.iter().flat_map(state::warnings);
    let warnings: Vec<String> = config.warnings.into_iter().chain(seed_warnings).collect();
    let app = App::open(parts, opened.root).await.context("cannot open the database")?;
    if let (Some(file), Some(path)) = (&seed, &args.seed) {
        let scope = Scope { account: default_account.clone(), region: default_region.clone() };
        apply_seed(&app, scope, file).await.with_context(|| path.display().to_string())?;
    }
    if let Err(refusal) = built_in.check(&app.directory().current()) {
        app.close().await;
        return Err(refusal);
    }
    warn(mode, address, &app, &warnings);
    let place = format!("database {location}, region {default_region}");
    greet(out, mode, &app, &place, (address, &default_account))?;
    let settings = Settings {
        app,
        clock,
        mode,
        default_account,
        default_region,
        seed,
        admin_token: args.admin_token,
        allowed_hosts: AllowedHosts::new(allowed_hosts),
        tls,
        bounds,
        request_log: config.request_log,
    };
    let code = until_signalled(settings, listener).await?;
    // The lock is held until here, so that no second process opens the data.
    drop(opened.lock);
    Ok(code)
}

/// Refuses rotators that start programs, unless the command line allows it: whoever may write the configuration file could else
/// start programs.
fn check_commands(are_allowed: bool, config: &Config) -> anyhow::Result<()> {
    match config.rotation.rotators.of_kind(Kind::Command) {
        Some(rotator) if !are_allowed => anyhow::bail!(
            "rotator \"{}\" has kind command, which starts a program: allow it with --allow-commands (SESAME_ALLOW_COMMANDS=true)",
            rotator.name
        ),
        _ => Ok(()),
    }
}

async fn apply_seed(app: &App, scope: Scope, file: &StateFile) -> Result<(), Problem> {
    let now = app.clock().now();
    let reader = Reader { app, scope, now, source: None, beside: true, progress: &NoProgress };
    seeds::apply(&reader, file).await.map(drop)
}

/// Serves until the first signal asks for a stop; a second signal stops at once.
async fn until_signalled(settings: Settings, listener: TcpListener) -> std::io::Result<ExitCode> {
    let shutdown = CancellationToken::new();
    let serving = server::serve(settings, listener, shutdown.clone());
    let hard_stop = signals(shutdown);
    tokio::select! {
        () = serving => Ok(ExitCode::SUCCESS),
        stopped = hard_stop => stopped.map(|()| ExitCode::FAILURE),
    }
}

impl From<Auth> for AuthMode {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::Open => Self::Open,
            Auth::Signed => Self::Signed,
            Auth::Enforced => Self::Enforced,
        }
    }
}

/// Announces that the server is ready, with its address and data.
fn greet(
    out: &mut dyn Write,
    mode: AuthMode,
    app: &App,
    data: &str,
    (address, account): (SocketAddr, &AccountId),
) -> std::io::Result<()> {
    let (version, url) = (env!("CARGO_PKG_VERSION"), url_of(address));
    writeln!(out, "Sesame {version} at {url} (auth {}, {data}, account {account})", mode.as_str())?;
    if mode == AuthMode::Enforced {
        let [accounts, users, roles, keys] = app.directory().current().counts();
        writeln!(
            out,
            "Policies decide: {accounts} accounts, {users} users, {roles} roles, {keys} access keys."
        )?;
    }
    writeln!(out, "Ready.")?;
    if std::io::stdout().is_terminal() {
        writeln!(out, "  Settings of SDKs:  eval \"$(sesame env --url {url})\"")?;
        writeln!(out, "  A first secret:    sesame create app/db --generate --url {url}")?;
        writeln!(out, "  What happens:      sesame log --follow --url {url}")?;
        writeln!(out, "  Stop:              Ctrl-C")?;
    }
    out.flush()
}

/// Logs warnings about settings that nobody should run by accident.
fn warn(mode: AuthMode, address: SocketAddr, app: &App, mistakes: &[String]) {
    if mode == AuthMode::Open && is_public(address) {
        tracing::warn!(%address, "anyone who reaches this address can read and change every secret (--auth open)");
    }
    let extended = "generic_rotation is extended: RotateSecret and UpdateSecretRotationPolicy work on Generic secrets here, and the \
                    cloud refuses them";
    let faults = "rules of faults are in force: calls fail, wait or get no answer as they say";
    let settings = [(app.generic_rotates_by_call(), extended), (app.faults().any(), faults)];
    let in_force = settings.into_iter().filter_map(|(is_set, warning)| is_set.then_some(warning));
    for warning in mistakes.iter().map(String::as_str).chain(in_force) {
        tracing::warn!("{warning}");
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
