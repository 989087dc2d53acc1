//! `sesame env`: settings for SDKs and for these commands.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use crate::cli::remote::api::Connection;
use crate::cli::remote::failure::usage;

/// The variables by which SDKs of Go, Python and Node take certificates to trust.
pub(super) const CA_VARIABLES: [&str; 3] = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];

/// The form of the settings.
#[derive(Debug, Args)]
pub(in crate::cli) struct EnvArgs {
    /// Form of the settings.
    #[arg(long, value_enum, default_value = "sh")]
    format: Form,
    #[command(flatten)]
    connection: Connection,
}

/// A form of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// `export` lines, for eval in a shell.
    Sh,
    /// Lines for a file .env.
    Dotenv,
    /// Lines for the file that GITHUB_ENV names.
    Github,
    /// A JSON object.
    Json,
}

pub(super) async fn run(args: &EnvArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let api = args.connection.open().await?;
    let (url, keys) = (api.url(), api.keys());
    let mut all = vec![
        ("SESAME_URL", url.to_string()),
        // The aliyun command line and Terraform.
        ("ALIBABA_CLOUD_ENDPOINT", url.authority()),
        ("ALIBABA_CLOUD_ENDPOINT_KMS", url.authority()),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", keys.id.clone()),
    ];
    #[expect(clippy::disallowed_methods, reason = "the settings are what was asked for")]
    {
        all.push(("ALIBABA_CLOUD_ACCESS_KEY_SECRET", keys.secret.expose_secret().to_owned()));
        let token = keys.token.as_ref().map(|token| token.expose_secret().to_owned());
        all.extend(token.map(|token| ("ALIBABA_CLOUD_SECURITY_TOKEN", token)));
    }
    if let Some(ca) = args.connection.authority()? {
        let ca = ca.display().to_string();
        for name in ["SESAME_CA"].into_iter().chain(CA_VARIABLES) {
            all.push((name, ca.clone()));
        }
    }
    if args.format == Form::Json {
        let members: Map<String, Value> =
            all.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&members)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (name, value) in all {
        if value.contains(['\n', '\r', '\0']) {
            return Err(usage(format!("the value of {name} has a line break, which a setting cannot have")));
        }
        match args.format {
            Form::Sh => writeln!(out, "export {name}={}", quoted(&value))?,
            Form::Dotenv => writeln!(out, "{name}={}", double_quoted(&value))?,
            Form::Github | Form::Json => writeln!(out, "{name}={value}")?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One word of a shell, whatever is in it.
pub(super) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A value of a file .env: as it is when it has no special character, else in double quotes.
fn double_quoted(text: &str) -> String {
    if quoted(text) == text {
        return text.to_owned();
    }
    let escaped: String =
        text.chars().flat_map(|c| if "\"\\$`".contains(c) { vec!['\\', c] } else { vec![c] }).collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_word_whatever_is_in_it() {
        for (text, shell, file) in [
            ("http://127.0.0.1:7070", "http://127.0.0.1:7070", "http://127.0.0.1:7070"),
            ("", "''", "\"\""),
            ("a b", "'a b'", "\"a b\""),
            ("it's $HOME", r"'it'\''s $HOME'", "\"it's \\$HOME\""),
            ("a\"b\\", "'a\"b\\'", "\"a\\\"b\\\\\""),
        ] {
            assert_eq!((quoted(text).as_str(), double_quoted(text).as_str()), (shell, file), "{text}");
        }
    }
}
