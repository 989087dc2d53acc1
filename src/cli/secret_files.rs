//! Secrets in files: each variable with a secret has a twin `…_FILE`, which names a file that holds the value.
//!
//! Container engines and systemd hand over secrets as files, because other users and programs can read the environment
//! of a process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Command, CommandFactory, FromArgMatches};

use super::Cli;
use super::root_key::secret_text;

/// The end of a twin's name.
const END: &str = "_FILE";

/// The twins of all secret variables of a command: the id of the argument, its variable, its twin. A variable that has a
/// setting under the twin's name needs none.
fn twins(command: &Command) -> Vec<(String, String, String)> {
    let names = |arg: &clap::Arg| arg.get_env().map(|name| name.to_string_lossy().into_owned());
    let settings: Vec<String> = command.get_arguments().filter_map(names).collect();
    let secrets = command.get_arguments().filter(|arg| arg.is_hide_env_values_set());
    let all = secrets.filter_map(|arg| Some((arg.get_id().to_string(), names(arg)?)));
    let all = all.map(|(id, name)| (id, name.clone(), format!("{name}{END}")));
    all.filter(|(_, _, twin)| !settings.contains(twin)).collect()
}

/// The names of the twins of a command, not of its subcommands.
pub(super) fn names(command: &Command) -> impl Iterator<Item = String> + use<> {
    twins(command).into_iter().map(|(_, _, twin)| twin)
}

/// Parses the command line. The value of a secret comes from the flag, the variable, or the file that its twin names.
///
/// # Errors
/// When a file cannot be read, or a variable and its twin are both set. Mistakes on the command line end the process, as
/// in [`clap::Parser::parse`].
pub(super) fn parse() -> anyhow::Result<Cli> {
    let mut command = Cli::command();
    // Only the command that runs reads files.
    let looked = command.clone().ignore_errors(true).try_get_matches_from(std::env::args_os());
    let mut path = Vec::new();
    let mut at = looked.as_ref().ok();
    while let Some((name, inside)) = at.and_then(|matches| matches.subcommand()) {
        path.push(name.to_owned());
        at = Some(inside);
    }
    #[expect(clippy::disallowed_methods, reason = "the twins are no settings of the parser")]
    let variable = |name: &str| std::env::var_os(name);
    fill(&mut command, &path, &variable)?;
    let matches = command.get_matches();
    Cli::from_arg_matches(&matches).map_err(|error| error.exit())
}

/// Gives the arguments of the command at `path` the values of their files.
fn fill(
    command: &mut Command,
    path: &[String],
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> anyhow::Result<()> {
    if let Some((first, rest)) = path.split_first() {
        return command.find_subcommand_mut(first).map_or(Ok(()), |inside| fill(inside, rest, variable));
    }
    for (id, name, twin) in twins(command) {
        let Some(file) = variable(&twin) else { continue };
        ensure!(variable(&name).is_none(), "{name} and {twin} exclude each other: unset one of them");
        let file = PathBuf::from(file);
        let value = value_in(&file).with_context(|| format!("{twin}: cannot read {}", file.display()))?;
        // The parser keeps the value for as long as the process runs, as the environment keeps a variable.
        let value: &'static str = String::leak(value);
        *command = command.clone().mut_arg(id, |arg| arg.default_value(value).hide_default_value(true));
    }
    Ok(())
}

/// The value in a file, without the end of its last line.
fn value_in(file: &Path) -> std::io::Result<String> {
    let text = secret_text(file)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}
