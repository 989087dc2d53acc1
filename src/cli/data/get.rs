//! `sesame get`: GetSecretValue.

use std::io::{IsTerminal, Write};

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::Value;
use zeroize::Zeroizing;

use super::named;
use super::output::{OutputArgs, member};
use crate::cli::remote::api::{Api, Connection};
use crate::cli::remote::failure::{Failure, Kind, usage};
use crate::domain::nearest::hint;

/// Which value, and how to print it.
#[derive(Debug, Args)]
pub(in crate::cli) struct GetArgs {
    /// Name or ARN of the secret.
    name: String,
    /// Id of the version [default: the version that is ACSCurrent].
    #[arg(long, value_name = "ID", conflicts_with = "stage")]
    version: Option<String>,
    /// Label of the version.
    #[arg(long, value_name = "LABEL")]
    stage: Option<String>,
    /// Print one member of a value that is JSON: password, `hosts[0].port`, or a pointer such as /hosts/0/port.
    #[arg(long, value_name = "PATH", conflicts_with = "raw")]
    json: Option<String>,
    /// Print the bytes of the value and nothing else, binary data to a terminal too.
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

/// The bytes of a value.
pub(in crate::cli) type Bytes = Zeroizing<Vec<u8>>;

pub(super) async fn run(args: &GetArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.connection.open().await?;
    let answer = fetch(&api, &args.name, args.version.as_deref(), args.stage.as_deref()).await?;
    if args.output.is_data() && args.json.is_none() && !args.raw {
        return args.output.facts(out, &[], &answer);
    }
    let bytes = bytes_of(&answer)?;
    let bytes = match &args.json {
        Some(path) => picked(&args.name, &bytes, path)?,
        None => bytes,
    };
    let terminal = std::io::stdout().is_terminal();
    if terminal && !args.raw && !is_showable(&bytes) {
        let text = format!(
            "{} is binary data of {} bytes, which a terminal cannot show: redirect it to a file, or print it with --raw",
            args.name,
            bytes.len()
        );
        return Err(usage(text));
    }
    out.write_all(&bytes)?;
    if terminal && !args.raw && !bytes.ends_with(b"\n") {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// Asks for a value.
///
/// # Errors
/// As [`Api::call`]; the nearest name is added.
pub(in crate::cli) async fn fetch(
    api: &Api,
    name: &str,
    version: Option<&str>,
    stage: Option<&str>,
) -> anyhow::Result<Value> {
    let mut more = Vec::new();
    more.extend(version.map(|version| ("VersionId", version)));
    more.extend(stage.map(|stage| ("VersionStage", stage)));
    named::call(api, "GetSecretValue", name, &more).await
}

/// The value in an answer; that of binary data is decoded.
///
/// # Errors
/// The answer has no value.
pub(in crate::cli) fn bytes_of(answer: &Value) -> anyhow::Result<Bytes> {
    let data = answer.get("SecretData").and_then(Value::as_str).context("the answer has no SecretData")?;
    if member(answer, "SecretDataType") == "binary" {
        let decoded = STANDARD.decode(data).context("the binary value is not base64")?;
        return Ok(Zeroizing::new(decoded));
    }
    Ok(Zeroizing::new(data.as_bytes().to_vec()))
}

/// A member of a value that is JSON, as bytes: a text without quotes, anything else as JSON.
///
/// # Errors
/// The value is not JSON, or has no such member; the error names members and no values.
pub(in crate::cli) fn picked(name: &str, bytes: &[u8], path: &str) -> anyhow::Result<Bytes> {
    let whole: Value = serde_json::from_slice(bytes)
        .map_err(|_why| usage(format!("the value of {name} is not JSON, so it has no \"{path}\"")))?;
    let mut here = &whole;
    for step in steps(path) {
        let next = match here {
            Value::Array(items) => step.parse().ok().and_then(|at: usize| items.get(at)),
            other => other.get(&step),
        };
        here = next.ok_or_else(|| {
            let keys: Vec<&str> =
                here.as_object().map_or_else(Vec::new, |all| all.keys().map(String::as_str).collect());
            let hint = hint(&step, keys);
            Failure::new(Kind::NotFound, format!("the value of {name} has no \"{step}\" at \"{path}\"{hint}"))
        })?;
    }
    let text = match here {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Ok(Zeroizing::new(text.into_bytes()))
}

/// The steps of `a.b[0]` or of `/a/b/0`.
fn steps(path: &str) -> Vec<String> {
    if let Some(pointer) = path.strip_prefix('/') {
        return pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    }
    let steps = path.trim_start_matches('$').replace('[', ".").replace(']', "");
    steps.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

/// Whether a terminal shows the bytes as they are.
fn is_showable(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_by_path_and_by_pointer_and_a_near_one_is_named() {
        let value = br#"{"password":"p w","hosts":[{"port":5432}],"a/b":true}"#;
        let of = |path| picked("app/db", value, path).map(|found| String::from_utf8(found.to_vec()).unwrap());
        for (path, want) in [
            ("password", "p w"),
            ("hosts[0].port", "5432"),
            ("$.hosts[0].port", "5432"),
            ("/hosts/0/port", "5432"),
            ("/a~1b", "true"),
            ("hosts", r#"[{"port":5432}]"#),
        ] {
            assert_eq!(of(path).unwrap(), want, "{path}");
        }
        let said = of("pasword").unwrap_err().to_string();
        assert!(said.contains("did you mean password?") && !said.contains("p w"), "{said}");
        assert!(of("hosts[7]").is_err());
        let said = picked("a", b"hunter2", "x").unwrap_err().to_string();
        assert!(said.contains("not JSON") && !said.contains("hunter2"), "{said}");
    }

    #[test]
    fn escapes_and_bytes_are_not_for_a_terminal() {
        assert!(is_showable(b"a\nb\tc"));
        assert!(!is_showable(b"\x1b[2J") && !is_showable(b"\xff") && !is_showable(b"\0"));
    }
}
