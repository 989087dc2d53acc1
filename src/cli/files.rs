//! `sesame seed`, `export` and `import`, and reading files for them and for `serve --seed`.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use clap::Args;
use http::Method;

use super::client::AdminTarget;
use super::data_dir::DataDir;
use super::offline::{open, open_or_make};
use super::progress::Bar;
use super::{StoreArgs, root_key, values};
use crate::app::AppError;
use crate::domain::Scope;
use crate::identities::file::Hidden;
use crate::ports::private_file::{self, Existing, PRIVATE};
use crate::state::file::StateFile;
use crate::state::parse::parse;
use crate::state::read::Reader;
use crate::state::warnings;
use crate::state::write::{Form, write};
use crate::store::ReplaceScope;

/// The error for an answer of a program that is not Sesame.
const FOREIGN: &str = "the server is not Sesame, or of another version: its answer has not the expected form";

/// Arguments of `sesame seed`.
#[derive(Debug, Args)]
pub(super) struct SeedArgs {
    /// The seed: YAML or JSON.
    file: PathBuf,
    #[command(flatten)]
    server: AdminTarget,
    #[command(flatten)]
    data_dir: DataDir,
}

/// Arguments of `sesame export`.
#[derive(Debug, Args)]
#[command(mut_arg("url", |url| url.help("The running server, http:// or https://, to ask instead of opening the data")))]
pub(super) struct ExportArgs {
    /// The file to write; standard output when absent. JSON when the name ends in .json, YAML otherwise.
    file: Option<PathBuf>,
    /// Write values, key material and access keys readable, for another root key.
    #[arg(long)]
    plaintext: bool,
    /// Export only this account.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[command(flatten)]
    server: AdminTarget,
    #[command(flatten)]
    store: StoreArgs,
}

/// Arguments of `sesame import`.
#[derive(Debug, Args)]
#[command(mut_arg("url", |url| url.help("The running server, http:// or https://, to put it into instead of opening the data")))]
pub(super) struct ImportArgs {
    /// The export: YAML or JSON; - is standard input.
    file: PathBuf,
    /// Replace the existing data; without this flag the data must be empty.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    server: AdminTarget,
    /// The root key file of the installation that the sealed export comes from.
    #[arg(long, env = "SESAME_SOURCE_ROOT_KEY_FILE", value_name = "FILE")]
    source_root_key_file: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

/// The text of a file; - is standard input.
///
/// # Errors
/// It cannot be read, or is not UTF-8.
pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads a file and fills in the values that it takes from environment variables and other files.
///
/// # Errors
/// One line that names file, line and field.
pub(super) fn load(path: &Path) -> anyhow::Result<StateFile> {
    let shown = path.display();
    let mut file = parse(&text(path)?).with_context(|| shown.to_string())?;
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    for (at, secret) in file.secrets.iter_mut().enumerate() {
        for (n, version) in secret.value.versions.iter_mut().enumerate() {
            let position = || {
                format!("{shown}: line {}: secrets[{at}].versions[{n}].value_from", version.defined.line())
            };
            let Some(source) = &version.value.value_from else { continue };
            let given = [source.env.is_some(), source.file.is_some(), source.generate.is_some()];
            ensure!(
                given.iter().filter(|given| **given).count() == 1,
                "{}: exactly one of env, file, generate",
                position()
            );
            let value = match (&source.env, &source.file) {
                #[expect(clippy::disallowed_methods, reason = "the seed names the variable")]
                (Some(name), _) => std::env::var(name)
                    .with_context(|| format!("{}.env: the environment has no {name}", position()))?,
                (_, Some(name)) => std::fs::read_to_string(dir.join(name))
                    .with_context(|| format!("{}.file: cannot read {name}", position()))?,
                (None, None) => continue,
            };
            version.value.value = Some(Hidden::from(value.as_str()));
            version.value.value_from = None;
        }
    }
    Ok(file)
}

/// Prints warnings about a file to standard error.
fn warn(warnings: &[String]) {
    for warning in warnings {
        // If standard error is closed, there is nowhere left to report it.
        drop(writeln!(std::io::stderr(), "warning: {warning}"));
    }
}

/// A file as the body of a request. Its memory is wiped after sending.
fn body(file: &StateFile) -> anyhow::Result<Bytes> {
    Ok(Bytes::from_owner(zeroize::Zeroizing::new(serde_json::to_vec(file)?)))
}

/// Seeds a running server.
pub(super) async fn seed(args: &SeedArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let file = load(&args.file)?;
    let _bar = Bar::start("seeding");
    let dir = args.data_dir.data_dir.as_deref();
    let answer = args.server.call(dir, Method::POST, "/_sesame/seed", body(&file)?).await;
    let answer = answer.with_context(|| args.file.display().to_string())?;
    let counts: serde_json::Value = serde_json::from_slice(&answer).context(FOREIGN)?;
    let count = |name: &str| counts.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
    writeln!(
        out,
        "{} created, {} changed, {} unchanged",
        count("created"),
        count("changed"),
        count("unchanged")
    )?;
    warn(&warnings(&file));
    Ok(ExitCode::SUCCESS)
}

/// Exports accounts, keys and secrets.
pub(super) async fn export(args: &ExportArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let file: StateFile = if args.server.target.url.is_some() {
        let mut path = "/_sesame/state?".to_owned();
        if args.plaintext {
            path.push_str("plaintext=true&");
        }
        if let Some(account) = &args.account {
            ensure!(
                account.bytes().all(|b| b.is_ascii_digit()),
                "--account \"{account}\" is not a valid account id"
            );
            path.push_str("account=");
            path.push_str(account);
        }
        let _bar = Bar::start("exporting");
        let dir = args.store.data_dir.as_deref();
        let answer = args.server.call(dir, Method::GET, &path, Bytes::new()).await?;
        serde_json::from_slice(&answer).context(FOREIGN)?
    } else {
        let account = args.account.as_deref().map(str::parse).transpose();
        let account = account.ok().context("--account is not a valid account id")?;
        let (app, _lock) = open(&args.store).await?;
        let bar = Bar::start("reading");
        let contents = app.snapshot(account.as_ref()).await?;
        bar.next("exporting secrets");
        let form = if args.plaintext { Form::Plaintext } else { Form::Sealed };
        let file = write(&app, &contents, form, &bar).await;
        app.close().await;
        file?
    };
    let is_json = args.file.as_ref().is_some_and(|path| path.extension().is_some_and(|e| e == "json"));
    let text = if is_json { serde_json::to_string_pretty(&file)? } else { serde_saphyr::to_string(&file)? };
    let text = zeroize::Zeroizing::new(text);
    match &args.file {
        None => writeln!(out, "{}", text.trim_end())?,
        Some(path) => private_file::write(path, text.as_bytes(), PRIVATE, Existing::Replace)
            .with_context(|| format!("cannot write {}", path.display()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Imports an export.
pub(super) async fn import(args: &ImportArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let file = load(&args.file)?;
    if args.server.target.url.is_some() {
        ensure!(args.replace, "importing into a running server replaces everything in it: pass --replace");
        ensure!(args.source_root_key_file.is_none(), "--source-root-key-file cannot be combined with --url");
        let _bar = Bar::start("importing");
        let dir = args.store.data_dir.as_deref();
        let answer = args.server.call(dir, Method::PUT, "/_sesame/state", body(&file)?).await;
        answer.with_context(|| args.file.display().to_string())?;
        writeln!(out, "{} keys, {} secrets imported", file.keys.len(), file.secrets.len())?;
        warn(&warnings(&file));
        return Ok(ExitCode::SUCCESS);
    }
    let (app, _lock) = open_or_make(&args.store).await?;
    let imported = put(&app, args, &file).await;
    app.close().await;
    let (keys, secrets) = imported?;
    writeln!(out, "{keys} keys, {secrets} secrets imported")?;
    warn(&warnings(&file));
    Ok(ExitCode::SUCCESS)
}

async fn put(app: &crate::app::App, args: &ImportArgs, file: &StateFile) -> anyhow::Result<(usize, usize)> {
    const NOT_EMPTY: &str = "the data is not empty; pass --replace to replace it";
    if !args.replace && !app.snapshot(None).await?.is_empty() {
        bail!(NOT_EMPTY);
    }
    let source = args.source_root_key_file.as_deref().map(root_key::read).transpose()?;
    let scope = Scope { account: values::DEFAULT_ACCOUNT.parse()?, region: values::DEFAULT_REGION.parse()? };
    let bar = Bar::start("importing secrets");
    let reader = Reader { app, scope, now: app.clock().now(), source, beside: false, progress: &bar };
    let contents = reader.read(file).await.with_context(|| args.file.display().to_string())?;
    let counts = (contents.keys.len(), contents.secrets.len());
    bar.next("storing");
    // Another process may have stored something meanwhile, which must not be lost.
    let instead = if args.replace { ReplaceScope::Everything } else { ReplaceScope::Nothing };
    match app.put_snapshot(instead, Arc::new(contents)).await {
        Err(AppError::Busy) => bail!(NOT_EMPTY),
        put => put?,
    }
    Ok(counts)
}
