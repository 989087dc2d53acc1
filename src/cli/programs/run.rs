//! `sesame run`: a program with secrets in its environment.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use clap::{Args, ValueEnum};
use rustix::process::Signal;
use secrecy::SecretString;
use serde_json::Value;

use super::secrets::{SecretReference, Secrets};
use super::watch::{Ended, Versions, Watch};
use crate::cli::client::AdminTarget;
use crate::cli::remote::api::{Api, Connection};
use crate::cli::remote::failure::usage;

/// The exit code when the program cannot be started, as shells have it.
const NOT_EXECUTABLE: u8 = 126;
/// The exit code when there is no such program, as shells have it.
const NO_SUCH_PROGRAM: u8 = 127;

/// The program and its secrets.
#[derive(Debug, Args)]
pub(in crate::cli) struct RunArgs {
    /// A variable and the secret that it gets: DB=app/db, one member of a JSON value DB=app/db#password, another label
    /// DB=app/db@Next.
    #[arg(long = "env", short = 'e', value_name = "NAME=SECRET", value_parser = variable)]
    variables: Vec<Variable>,
    /// A secret whose value is a JSON object: each member becomes a variable of its name.
    #[arg(long, value_name = "SECRET")]
    env_json: Vec<String>,
    /// Restart the program, or send it --signal, when a label of its secrets moves. A Sesame server tells so; any other is asked
    /// every --every seconds.
    #[arg(long)]
    watch: bool,
    /// Seconds between two looks of --watch.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "watch")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    every: u64,
    /// Send this signal instead of a restart.
    #[arg(long, value_enum, value_name = "SIGNAL", requires = "watch")]
    signal: Option<ReloadSignal>,
    /// The --admin-token of the server; with it, or where none is needed, --watch is told of changes as they happen.
    #[arg(long, env = "SESAME_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    admin_token: Option<SecretString>,
    #[command(flatten)]
    connection: Connection,
    /// The program and its arguments.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// A signal that tells a program to read its secrets again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReloadSignal {
    /// SIGHUP.
    Hup,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
}

/// A variable, a secret, and a member of its value.
#[derive(Debug, Clone)]
struct Variable {
    name: String,
    wanted: SecretReference,
    path: Option<String>,
}

/// Without --watch the program takes the place of this process, so that signals and the exit code are the program's own and
/// nothing keeps the values.
pub(super) async fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    hide_memory()?;
    let api = args.connection.open().await?;
    if !args.watch {
        let (mut command, _) = prepared(args, &api).await?;
        let error = command.exec();
        return not_started(&command, &error);
    }
    let signal = args.signal.map(|told| match told {
        ReloadSignal::Hup => Signal::HUP,
        ReloadSignal::Usr1 => Signal::USR1,
        ReloadSignal::Usr2 => Signal::USR2,
    });
    let server =
        AdminTarget { target: args.connection.target.clone(), admin_token: args.admin_token.clone() };
    let watch = Watch { api: &api, server, data_dir: args.connection.data_dir(), every: args.every, signal };
    loop {
        let (mut command, versions) = prepared(args, &api).await?;
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return not_started(&command, &error),
        };
        drop(command);
        if let Ended::Itself(code) = watch.run(child, versions).await? {
            return Ok(code);
        }
    }
}

/// No core file, and no look by other users, while values are in this process. The program that it starts is not hidden.
fn hide_memory() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

fn not_started(command: &Command, error: &io::Error) -> anyhow::Result<ExitCode> {
    let shown = command.get_program().to_string_lossy();
    let code = if error.kind() == io::ErrorKind::NotFound { NO_SUCH_PROGRAM } else { NOT_EXECUTABLE };
    writeln!(io::stderr(), "sesame: cannot run {shown}: {error}")?;
    Ok(ExitCode::from(code))
}

/// The program with its environment.
async fn prepared(args: &RunArgs, api: &Api) -> anyhow::Result<(Command, Versions)> {
    let (program, arguments) = args.command.split_first().ok_or_else(|| usage("the program is missing"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    let mut secrets = Secrets::default();
    for secret in &args.env_json {
        let wanted = wanted(secret);
        let text = secrets.text(api, &wanted, None).await?;
        let members: Option<Value> = serde_json::from_str(&text).ok();
        let Some(members) = members.as_ref().and_then(Value::as_object) else {
            return Err(usage(format!(
                "the value of {} is no JSON object, so it names no variables",
                wanted.name
            )));
        };
        for (name, value) in members {
            check_name(name).map_err(|why| usage(format!("the value of {}: {why}", wanted.name)))?;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            set(&mut command, name, &text)?;
        }
    }
    for variable in &args.variables {
        let text = secrets.text(api, &variable.wanted, variable.path.as_deref()).await?;
        set(&mut command, &variable.name, &text)?;
    }
    Ok((command, secrets.versions()))
}

fn set(command: &mut Command, name: &str, value: &str) -> anyhow::Result<()> {
    if value.contains('\0') {
        return Err(usage(format!("the value for {name} has a zero byte, which no variable can have")));
    }
    command.env(name, value);
    Ok(())
}

/// Reads `NAME=SECRET[@LABEL][#PATH]`.
fn variable(text: &str) -> Result<Variable, String> {
    const FORM: &str =
        "write NAME=SECRET, such as DB_PASSWORD=app/db, DB_PASSWORD=app/db#password or DB_NEXT=app/db@Next";
    let (name, secret) = text.split_once('=').ok_or(FORM)?;
    check_name(name).map_err(|why| format!("{why}: {FORM}"))?;
    let (secret, path) = secret.split_once('#').map_or((secret, None), |(secret, path)| (secret, Some(path)));
    if secret.is_empty() || path == Some("") {
        return Err(FORM.to_owned());
    }
    Ok(Variable { name: name.to_owned(), wanted: wanted(secret), path: path.map(str::to_owned) })
}

/// Reads `SECRET[@LABEL]`. Names of secrets may have an @, so only the last one counts, and only before a word.
fn wanted(text: &str) -> SecretReference {
    let (name, stage) = match text.rsplit_once('@') {
        Some((name, stage)) if !name.is_empty() && !stage.is_empty() => (name, Some(stage.to_owned())),
        _ => (text, None),
    };
    SecretReference { name: name.to_owned(), stage, version: None }
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = |(place, byte): (usize, u8)| {
        byte == b'_' || byte.is_ascii_alphabetic() || place > 0 && byte.is_ascii_digit()
    };
    if name.is_empty() || !name.bytes().enumerate().all(fits) {
        return Err(format!("\"{name}\" is no name of a variable (letters, digits and _)"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_names_a_secret_a_label_and_a_member() {
        let read = variable("DB=app/db@Next#a.b").unwrap();
        assert_eq!(
            (read.name.as_str(), read.wanted.name.as_str(), read.path.as_deref()),
            ("DB", "app/db", Some("a.b"))
        );
        assert_eq!(read.wanted.stage.as_deref(), Some("Next"));
        assert_eq!(variable("A1=b").unwrap().wanted, wanted("b"));
        for wrong in ["A", "=b", "A=", "1A=b", "A-B=c", "A=b#"] {
            assert!(variable(wrong).unwrap_err().contains("DB_PASSWORD=app/db"), "{wrong}");
        }
    }
}
