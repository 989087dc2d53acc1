//! The configuration file (`--config`): accounts, access keys, limits. An unknown name stops the start.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use secrecy::SecretString;
use serde::Deserialize;

use crate::app::{AccessKey, AccessKeys, KeyMaterial};
use crate::domain::{AccountId, Limits};

/// What the file may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Accounts with their access keys.
    #[serde(default)]
    accounts: Vec<Account>,
    /// Bounds on secrets.
    #[serde(default)]
    limits: FileLimits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    id: String,
    #[serde(default)]
    access_keys: Vec<Key>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: String,
    /// The AccessKey secret.
    secret: Option<SecretString>,
    /// Instead of a secret: the public RSA key of a key pair, SPKI in PEM.
    public_key: Option<String>,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Status {
    #[default]
    Active,
    Inactive,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileLimits {
    versions_per_secret: usize,
    labels_per_secret: usize,
    secret_data_bytes: usize,
    cache_bytes: u64,
}

impl Default for FileLimits {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            versions_per_secret: limits.versions_per_secret,
            labels_per_secret: limits.labels_per_secret,
            secret_data_bytes: limits.secret_data_bytes,
            cache_bytes: 64 * 1024 * 1024,
        }
    }
}

/// The id and secret of the built-in access key.
pub const BUILT_IN_KEY: &str = "test";

/// What is in force after reading the file.
#[derive(Debug)]
pub struct Config {
    /// Who may sign.
    pub access_keys: AccessKeys,
    /// Bounds on secrets.
    pub limits: Limits,
    /// The most memory of cached secrets, in bytes. Default 64 MiB.
    pub cache_bytes: u64,
}

impl Config {
    /// Reads a file; without one the defaults are in force.
    ///
    /// # Errors
    /// One line that names file, place and name of what is wrong.
    pub fn load(file: Option<&Path>, default_account: &AccountId) -> anyhow::Result<Self> {
        let parsed = match file {
            None => FileConfig::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
                toml::from_str(&text).map_err(|e| one_line(path, &text, &e))?
            }
        };
        parsed.checked(default_account)
    }
}

/// The parser's finding as one line, without the excerpt of the file, which may hold a secret.
fn one_line(path: &Path, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let line =
        error.span().map_or(0, |span| text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1);
    anyhow::anyhow!("{} line {line}: {}", path.display(), error.message().replace('\n', " "))
}

impl FileConfig {
    fn checked(self, default_account: &AccountId) -> anyhow::Result<Config> {
        let mut access_keys = AccessKeys::default();
        for account in self.accounts {
            let id: AccountId = account
                .id
                .parse()
                .with_context(|| format!("account id \"{}\" is not 1 to 32 digits", account.id))?;
            for key in account.access_keys {
                add(&mut access_keys, &id, key)?;
            }
        }
        // The built-in key stands for the default account unless the file gives that account keys of its own.
        if !access_keys.has_account(default_account) {
            let built_in = AccessKey {
                account: default_account.clone(),
                material: KeyMaterial::Secret(BUILT_IN_KEY.into()),
                active: true,
            };
            ensure!(
                access_keys.add(BUILT_IN_KEY.to_owned(), built_in),
                "the access key id \"{BUILT_IN_KEY}\" is built in for account {default_account}"
            );
        }
        let limits = Limits {
            versions_per_secret: self.limits.versions_per_secret,
            labels_per_secret: self.limits.labels_per_secret,
            secret_data_bytes: self.limits.secret_data_bytes,
        };
        let within = |name, value: usize, min, max| {
            ensure!((min..=max).contains(&value), "limits.{name} must be from {min} to {max}");
            Ok(())
        };
        within("versions_per_secret", limits.versions_per_secret, 2, 1000)?;
        within("labels_per_secret", limits.labels_per_secret, 2, 1000)?;
        within("secret_data_bytes", limits.secret_data_bytes, 1, 65_536)?;
        Ok(Config { access_keys, limits, cache_bytes: self.limits.cache_bytes })
    }
}

fn add(keys: &mut AccessKeys, account: &AccountId, key: Key) -> anyhow::Result<()> {
    ensure!(
        !key.id.is_empty() && key.id.len() <= 128 && key.id.bytes().all(|b| b.is_ascii_graphic()),
        "access key id \"{}\" of account {account} is not 1 to 128 printable characters",
        key.id
    );
    let material = match (key.secret, key.public_key) {
        (Some(secret), None) => KeyMaterial::Secret(secret),
        (None, Some(pem)) => KeyMaterial::PublicKey(pem),
        _ => bail!("access key \"{}\" needs either secret or public_key", key.id),
    };
    let known = AccessKey { account: account.clone(), material, active: key.status == Status::Active };
    ensure!(keys.add(key.id.clone(), known), "access key id \"{}\" is given twice", key.id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        let account = "1000000000000001".parse().unwrap();
        Config::load(Some(&path), &account)
            .map_err(|e| e.to_string().rsplit("c.toml").next().unwrap().to_owned())
    }

    #[test]
    fn the_built_in_key_is_there_unless_the_default_account_has_keys() {
        assert!(load("").unwrap().access_keys.find("test").is_some());
        let other = load("[[accounts]]\nid='2'\n[[accounts.access_keys]]\nid='a'\nsecret='b'").unwrap();
        assert!(other.access_keys.find("test").is_some() && other.access_keys.find("a").unwrap().active);
        let own = "[[accounts]]\nid='1000000000000001'\n[[accounts.access_keys]]\nid='a'\nsecret='b'\nstatus='Inactive'";
        let own = load(own).unwrap();
        assert!(own.access_keys.find("test").is_none() && !own.access_keys.find("a").unwrap().active);
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is_shown() {
        let cases = [
            ("[limit]\n", " line 1: unknown field `limit`"),
            ("\n[limits]\nversions = 3", " line 3: unknown field `versions`"),
            ("[[accounts]]\nid='x'", "account id \"x\" is not 1 to 32 digits"),
            ("[[accounts]]\nid='1'\n[[accounts.users]]\nname='a'", "unknown field `users`"),
            ("[limits]\nversions_per_secret = 1", "limits.versions_per_secret must be from 2 to 1000"),
            ("[[accounts]]\nid='1'\n[[accounts.access_keys]]\nid='a'", "needs either secret or public_key"),
            (
                "[[accounts]]\nid='1'\n[[accounts.access_keys]]\nid='a'\nsecret='hush'\nsecret2='hush'",
                "secret2",
            ),
        ];
        for (text, want) in cases {
            let got = load(text).unwrap_err();
            assert!(got.contains(want) && !got.contains('\n') && !got.contains("hush"), "{text:?}: {got}");
        }
        let shown = format!(
            "{:?}",
            load("[[accounts]]\nid='2'\n[[accounts.access_keys]]\nid='a'\nsecret='hush'").unwrap()
        );
        assert!(!shown.contains("hush"), "{shown}");
    }
}
