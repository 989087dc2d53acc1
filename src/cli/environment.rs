//! Checks the variables `SESAME_…` of the environment. A variable whose name is almost that of a setting is a mistake and
//! stops the start, so that a misspelt SESAME_AUTH does not open a server to everybody.

use std::collections::BTreeSet;

use anyhow::bail;
use clap::{Command, CommandFactory};

use crate::domain::nearest::within;

/// The prefix of all settings.
const PREFIX: &str = "SESAME_";
/// A name with at most this many wrong characters is taken for a misspelt setting.
const NEAR: usize = 2;
/// Names of at most this length, after the prefix, count as near only with one wrong character: with two, every short name
/// would be near to them.
const SHORT: usize = 2;
/// Names that belong to others: to compose.yaml, and to the environment of programs that rotate secrets.
const OF_OTHERS: [&str; 7] = [
    "SESAME_IMAGE",
    "SESAME_PUBLISHED_PORT",
    "SESAME_STEP",
    "SESAME_SECRET_NAME",
    "SESAME_SECRET_ARN",
    "SESAME_VERSION_ID",
    "SESAME_ATTEMPT",
];

/// The variables of all commands.
pub(super) fn known() -> BTreeSet<String> {
    fn collect(command: &Command, all: &mut BTreeSet<String>) {
        let names = command.get_arguments().filter_map(|argument| argument.get_env());
        all.extend(names.map(|name| name.to_string_lossy().into_owned()));
        all.extend(super::secret_files::names(command));
        command.get_subcommands().for_each(|command| collect(command, all));
    }
    let mut all = BTreeSet::new();
    collect(&super::Cli::command(), &mut all);
    all
}

/// Checks the variables of this process and returns those that are neither settings nor near to one.
///
/// # Errors
/// One line that names a misspelt variable and the nearest setting.
pub(super) fn check() -> anyhow::Result<Vec<String>> {
    let all = std::env::vars_os();
    unknown(all.map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into())))
}

/// A name in the spelling of settings, for comparing: upper case, with underscores.
fn spelt_as_setting(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

fn unknown(variables: impl Iterator<Item = (String, String)>) -> anyhow::Result<Vec<String>> {
    let is_ours = |(name, value): &(String, String)| {
        let spelt = spelt_as_setting(name);
        spelt.starts_with(PREFIX) && !OF_OTHERS.contains(&spelt.as_str()) && !is_service_link(&spelt, value)
    };
    let ours: Vec<String> = variables.filter(is_ours).map(|(name, _)| name).collect();
    if ours.is_empty() {
        return Ok(Vec::new());
    }
    let known = known();
    let mut unknown = Vec::new();
    for name in ours.into_iter().filter(|name| !known.contains(name)) {
        let spelt = spelt_as_setting(&name);
        let (short, long): (Vec<&str>, Vec<&str>) =
            known.iter().map(String::as_str).partition(|known| known.len() <= PREFIX.len() + SHORT);
        if let Some(nearest) = within(&spelt, 1, short).or_else(|| within(&spelt, NEAR, long)) {
            bail!(
                "the environment has {name}, which is not a setting; the nearest one is {nearest}: correct or unset it"
            );
        }
        unknown.push(name);
    }
    unknown.sort();
    Ok(unknown)
}

/// Whether Kubernetes sets this variable, because a Service has a name that begins with `sesame`:
/// `…_SERVICE_HOST`, `…_SERVICE_PORT`, `…_SERVICE_PORT_<NAME>`, `…_PORT` and `…_PORT_<NUMBER>_<PROTOCOL>…`.
fn is_service_link(name: &str, value: &str) -> bool {
    let is_url = || ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let of_port = || {
        let (_, rest) = name.rsplit_once("_PORT_")?;
        // These two belong to one port: …_PORT_7070_TCP_PORT.
        let rest = if rest.is_empty() { name } else { rest };
        let mut words = rest.split('_');
        let (number, protocol) = (words.next()?, words.next()?);
        let is_port = number.parse::<u16>().is_ok() && ["TCP", "UDP", "SCTP"].contains(&protocol);
        Some(is_port && words.next().is_none_or(|word| ["PROTO", "PORT", "ADDR"].contains(&word)))
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && is_url())
        || of_port().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        unknown(owned).map_err(|error| error.to_string())
    }

    #[test]
    fn every_setting_of_every_command_is_known() {
        let known = known();
        for name in
            ["SESAME_LISTEN", "SESAME_AUTH", "SESAME_NEW_ROOT_KEY", "SESAME_URL", "SESAME_ALLOW_TEST_KEY"]
        {
            assert!(known.contains(name), "{name}");
        }
        assert!(known.iter().all(|name| name.starts_with(PREFIX)));
        let all: Vec<(&str, &str)> = known.iter().map(|name| (name.as_str(), "x")).collect();
        assert_eq!(of(&all), Ok(Vec::new()));
    }

    #[test]
    fn a_variable_that_is_nearly_a_setting_is_refused_with_its_name() {
        for (name, nearest) in [
            ("SESAME_REGOIN", "SESAME_REGION"),
            ("SESAME_ADMINTOKEN", "SESAME_ADMIN_TOKEN"),
            ("SESAME_ADMIN_TOKE", "SESAME_ADMIN_TOKEN"),
            ("SESAME_AUTHH", "SESAME_AUTH"),
            ("SESAME_INMEMORY", "SESAME_IN_MEMORY"),
            ("SESAME_LISTEN_", "SESAME_LISTEN"),
            ("SESAME_SEEDS", "SESAME_SEED"),
            ("SESAME_CAA", "SESAME_CA"),
            ("sesame_auth", "SESAME_AUTH"),
            ("Sesame_Auth", "SESAME_AUTH"),
            ("SESAME-AUTH", "SESAME_AUTH"),
            ("sesame-admin-token", "SESAME_ADMIN_TOKEN"),
            ("sesame_atuh", "SESAME_AUTH"),
        ] {
            let said = of(&[("PATH", "x"), (name, "")]).unwrap_err();
            assert!(said.contains(name) && said.contains(&format!("nearest one is {nearest}:")), "{said}");
        }
    }

    #[test]
    fn variables_of_others_are_passed_over_and_unknown_ones_are_named() {
        let others = [
            ("SESAME_SERVICE_HOST", "10.96.0.7"),
            ("SESAME_SERVICE_PORT", "7070"),
            ("SESAME_SERVICE_PORT_KMS", "7070"),
            ("SESAME_PORT", "tcp://10.96.0.7:7070"),
            ("SESAME_PORT_7070_TCP", "tcp://10.96.0.7:7070"),
            ("SESAME_PORT_7070_TCP_PROTO", "tcp"),
            ("SESAME_PORT_7070_TCP_PORT", "7070"),
            ("SESAME_PORT_7070_TCP_ADDR", "10.96.0.7"),
            ("SESAME_SESAME_SERVICE_HOST", "10.96.0.7"),
            ("SESAME_SESAME_PORT_7070_TCP_ADDR", "10.96.0.7"),
            ("SESAME_IMAGE", "sesame"),
            ("SESAME_PUBLISHED_PORT", "7171"),
            ("SESAME_STEP", "new"),
            ("SESAME_SECRET_NAME", "a"),
            ("SESAME_SECRET_ARN", "a"),
            ("SESAME_VERSION_ID", "a"),
            ("SESAME_ATTEMPT", "1"),
            ("sesame_image", "sesame"),
            ("OTHER_LISTEM", "x"),
        ];
        assert_eq!(of(&others), Ok(Vec::new()));
        let unknown = [
            ("SESAME_PORT", "7070"),
            ("SESAME_PORT_A_TCP", "x"),
            ("SESAME_COLOUR", "green"),
            ("SESAME_ID", "7"),
        ];
        let names = ["SESAME_COLOUR", "SESAME_ID", "SESAME_PORT", "SESAME_PORT_A_TCP"].map(str::to_owned);
        assert_eq!(of(&unknown), Ok(names.to_vec()));
    }
}
