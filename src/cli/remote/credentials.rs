//! Where the access key of a command comes from: flags, a profile, the official variables, the profile of the `aliyun`
//! command line, or the built-in key of a test server.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use secrecy::SecretString;

use super::failure::usage;
use super::keys::{Keys, Source};
use super::profiles;

/// Which credentials, and how to sign with them.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Credentials")]
pub(in crate::cli) struct CredentialArgs {
    /// Id of the access key [default: ALIBABA_CLOUD_ACCESS_KEY_ID, else the current profile of ~/.aliyun/config.json, else
    /// the built-in key of a test server].
    #[arg(long, value_name = "ID", requires = "access_key_secret")]
    access_key_id: Option<String>,
    /// Secret of the access key [default: ALIBABA_CLOUD_ACCESS_KEY_SECRET]; other users can read arguments, variables not.
    #[arg(long, value_name = "SECRET", requires = "access_key_id")]
    access_key_secret: Option<SecretString>,
    /// Token of temporary credentials [default: ALIBABA_CLOUD_SECURITY_TOKEN].
    #[arg(long, value_name = "TOKEN", requires = "access_key_id")]
    security_token: Option<SecretString>,
    /// Profile of ~/.aliyun/config.json; it gives credentials and no address.
    #[arg(long, env = "SESAME_PROFILE", value_name = "NAME", conflicts_with = "access_key_id")]
    profile: Option<String>,
    /// How requests are signed.
    #[arg(long, env = "SESAME_SIGNATURE", value_enum, default_value = "acs3", value_name = "SCHEME")]
    pub(super) signature: SignatureScheme,
}

/// How requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SignatureScheme {
    /// In a header, HMAC-SHA256, as current SDKs do.
    Acs3,
    /// In parameters, HMAC-SHA1, as older SDKs do.
    Rpc,
}

/// A variable of the environment, unless it is empty.
pub(in crate::cli) fn variable(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "the official variables are no settings of Sesame's own")]
    let value = std::env::var_os(name);
    value.filter(|value| !value.is_empty())
}

fn text(name: &str) -> Option<String> {
    variable(name).map(|value| value.to_string_lossy().into_owned())
}

/// The file of profiles; `None` without a home directory.
fn profile_file() -> Option<PathBuf> {
    let file = text("ALIBABA_CLOUD_CONFIG_FILE").map(PathBuf::from);
    file.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".aliyun/config.json")))
}

/// The names of all profiles.
pub(in crate::cli) fn profile_names() -> Vec<String> {
    profile_file().map_or_else(Vec::new, |file| profiles::names(&file))
}

impl CredentialArgs {
    /// Finds the credentials; nothing is asked of a server yet.
    ///
    /// # Errors
    /// A variable without its partner, or a profile that cannot be used.
    pub(in crate::cli) fn source(&self) -> anyhow::Result<Source> {
        if let (Some(id), Some(secret)) = (&self.access_key_id, &self.access_key_secret) {
            let (id, secret, token) = (id.clone(), secret.clone(), self.security_token.clone());
            return Ok(Source::Keys(Keys { id, secret, token }));
        }
        let file = profile_file();
        if let Some(name) = &self.profile {
            let file = file.ok_or_else(|| usage("there is no home directory, so there are no profiles"))?;
            return profiles::source(&file, Some(name));
        }
        if let Some(source) = of_variables()? {
            return Ok(source);
        }
        let named = text("ALIBABA_CLOUD_PROFILE");
        match file {
            Some(file) if named.is_some() || file.exists() => profiles::source(&file, named.as_deref()),
            _ => Ok(Source::BuiltIn),
        }
    }
}

/// The credentials that the official variables name.
fn of_variables() -> anyhow::Result<Option<Source>> {
    let role = text("ALIBABA_CLOUD_ROLE_ARN");
    let session = || text("ALIBABA_CLOUD_ROLE_SESSION_NAME").unwrap_or_else(|| "sesame".to_owned());
    match (text("ALIBABA_CLOUD_ACCESS_KEY_ID"), text("ALIBABA_CLOUD_ACCESS_KEY_SECRET")) {
        (Some(id), Some(secret)) => {
            let token = text("ALIBABA_CLOUD_SECURITY_TOKEN").map(Into::into);
            return Ok(Some(Source::Keys(Keys { id, secret: secret.into(), token })));
        }
        (Some(_), None) => {
            return Err(usage(
                "ALIBABA_CLOUD_ACCESS_KEY_ID is set, but ALIBABA_CLOUD_ACCESS_KEY_SECRET is not",
            ));
        }
        (None, Some(_)) => {
            return Err(usage(
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET is set, but ALIBABA_CLOUD_ACCESS_KEY_ID is not",
            ));
        }
        (None, None) => {}
    }
    let provider = text("ALIBABA_CLOUD_OIDC_PROVIDER_ARN");
    if let (Some(role), Some(provider), Some(file)) = (role, provider, text("ALIBABA_CLOUD_OIDC_TOKEN_FILE"))
    {
        return Ok(Some(Source::Oidc { provider, token_file: file.into(), role, session: session() }));
    }
    Ok(text("ALIBABA_CLOUD_CREDENTIALS_URI").map(Source::Uri))
}
