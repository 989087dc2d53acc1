//! The configuration file (`--config`): accounts, access keys, limits, faults. An unknown name stops the start.

use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use serde::Deserialize;

use crate::actions::check_faults;
use crate::domain::nearest::with_suggestion;
use crate::domain::{AccountId, FaultRule, Limits, NonceLimits};
use crate::identities::file::{AccountFile, Document};
use crate::identities::{Identities, warnings};

/// What the file may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Accounts with their access keys.
    #[serde(default)]
    accounts: Vec<AccountFile>,
    /// Bounds on secrets.
    #[serde(default)]
    limits: FileLimits,
    /// How the service behaves where there are several of it.
    #[serde(default)]
    service: Service,
    /// Rules of faults, for tests.
    #[serde(default)]
    faults: Vec<FaultRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Service {
    /// Whether secrets and keys have policies, as those in a KMS instance do; default true.
    resource_policies: bool,
}

impl Default for Service {
    fn default() -> Self {
        Self { resource_policies: true }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileLimits {
    /// The most versions of a secret, 2 to 1,000; default 10.
    versions_per_secret: usize,
    /// The most labels on all versions of a secret together, 2 to 1,000; default 8.
    labels_per_secret: usize,
    /// The longest value, 1 to 65,536 bytes; default 30,720.
    secret_data_bytes: usize,
    /// The most keys of an account in a region, 1 to 1,000,000; default 100,000. There may be one and a half times as many
    /// aliases, and 50 times as many versions of keys.
    keys_per_account: usize,
    /// The most secrets of an account in a region, 1 to 1,000,000,000; default 10,000,000.
    secrets_per_account: u64,
    /// The most memory of cached secrets, in bytes; default 40 MiB.
    cache_bytes: u64,
    /// The most signed requests of one principal whose nonces are remembered, 1 to 1,000,000,000; default 5,000,000, which is
    /// 4,700 a second without end and takes 55 MiB. One more is answered `Throttling.User`.
    nonces_per_key: u64,
    /// The most of all principals together, 1 to 1,000,000,000; default 20,000,000. When there are as many, only a principal
    /// with less than an equal share is let in.
    nonces_total: u64,
    /// The most connections at once, 16 to 100,000; default 4,096, or fewer if the process may not open that many files.
    connections: Option<usize>,
    /// The most connections at once of one client address, 1 to 100,000; default a quarter of `connections`. It does not hold for 127.0.0.1 and ::1 in `open` mode.
    connections_per_address: Option<usize>,
}

impl Default for FileLimits {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            versions_per_secret: limits.versions_per_secret,
            labels_per_secret: limits.labels_per_secret,
            secret_data_bytes: limits.secret_data_bytes,
            keys_per_account: limits.keys_per_account,
            secrets_per_account: limits.secrets_per_account,
            cache_bytes: 40 * 1024 * 1024,
            nonces_per_key: NonceLimits::default().per_principal,
            nonces_total: NonceLimits::default().total,
            connections: None,
            connections_per_address: None,
        }
    }
}

/// What is in force after reading the file.
#[derive(Debug)]
pub struct Config {
    /// The accounts, checked.
    pub accounts: Vec<AccountFile>,
    /// Bounds on secrets.
    pub limits: Limits,
    /// The most memory of cached secrets, in bytes. Default 40 MiB.
    pub cache_bytes: u64,
    /// Bounds on nonces of signed requests.
    pub nonces: NonceLimits,
    /// The most connections at once. `None`: as many as descriptors allow, at most 4,096.
    pub connections: Option<usize>,
    /// The most connections at once of one address. `None`: a quarter of all.
    pub connections_per_address: Option<usize>,
    /// Whether secrets and keys have policies, as those in a KMS instance do (question 28). Default true.
    pub resource_policies: bool,
    /// Rules of faults, checked.
    pub faults: Vec<FaultRule>,
    /// What is probably a mistake, one line each, though it holds: actions in policies that KMS does not have.
    pub warnings: Vec<String>,
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
                let mut parsed: FileConfig = toml::from_str(&text).map_err(|e| one_line(path, &text, &e))?;
                let dir = path.parent().unwrap_or_else(|| Path::new("."));
                read_named_files(&mut parsed.accounts, dir)?;
                parsed
            }
        };
        parsed.checked(default_account)
    }
}

/// The parser's finding as one line, without the excerpt of the file, which may hold a secret.
fn one_line(path: &Path, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let line =
        error.span().map_or(0, |span| text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1);
    let message = with_suggestion(&error.message().replace('\n', " "));
    anyhow::anyhow!("{} line {line}: {message}", path.display())
}

impl FileConfig {
    fn checked(self, default_account: &AccountId) -> anyhow::Result<Config> {
        // Checked as a whole, so that what is wrong stops the start.
        Identities::new(self.accounts.clone(), default_account)?;
        let limits = Limits {
            versions_per_secret: self.limits.versions_per_secret,
            labels_per_secret: self.limits.labels_per_secret,
            secret_data_bytes: self.limits.secret_data_bytes,
            keys_per_account: self.limits.keys_per_account,
            secrets_per_account: self.limits.secrets_per_account,
        };
        let nonces =
            NonceLimits { per_principal: self.limits.nonces_per_key, total: self.limits.nonces_total };
        let within = |name, value: u64, min, max| {
            ensure!((min..=max).contains(&value), "limits.{name} must be from {min} to {max}");
            Ok(())
        };
        within("versions_per_secret", limits.versions_per_secret as u64, 2, 1000)?;
        within("labels_per_secret", limits.labels_per_secret as u64, 2, 1000)?;
        within("secret_data_bytes", limits.secret_data_bytes as u64, 1, 65_536)?;
        within("nonces_per_key", nonces.per_principal, 1, 1_000_000_000)?;
        within("nonces_total", nonces.total, 1, 1_000_000_000)?;
        within("keys_per_account", limits.keys_per_account as u64, 1, 1_000_000)?;
        within("secrets_per_account", limits.secrets_per_account, 1, 1_000_000_000)?;
        let [all, of_one] = [self.limits.connections, self.limits.connections_per_address];
        within("connections", all.unwrap_or(16) as u64, 16, 100_000)?;
        within("connections_per_address", of_one.unwrap_or(1) as u64, 1, 100_000)?;
        check_faults(&self.faults).map_err(|why| anyhow!("faults: {why}"))?;
        Ok(Config {
            warnings: self.accounts.iter().flat_map(warnings).collect(),
            accounts: self.accounts,
            limits,
            cache_bytes: self.limits.cache_bytes,
            nonces,
            connections: all,
            connections_per_address: of_one,
            resource_policies: self.service.resource_policies,
            faults: self.faults,
        })
    }
}

/// Puts the contents of the files that accounts name into their place; names are relative to the file that names them.
fn read_named_files(accounts: &mut [AccountFile], dir: &Path) -> anyhow::Result<()> {
    for account in accounts {
        for provider in &mut account.oidc_providers {
            let Some(name) = provider.jwks_file.take() else { continue };
            ensure!(
                provider.jwks.is_none(),
                "account {} oidc provider \"{}\": jwks and jwks_file exclude each other",
                account.id,
                provider.name
            );
            let path = dir.join(name);
            let text = std::fs::read_to_string(&path);
            let text = text.with_context(|| format!("cannot read the JWK set {}", path.display()))?;
            provider.jwks = Some(Document(text));
        }
    }
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
    fn the_built_in_key_is_there_unless_the_root_of_the_default_account_has_keys() {
        let default: AccountId = "1000000000000001".parse().unwrap();
        let keys = |text: &str| Identities::new(load(text).unwrap().accounts, &default).unwrap();
        assert!(keys("").key("test").is_some());
        let other = keys("[[accounts]]\nid='2'\n[[accounts.access_keys]]\nid='a'\nsecret='b'");
        assert!(other.key("test").is_some() && other.key("a").unwrap().key.active);
        let own = "[[accounts]]\nid='1000000000000001'\n[[accounts.access_keys]]\nid='a'\nsecret='b'\nstatus='Inactive'";
        let own = keys(own);
        assert!(own.key("test").is_none() && !own.key("a").unwrap().key.active);
        let user = "[[accounts]]\nid='1000000000000001'\n[[accounts.users]]\nname='u'\naccess_keys=[{id='a',secret='b'}]";
        let user = keys(user);
        assert!(user.key("test").is_some() && user.key("a").unwrap().user.as_deref() == Some("u"));
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is_shown() {
        let cases = [
            ("[limit]\n", "; did you mean limits?"),
            ("[limit]\n", " line 1: unknown field `limit`"),
            ("\n[limits]\nversions = 3", " line 3: unknown field `versions`"),
            ("[[accounts]]\nid='x'", "account id \"x\" is not 1 to 32 digits"),
            ("[[accounts]]\nid='1'\n[[accounts.user]]\nname='a'", "unknown field `user`"),
            ("[[accounts]]\nid='1'\n[[accounts.users]]\nname='a'\npolicy='x'", "unknown field `policy`"),
            ("[service]\npolicies = true", "unknown field `policies`"),
            ("[[accounts]]\nid='1'\n[[accounts]]\nid='1'", "account 1 is given twice"),
            ("[[accounts]]\nid='1'\n[[accounts.users]]\nname='a b'", "account 1 user \"a b\": a name is"),
            (
                "[[accounts]]\nid='1'\n[[accounts.users]]\nname='a'\npolicies=['AliyunKMSFulAccess']",
                "account 1 user \"a\": there is no policy \"AliyunKMSFulAccess\"",
            ),
            (
                "[[accounts]]\nid='1'\n[[accounts.groups]]\nname='g'\nusers=['a']",
                "account 1 group \"g\": there is no user \"a\"",
            ),
            (
                "[[accounts]]\nid='1'\n[[accounts.policies]]\nname='p'\ndocument='{\"Version\":\"1\"}'",
                "account 1 policy \"p\": Statement: missing",
            ),
            (
                "[[accounts]]\nid='1'\n[[accounts.roles]]\nname='r'\ntrust='[]'",
                "account 1 role \"r\" trust: ",
            ),
            (
                "[[accounts]]\nid='1'\n[[accounts.oidc_providers]]\nname='i'\nissuer='https://i'\nclient_ids=['a']\njwks='{\"keys\":[]}'",
                "account 1 oidc provider \"i\": jwks is not a JWK set with an RSA key",
            ),
            (
                "[[accounts]]\nid='1'\n[[accounts.oidc_providers]]\nname='i'\nissuer='https://i'\nclient_ids=['a']\njwks_file='none.json'",
                "cannot read the JWK set",
            ),
            ("\n[[faults]]\naction='*'\nevry=2\ndelay_ms=1", " line 4: unknown field `evry`"),
            (
                "[[faults]]\naction='*'\ndelay_ms=1\n[[faults]]\naction='*'\ncode='Oops'",
                "faults: rule 2: code: \"Oops\"",
            ),
            (
                "[[faults]]\naction='GetSecret'\ndelay_ms=1",
                "faults: rule 1: action: there is no action \"GetSecret\"",
            ),
            ("[limits]\nkeys_per_account = 0", "limits.keys_per_account must be from 1 to 1000000"),
            ("[limits]\nsecrets_per_account = 0", "limits.secrets_per_account must be from 1 to 1000000000"),
            ("[limits]\nversions_per_secret = 1", "limits.versions_per_secret must be from 2 to 1000"),
            ("[limits]\nnonces_per_key = 0", "limits.nonces_per_key must be from 1 to 1000000000"),
            ("[limits]\nnonces_total = 1000000001", "limits.nonces_total must be from 1 to 1000000000"),
            ("[limits]\nconnections = 15", "limits.connections must be from 16 to 100000"),
            (
                "[limits]\nconnections_per_address = 0",
                "limits.connections_per_address must be from 1 to 100000",
            ),
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
