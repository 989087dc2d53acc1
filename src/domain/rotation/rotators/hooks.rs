//! Rotators of kinds webhook, command and generator: what the configuration file may say of them (rules DY10.1, DY10.3, DY14).

use super::{Kind, RotatorFile, database, password_spec};
use crate::domain::SecretType;
use crate::domain::password::{PasswordSpec, UNSAFE_IN_URLS};
use crate::domain::rotation::RotationInterval;
use crate::domain::rotation::value::Hidden;

/// The shortest interval of a rotator, in seconds.
const SHORTEST_INTERVAL_S: i64 = 1;

/// What makes the next value instead of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// A program of the user that answers HTTP requests.
    Webhook(Webhook),
    /// A program of the user that is started.
    Command(Command),
    /// Sesame itself, with random texts.
    Generator(Generator),
}

/// A checked rotator of kind webhook (rules DY14.5 to DY14.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Scheme, host and port, such as `http://127.0.0.1:8080`.
    pub server: String,
    /// Path and query. They may hold a token of the receiver.
    pub path: Hidden,
    /// Whether the receiver works through the API, step by step, instead of answering with the value.
    pub steps: bool,
    /// Whether the steps have the names that AWS gives them.
    pub aws_names: bool,
    /// Whether requests carry the current value; default true. Never in mode steps.
    pub send_value: bool,
    /// What requests are signed with.
    pub secret: Option<Hidden>,
    /// A file with certificates (PEM) that sign the receiver's own, instead of those of the system.
    pub ca_file: Option<String>,
    /// The longest that one call may take, in milliseconds, 100 to 30,000; default 10,000.
    pub timeout_ms: u64,
}

/// A checked rotator of kind command (rule DY14.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments; at least one.
    pub argv: Vec<String>,
    /// Whether one end of line at the end of the output is cut.
    pub trim: bool,
    /// The longest that the program may take, in milliseconds, 100 to 30,000; default 10,000.
    pub timeout_ms: u64,
}

/// A checked rotator of kind generator (rule DY14.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator {
    /// JSON pointers to what is replaced; empty: the whole value.
    pub fields: Vec<String>,
    /// What new texts look like.
    pub password: PasswordSpec,
}

/// The members that only these kinds have, the kinds that take each, and whether a rotator gives it.
fn given(file: &RotatorFile) -> [(&'static str, &'static [Kind], bool); 8] {
    use Kind::{Command, Generator, Webhook};
    [
        ("mode", &[Webhook], file.mode.is_some()),
        ("step_names", &[Webhook], file.step_names.is_some()),
        ("send_value", &[Webhook], file.send_value.is_some()),
        ("secret_env", &[Webhook], file.secret_env.is_some()),
        ("argv", &[Command], file.argv.is_some()),
        ("trim", &[Command], file.trim.is_some()),
        ("fields", &[Generator], file.fields.is_some()),
        ("interval", &[Webhook, Command, Generator], file.interval.is_some()),
    ]
}

/// The hook of a rotator; `None` for the kinds that have none.
///
/// # Errors
/// What is wrong, in one line without the name of the rotator. No secret is repeated.
pub fn checked(
    kind: Kind,
    secret_type: Option<SecretType>,
    file: &RotatorFile,
) -> Result<Option<Hook>, String> {
    let of = format!("kind {}", kind.as_str());
    for (member, kinds, is_given) in given(file) {
        if is_given && !kinds.contains(&kind) {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
            return Err(format!("{of} takes no {member}; only kind {} does", names.join(", ")));
        }
    }
    if !matches!(kind, Kind::Webhook | Kind::Command | Kind::Generator) {
        return Ok(None);
    }
    let shared: &[&str] = if kind == Kind::Webhook { &["url", "ca_file"] } else { &[] };
    let foreign = database::given(file).into_iter().find(|(name, is)| *is && !shared.contains(name));
    if let Some((member, _)) = foreign {
        return Err(format!("{of} takes no {member}"));
    }
    if file.instance.is_some() && (kind == Kind::Generator || is_stepwise(file)) {
        return Err(format!("{of} takes no instance, because secrets of type Generic have none"));
    }
    if let Some(other) = secret_type.filter(|known| *known != SecretType::Generic && file.interval.is_some())
    {
        return Err(format!(
            "{of}: interval does not fit type {}, whose secrets have a plan of their own",
            other.as_str()
        ));
    }
    let timeout_ms = database::timeout(file.timeout.as_deref()).map_err(|why| format!("{of}: {why}"))?;
    if kind != Kind::Generator && file.password.is_some() {
        return Err(format!("{of} takes no password: it gets the whole value from elsewhere"));
    }
    let hook = match kind {
        Kind::Webhook => webhook(secret_type, file, timeout_ms).map(Hook::Webhook),
        Kind::Command => command(file, timeout_ms).map(Hook::Command),
        _ => generator(file).map(Hook::Generator),
    };
    hook.map(Some).map_err(|why| format!("{of}: {why}"))
}

/// Whether a rotator works step by step, and so for Generic secrets only.
pub fn is_stepwise(file: &RotatorFile) -> bool {
    file.mode.as_deref() == Some("steps")
}

/// How often a rotator rotates Generic secrets by itself.
///
/// # Errors
/// What is wrong, in one line without the name of the rotator.
pub fn interval(file: &RotatorFile) -> Result<Option<RotationInterval>, String> {
    let Some(text) = &file.interval else { return Ok(None) };
    let shortest = RotationInterval::from_seconds(SHORTEST_INTERVAL_S);
    let parsed = shortest.and_then(|shortest| RotationInterval::parse(text, shortest).ok());
    parsed.map(Some).ok_or_else(|| format!("interval \"{text}\" is not from 1s to 8760h, for example 7d"))
}

fn webhook(secret_type: Option<SecretType>, file: &RotatorFile, timeout_ms: u64) -> Result<Webhook, String> {
    let example = "for example url = \"http://127.0.0.1:8080/rotate\"";
    let url = file.url.as_ref().ok_or_else(|| format!("needs url, {example}"))?;
    let (server, path) = split(url.reveal()).map_err(|why| format!("url {why}, {example}"))?;
    let steps = match file.mode.as_deref() {
        None | Some("value") => false,
        Some("steps") => true,
        Some(_) => return Err("mode is neither \"value\" nor \"steps\"".to_owned()),
    };
    if let Some(other) = secret_type.filter(|known| steps && *known != SecretType::Generic) {
        return Err(format!(
            "mode \"steps\" does not fit type {}: the API refuses writes of managed secrets; use mode \"value\" or type \
             Generic",
            other.as_str()
        ));
    }
    let aws_names = match file.step_names.as_deref() {
        Some(_) if !steps => return Err("step_names needs mode = \"steps\"".to_owned()),
        None | Some("sesame") => false,
        Some("aws") => true,
        Some(_) => return Err("step_names is neither \"sesame\" nor \"aws\"".to_owned()),
    };
    if steps && file.send_value.is_some() {
        return Err("send_value needs mode = \"value\": in mode \"steps\" no value is sent".to_owned());
    }
    if file.ca_file.is_some() && !server.starts_with("https:") {
        return Err("ca_file needs a url that begins with https://".to_owned());
    }
    Ok(Webhook {
        server,
        path,
        steps,
        aws_names,
        send_value: !steps && file.send_value.unwrap_or(true),
        secret: file.hook_secret.clone(),
        ca_file: file.ca_file.clone(),
        timeout_ms,
    })
}

/// A URL as scheme, host and port, and as path and query.
fn split(url: &str) -> Result<(String, Hidden), &'static str> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains('#') {
        return Err("has a character that a URL has not");
    }
    let Some((scheme @ ("http" | "https"), rest)) = url.split_once("://") else {
        return Err("does not begin with http:// or https://");
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("holds a user or a password; sign the requests with secret_env instead");
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return Err("names no host");
    }
    if port.is_some_and(|port| !matches!(port.parse::<u16>(), Ok(1..))) {
        return Err("has a port that is not a number from 1 to 65535");
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok((format!("{scheme}://{authority}"), Hidden::new(format!("{slash}{path}"))))
}

impl Webhook {
    /// The URL without its query.
    pub fn shown_url(&self) -> String {
        let path = self.path.reveal();
        format!("{}{}", self.server, path.split('?').next().unwrap_or_default())
    }
}

fn command(file: &RotatorFile, timeout_ms: u64) -> Result<Command, String> {
    let argv = file.argv.clone().unwrap_or_default();
    if argv.first().is_none_or(String::is_empty) {
        return Err("needs argv, for example argv = [\"./rotate.sh\"]".to_owned());
    }
    if argv.iter().any(|text| text.contains('\0')) {
        return Err("argv holds a zero character".to_owned());
    }
    Ok(Command { argv, trim: file.trim.unwrap_or(false), timeout_ms })
}

fn generator(file: &RotatorFile) -> Result<Generator, String> {
    if file.timeout.is_some() {
        return Err("it contacts nothing, so it takes no timeout".to_owned());
    }
    let fields = match &file.fields {
        None => Vec::new(),
        Some(fields) if fields.is_empty() => {
            return Err("fields is empty; leave it out to replace the whole value".to_owned());
        }
        Some(fields) => fields.iter().map(|field| pointer(field)).collect::<Result<_, String>>()?,
    };
    let usual = || Ok(PasswordSpec::new(32, UNSAFE_IN_URLS));
    let password = file.password.as_ref().map_or_else(usual, password_spec)?;
    Ok(Generator { fields, password })
}

/// A member's name as a JSON pointer; a pointer as it is.
fn pointer(field: &str) -> Result<String, String> {
    if field.is_empty() {
        return Err("fields has an empty name".to_owned());
    }
    if !field.starts_with('/') {
        return Ok(format!("/{}", field.replace('~', "~0").replace('/', "~1")));
    }
    let is_wrong = field.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
    if is_wrong {
        return Err(format!(
            "fields: \"{field}\" is not a JSON pointer: ~ is written ~0, and / in a name is written ~1"
        ));
    }
    Ok(field.to_owned())
}

#[cfg(test)]
#[path = "hooks_tests.rs"]
mod tests;
