//! `sesame template`: a file with secrets in it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use clap::Args;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::env::quoted;
use super::secrets::{SecretReference, Secrets};
use crate::cli::files;
use crate::cli::remote::api::{Api, Connection};
use crate::cli::remote::failure::{Failure, Kind, refusal};
use crate::ports::private_file::{self, Existing, PRIVATE};

/// The template, and where the result goes.
#[derive(Debug, Args)]
pub(in crate::cli) struct TemplateArgs {
    /// The template; - is standard input. {{ secret("app/db") }} is a value, {{ secret("app/db", "password") }} a member of a JSON
    /// value; stage="Next" or version="v2" choose another version. Filters: json, yaml and sh quote for these forms.
    file: PathBuf,
    /// The file to write, with mode 0600, completely or not at all [default: standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

/// What the functions of a template need.
struct Lookup {
    api: Api,
    secrets: Mutex<Secrets>,
    runtime: Handle,
    /// The first failure, whose kind the template's own error does not keep.
    failed: Mutex<Option<anyhow::Error>>,
}

pub(super) async fn run(args: &TemplateArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let text = files::text(&args.file)?;
    let api = args.connection.open().await?;
    let rendered = tokio::task::block_in_place(|| rendered(&args.file, &text, api))?;
    match &args.out {
        Some(file) => {
            private_file::write(file, rendered.as_bytes(), PRIVATE, Existing::Replace)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        None => out.write_all(rendered.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn rendered(file: &Path, text: &str, api: Api) -> anyhow::Result<Zeroizing<String>> {
    let lookup = std::sync::Arc::new(Lookup {
        api,
        secrets: Mutex::default(),
        runtime: Handle::current(),
        failed: Mutex::default(),
    });
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_syntax(SyntaxConfig::builder().keep_trailing_newline(true).build()?);
    let shared = std::sync::Arc::clone(&lookup);
    environment.add_function("secret", move |name: String, path: Option<String>, more: Kwargs| {
        shared.value(name, path.as_deref(), &more)
    });
    environment.add_filter("json", |value: Value| as_json(&value));
    environment.add_filter("yaml", |value: Value| as_json(&value));
    environment.add_filter("sh", |value: String| quoted(&value));
    let name = file.display().to_string();
    let made = environment.render_named_str(&name, text, ());
    if let Some(error) = lookup.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let kind = refusal(&error).map_or(Kind::Usage, |failure| failure.kind);
        let line = made.err().and_then(|error| error.line()).map(|line| format!(" line {line}"));
        let text = format!("{name}{}: {error:#}", line.unwrap_or_default());
        return Err(Failure::new(kind, text).into());
    }
    let made = made.map_err(|error| Failure::new(Kind::Usage, format!("{name}: {error}")))?;
    Ok(Zeroizing::new(made))
}

impl Lookup {
    fn value(&self, name: String, path: Option<&str>, more: &Kwargs) -> Result<String, Error> {
        let wanted = SecretReference { name, stage: more.get("stage")?, version: more.get("version")? };
        more.assert_all_used()?;
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        match self.runtime.block_on(secrets.text(&self.api, &wanted, path)) {
            Ok(text) => Ok(text.to_string()),
            Err(error) => {
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(Error::new(ErrorKind::InvalidOperation, "a secret cannot be read"))
            }
        }
    }
}

/// JSON, which is YAML too: a text in double quotes with escapes.
fn as_json(value: &Value) -> Result<String, Error> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    serde_json::to_string(&text).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}
