//! Profiles of `~/.aliyun/config.json`, the file of the `aliyun` command line. They give credentials and no address.

use std::path::Path;

use anyhow::Context;
use secrecy::SecretString;
use serde_json::Value;

use super::failure::{Failure, Kind, usage};
use super::keys::{Keys, Source};
use crate::domain::nearest::hint;

/// The credentials of a profile, or of the current one.
///
/// # Errors
/// The file cannot be read, the profile does not exist or misses a member, or its mode is not known.
pub(super) fn source(file: &Path, name: Option<&str>) -> anyhow::Result<Source> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let all: Value = serde_json::from_str(&text).with_context(|| format!("{shown} is not JSON"))?;
    let name = name.or_else(|| all.get("current")?.as_str()).unwrap_or("default");
    Profiles { all: &all, file }.source(name, 0)
}

/// The names of all profiles; none when the file cannot be read.
pub(super) fn names(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let all: Value = serde_json::from_str(&text).unwrap_or_default();
    let names = |profile: &Value| profile.get("name")?.as_str().map(str::to_owned);
    Profiles { all: &all, file }.list().iter().filter_map(names).collect()
}

/// The file, parsed.
struct Profiles<'a> {
    all: &'a Value,
    file: &'a Path,
}

impl Profiles<'_> {
    fn list(&self) -> &[Value] {
        self.all.get("profiles").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn find(&self, name: &str) -> anyhow::Result<&Value> {
        let named = |profile: &&Value| profile.get("name").and_then(Value::as_str) == Some(name);
        if let Some(found) = self.list().iter().find(named) {
            return Ok(found);
        }
        let names = self.list().iter().filter_map(|profile| profile.get("name")?.as_str());
        let hint = hint(name, names);
        let text = format!("{} has no profile \"{name}\"{hint}", self.file.display());
        Err(Failure::new(Kind::NotFound, text).into())
    }

    /// `depth` counts the profiles that led here, so that a circle of profiles ends.
    fn source(&self, name: &str, depth: usize) -> anyhow::Result<Source> {
        let profile = self.find(name)?;
        let text = |member: &str| profile.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
        let needed = |member: &str| {
            text(member).map(str::to_owned).ok_or_else(|| {
                usage(format!("the profile \"{name}\" of {} has no {member}", self.file.display()))
            })
        };
        let keys = |token: Option<SecretString>| -> anyhow::Result<Keys> {
            Ok(Keys { id: needed("access_key_id")?, secret: needed("access_key_secret")?.into(), token })
        };
        let session = || text("ram_session_name").unwrap_or("sesame").to_owned();
        let seconds = profile.get("expired_seconds").and_then(Value::as_u64).filter(|seconds| *seconds > 0);
        match text("mode").unwrap_or("AK") {
            "AK" => Ok(Source::Keys(keys(None)?)),
            "StsToken" => Ok(Source::Keys(keys(Some(needed("sts_token")?.into()))?)),
            "RamRoleArn" => Ok(Source::Role {
                first: Box::new(Source::Keys(keys(text("sts_token").map(Into::into))?)),
                role: needed("ram_role_arn")?,
                session: session(),
                seconds,
            }),
            "ChainableRamRoleArn" if depth < 5 => Ok(Source::Role {
                first: Box::new(self.source(&needed("source_profile")?, depth + 1)?),
                role: needed("ram_role_arn")?,
                session: session(),
                seconds,
            }),
            "ChainableRamRoleArn" => {
                Err(usage(format!("the profile \"{name}\" leads through more than five profiles")))
            }
            "OIDC" => Ok(Source::Oidc {
                provider: needed("oidc_provider_arn")?,
                token_file: needed("oidc_token_file")?.into(),
                role: needed("ram_role_arn")?,
                session: session(),
            }),
            "CredentialsURI" => Ok(Source::Uri(needed("credentials_uri")?)),
            other => Err(usage(format!(
                "the profile \"{name}\" has the mode {other}, which is not supported: use AK, StsToken, RamRoleArn, \
                 ChainableRamRoleArn, OIDC or CredentialsURI"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(profiles: &str, name: Option<&str>) -> Result<Source, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.json");
        std::fs::write(&file, profiles).unwrap();
        source(&file, name).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn each_mode_is_read_and_the_current_profile_is_the_default() {
        let file = r#"{"current":"b","profiles":[
            {"name":"a","mode":"AK","access_key_id":"ida","access_key_secret":"s"},
            {"name":"b","mode":"StsToken","access_key_id":"idb","access_key_secret":"s","sts_token":"t"},
            {"name":"c","mode":"RamRoleArn","access_key_id":"idc","access_key_secret":"s","ram_role_arn":"r","expired_seconds":900},
            {"name":"d","mode":"ChainableRamRoleArn","source_profile":"c","ram_role_arn":"r2"},
            {"name":"e","mode":"OIDC","oidc_provider_arn":"p","oidc_token_file":"/t","ram_role_arn":"r"},
            {"name":"f","mode":"CredentialsURI","credentials_uri":"http://127.0.0.1:1/"},
            {"name":"g","mode":"EcsRamRole"},
            {"name":"h","mode":"ChainableRamRoleArn","source_profile":"h","ram_role_arn":"r"},
            {"name":"i","mode":"AK","access_key_id":""}]}"#;
        let of = |name| read(file, Some(name));
        assert!(matches!(of("a"), Ok(Source::Keys(keys)) if keys.id == "ida" && keys.token.is_none()));
        assert!(
            matches!(read(file, None), Ok(Source::Keys(keys)) if keys.id == "idb" && keys.token.is_some())
        );
        assert!(
            matches!(of("c"), Ok(Source::Role { seconds: Some(900), session, .. }) if session == "sesame")
        );
        assert!(matches!(of("d"), Ok(Source::Role { first, .. }) if matches!(*first, Source::Role { .. })));
        assert!(matches!(of("e"), Ok(Source::Oidc { .. })));
        assert!(matches!(of("f"), Ok(Source::Uri(_))));
        assert!(of("g").unwrap_err().contains("mode EcsRamRole"));
        assert!(of("h").unwrap_err().contains("more than five profiles"));
        assert!(of("i").unwrap_err().contains("has no access_key_id"));
        let said = read(r#"{"profiles":[{"name":"staging"}]}"#, Some("stagin")).unwrap_err();
        assert!(said.contains("has no profile \"stagin\"; did you mean staging?"), "{said}");
        assert!(of("zz").unwrap_err().ends_with("has no profile \"zz\""));
        assert!(read("{", None).unwrap_err().contains("is not JSON"));
    }
}
