//! `sesame complete-names`: what completion scripts ask for. The scripts know commands and flags; names of secrets, versions,
//! labels, keys, snapshots and profiles come from here.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, Args, Command, CommandFactory, FromArgMatches};
use serde_json::Value;

use super::data::output::member;
use super::data::versions;
use super::remote::api::{Api, Connection};
use super::remote::credentials::profile_names;
use super::running::snapshot_names;

/// The limit for an answer. A shell waits for it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The line that is completed.
#[derive(Debug, Args)]
pub(super) struct CompleteArgs {
    /// The words after `sesame`, the last one being the one to complete.
    #[arg(last = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// What kind of name is expected at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Secret,
    Version,
    Label,
    Key,
    Snapshot,
    Profile,
}

/// What a line says up to its last word.
#[derive(Debug)]
struct Line {
    kind: Kind,
    /// What is in front of the name in its word: `DB=` of `DB=app/db`.
    before: String,
    /// The beginning of the name.
    begun: String,
    /// The secret that the line names.
    secret: Option<String>,
    /// The words that say which server is meant, and as whom.
    connection: Vec<String>,
}

/// Prints the names that fit, one a line; exit 1 where no name is expected. Nothing is said about errors, because a line is
/// being typed.
pub(super) async fn run(args: &CompleteArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let Some(line) = read(&args.words) else { return Ok(ExitCode::FAILURE) };
    let asked = tokio::time::timeout(TIMEOUT, names(&line)).await;
    let mut names = asked.ok().and_then(Result::ok).unwrap_or_default();
    names.retain(|name| name.starts_with(&line.begun) && !name.chars().any(char::is_control));
    names.sort();
    names.dedup();
    for name in names {
        writeln!(out, "{}{name}", line.before)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn names(line: &Line) -> anyhow::Result<Vec<String>> {
    let command = Connection::augment_args(Command::new("sesame").no_binary_name(true));
    let matches = command.try_get_matches_from(&line.connection)?;
    let connection = Connection::from_arg_matches(&matches)?;
    match line.kind {
        Kind::Profile => return Ok(profile_names()),
        Kind::Snapshot => return snapshot_names(&connection).await,
        _ => {}
    }
    let api = connection.open().await?;
    let of_secret = || versions::listed(&api, line.secret.as_deref().unwrap_or_default());
    match line.kind {
        Kind::Secret => members(&api, ("ListSecrets", "SecretList", "Secret"), &["SecretName"]).await,
        Kind::Key => {
            let mut all = members(&api, ("ListAliases", "Aliases", "Alias"), &["AliasName"]).await?;
            all.extend(members(&api, ("ListKeys", "Keys", "Key"), &["KeyId"]).await?);
            Ok(all)
        }
        Kind::Version => Ok(of_secret().await?.iter().map(|version| member(version, "VersionId")).collect()),
        Kind::Label => Ok(of_secret().await?.iter().flat_map(versions::labels).collect()),
        Kind::Snapshot | Kind::Profile => Ok(Vec::new()),
    }
}

async fn members(
    api: &Api,
    (action, wrapper, item): (&str, &str, &str),
    names: &[&str],
) -> anyhow::Result<Vec<String>> {
    let all: Vec<Value> = api.list(action, &[], (wrapper, item)).await?;
    Ok(all.iter().flat_map(|one| names.iter().map(|name| member(one, name))).collect())
}

/// Finds out which name is expected at the end of a line; `None` when none is.
fn read(words: &[String]) -> Option<Line> {
    let (words, joined) = joined(words);
    let (last, earlier) = words.split_last()?;
    let root = super::Cli::command();
    let mut command = &root;
    let mut path = Vec::new();
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    let mut connection = Vec::new();
    let (mut places, mut waiting): (usize, Option<&Arg>) = (0, None);
    for word in earlier {
        if let Some(arg) = waiting.take() {
            given.insert(arg.get_id().to_string(), word.clone());
            connection.extend(of_connection(arg).map(|flag| format!("{flag}={word}")));
        } else if word == "--" {
            return None;
        } else if let Some(flag) = word.strip_prefix('-') {
            waiting = flag_of(command, flag).filter(|arg| takes_value(arg));
        } else if let Some(below) = command.find_subcommand(word).filter(|_| places == 0) {
            path.push(below.get_name());
            command = below;
        } else {
            if let Some(arg) = command.get_positionals().nth(places) {
                given.insert(arg.get_id().to_string(), word.clone());
            }
            places += 1;
        }
    }
    let arg = match waiting {
        Some(arg) => arg,
        None if last.starts_with('-') => return None,
        None => command.get_positionals().nth(places)?,
    };
    let id = arg.get_id().as_str();
    let kind = kind_of(&path, id)?;
    let (before, begun) = match last.split_once('=') {
        Some((variable, secret)) if id == "variables" => (format!("{variable}="), secret),
        None if id == "variables" => return None,
        _ => (String::new(), last.as_str()),
    };
    let begun = begun.to_owned();
    let before = if joined { String::new() } else { before };
    Some(Line { kind, before, begun, secret: given.remove("name"), connection })
}

/// Bash hands `DB=app/db` over as three words. They are joined again; the flag tells that the last word was.
fn joined(words: &[String]) -> (Vec<String>, bool) {
    let mut all: Vec<String> = Vec::new();
    let (mut after_equals, mut last_joined) = (false, false);
    for word in words {
        last_joined = word == "=" || after_equals;
        match all.last_mut() {
            Some(before) if last_joined => before.push_str(word),
            _ => all.push(word.clone()),
        }
        after_equals = word == "=";
    }
    (all, last_joined)
}

fn flag_of<'a>(command: &'a Command, flag: &str) -> Option<&'a Arg> {
    let named = |arg: &&Arg| match flag.strip_prefix('-') {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|short| flag.chars().eq([short])),
    };
    command.get_arguments().find(named)
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values() && arg.get_num_args().is_none_or(|count| count.min_values() > 0)
}

/// The flag, when it is one of those that say where and as whom.
fn of_connection(arg: &Arg) -> Option<String> {
    let long = arg.get_long()?;
    let known = Connection::augment_args(Command::new("sesame"));
    known.get_arguments().any(|arg| arg.get_long() == Some(long)).then(|| format!("--{long}"))
}

fn kind_of(path: &[&str], id: &str) -> Option<Kind> {
    match (path, id) {
        (_, "profile") => Some(Kind::Profile),
        (["snapshot", "restore" | "rm" | "save"], "name") => Some(Kind::Snapshot),
        (["keys", ..] | ["create"], "key") => Some(Kind::Key),
        (["create"] | ["snapshot", ..], _) => None,
        (_, "name" | "env_json" | "variables") | (["ls"], "prefix") => Some(Kind::Secret),
        (["get" | "promote"], "version") | (["diff"], "first" | "second") => Some(Kind::Version),
        (["get" | "promote" | "put"], "stage") => Some(Kind::Label),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<(Kind, String, Option<String>)> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        read(&words).map(|line| (line.kind, format!("{}|{}", line.before, line.begun), line.secret))
    }

    #[test]
    fn the_end_of_a_line_tells_which_name_is_expected() {
        for (line, kind, word, secret) in [
            ("get ", Kind::Secret, "|", None),
            ("get app/", Kind::Secret, "|app/", None),
            ("get --output json app", Kind::Secret, "|app", None),
            ("get app/db --version ", Kind::Version, "|", Some("app/db")),
            ("get app/db --stage N", Kind::Label, "|N", Some("app/db")),
            ("promote app/db v", Kind::Version, "|v", Some("app/db")),
            ("diff app/db v1 ", Kind::Version, "|", Some("app/db")),
            ("ls -o json ap", Kind::Secret, "|ap", None),
            ("ls --profile s", Kind::Profile, "|s", None),
            ("keys describe al", Kind::Key, "|al", None),
            ("create app/new --key ", Kind::Key, "|", Some("app/new")),
            ("snapshot restore b", Kind::Snapshot, "|b", None),
            ("run --env DB=app/", Kind::Secret, "DB=|app/", None),
            ("run --env DB = app/", Kind::Secret, "|app/", None),
            ("run --env DB =", Kind::Secret, "|", None),
            ("run --env-json a", Kind::Secret, "|a", None),
        ] {
            let want = (kind, word.to_owned(), secret.map(str::to_owned));
            assert_eq!(of(line), Some(want), "{line}");
        }
        for line in
            ["", "g", "get -", "create ", "run -- sh ", "run --env D", "clock ", "put a --generate 32 b c"]
        {
            assert_eq!(of(line), None, "{line}");
        }
    }

    #[test]
    fn the_server_that_the_line_names_is_asked() {
        let words = ["get", "--url", "http://127.0.0.1:1", "--output", "json", "--profile", "p", "a"];
        let line = read(&words.map(str::to_owned)).unwrap();
        assert_eq!(line.connection, ["--url=http://127.0.0.1:1", "--profile=p"]);
    }
}
