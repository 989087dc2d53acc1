//! Small commands: healthcheck, check, migrate, actions, completions, man.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use http::{HeaderMap, Method, StatusCode};

use super::client::{ServerUrl, Target};
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
    let listener = || ServerUrl::plain(reachable(args.listen));
    let url = args.target.url.clone().unwrap_or_else(listener);
    let target = Target { url: Some(url), ca: args.target.ca.clone() };
    let client = target.client(args.data_dir.data_dir.as_deref(), PATIENCE)?;
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

/// What the script of bash does first: names come from the program, everything else from the script.
const BASH: &str = r#"
_sesame_names() {
    local found
    if found="$("$1" complete-names -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)"; then
        local IFS=$'\n'
        COMPREPLY=($found)
    else
        _sesame "$@"
    fi
}
complete -F _sesame_names -o bashdefault -o default sesame
"#;
/// The same for zsh.
const ZSH: &str = r#"
_sesame_names() {
    local found
    if found="$("${words[1]}" complete-names -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)"; then
        compadd -- ${(f)found}
    else
        _sesame "$@"
    fi
}
"#;
/// The same for fish: a function that gives the names, offered where a command or one of these flags takes a value.
const FISH: &str = "
function __sesame_names
    sesame complete-names -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null
end
complete -c sesame -a '(__sesame_names)'
";
/// The flags whose values are names.
const NAMED_FLAGS: [&str; 6] =
    [" -l version ", " -l stage ", " -l key ", " -l profile ", " -l env ", " -l env-json "];

/// The script of fish, whose flags for names offer names.
fn fish(script: &str) -> String {
    let line = |line: &str| {
        let named = line.ends_with(" -r") && NAMED_FLAGS.iter().any(|flag| line.contains(flag));
        format!("{line}{}\n", if named { " -f -a '(__sesame_names)'" } else { "" })
    };
    script.lines().map(line).collect::<String>() + FISH
}

/// Prints a completion script.
pub(super) fn completions(shell: Shell, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::Cli::command(), "sesame", &mut script);
    let script = String::from_utf8(script).context("the script is not UTF-8")?;
    match shell {
        Shell::Bash => write!(out, "{script}{BASH}")?,
        Shell::Fish => out.write_all(fish(&script).as_bytes())?,
        Shell::Zsh => {
            // The end of the script starts the function or registers it.
            let end = script.rfind("if [ \"$funcstack[1]\"").context("the script has no known end")?;
            let (functions, start) = script.split_at(end);
            let start = start
                .replace("_sesame \"$@\"", "_sesame_names \"$@\"")
                .replace("compdef _sesame ", "compdef _sesame_names ");
            write!(out, "{functions}{}\n{start}", ZSH.trim_start())?;
        }
        _ => out.write_all(script.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual pages one after the other: the program's, then one per command and command below it. With a directory each
/// is a file of its own there.
pub(super) fn man(dir: Option<&Path>, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut root = super::Cli::command();
    root.build();
    for (name, page) in pages(&root, "sesame")? {
        match dir {
            None => out.write_all(&page)?,
            Some(dir) => {
                let file = dir.join(format!("{name}.1"));
                std::fs::write(&file, page).with_context(|| format!("cannot write {}", file.display()))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The pages of a command and of those below it.
fn pages(command: &Command, name: &str) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).title(name).render(&mut page)?;
    let mut all = vec![(name.to_owned(), page)];
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        all.extend(pages(below, &format!("{name}-{}", below.get_name()))?);
    }
    Ok(all)
}
