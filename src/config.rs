//! The configuration file (`--config`): accounts, access keys, limits, fault rules. An unknown name is an error.

use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use serde::Deserialize;

use crate::actions::check_faults;
use crate::domain::limits::{DEFAULT_REQUEST_LOG, MOST_REQUEST_LOG};
use crate::domain::nearest::with_suggestion;
use crate::domain::rotation::rotators::{RotatorFile, Rotators};
use crate::domain::rotation::value::Hidden;
use crate::domain::rotation::{RotationInterval, RotationSettings};
use crate::domain::{AccountId, FaultRule, Limits, NonceLimits};
use crate::identities::file::{AccountFile, Document};
use crate::identities::{Identities, warnings};

/// The contents of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Accounts with their access keys.
    #[serde(default)]
    accounts: Vec<AccountFile>,
    /// Limits.
    #[serde(default)]
    limits: FileLimits,
    /// Variants of the service's behaviour.
    #[serde(default)]
    service: Service,
    /// Fault rules, for tests of clients.
    #[serde(default)]
    faults: Vec<FaultRule>,
    /// What plays the systems behind managed secrets; the first that matches a secret is its rotator.
    #[serde(default)]
    rotators: Vec<RotatorFile>,
    /// How secrets of managed types behave.
    #[serde(default)]
    managed: FileManaged,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileManaged {
    /// How long both AccessKeys of a RAM user work after a scheduled rotation, 1 second to 8,760 hours; default 48h.
    ram_window: String,
    /// The same after RotateSecret; default 48h.
    ram_window_manual: String,
    /// Whether the old AccessKey turns Inactive at half of the window; default true.
    ram_disable_old: bool,
    /// Whether RotateSecret and UpdateSecretRotationPolicy work on Generic secrets that have a rotator: off, as on the cloud, or
    /// extended; default off.
    generic_rotation: String,
    /// Whether mode `enforced` checks the roles by which the service acts on targets when a managed secret is created;
    /// default false.
    check_service_roles: bool,
}

impl Default for FileManaged {
    fn default() -> Self {
        let window = "48h".to_owned();
        Self {
            ram_window: window.clone(),
            ram_window_manual: window,
            ram_disable_old: true,
            generic_rotation: "off".to_owned(),
            check_service_roles: false,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Service {
    /// Whether secrets and keys have policies, as in a KMS instance; default true.
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
    /// Maximum number of versions of a secret, 2 to 1,000; default 10.
    versions_per_secret: usize,
    /// Maximum number of labels on all versions of a secret together, 2 to 1,000; default 8.
    labels_per_secret: usize,
    /// Maximum length of a value, 1 to 65,536 bytes; default 30,720.
    secret_data_bytes: usize,
    /// Maximum number of keys of an account in a region, 1 to 1,000,000; default 100,000. The maximum number of aliases is 1.5
    /// times this, that of key versions 50 times.
    keys_per_account: usize,
    /// Maximum number of secrets of an account in a region, 1 to 1,000,000,000; default 10,000,000.
    secrets_per_account: u64,
    /// The shortest interval of a rotation plan, from 1s; default 6h, as on the cloud.
    rotation_interval_min: String,
    /// Maximum memory for cached secrets, in bytes; default 40 MiB.
    cache_bytes: u64,
    /// Maximum number of nonces that are remembered for one principal, 1 to 1,000,000,000; default 5,000,000, enough for 4,700
    /// signed requests a second, in 55 MiB. Further signed requests are answered `Throttling.User`.
    nonces_per_key: u64,
    /// Maximum number of nonces for all principals together, 1 to 1,000,000,000; default 20,000,000. When it is reached, only
    /// principals with less than an equal share may send signed requests.
    nonces_total: u64,
    /// Maximum number of open connections, 16 to 100,000; default 4,096, or fewer if the process may not open that many files.
    connections: Option<usize>,
    /// Maximum number of open connections of one client address, 1 to 100,000; default a quarter of `connections`. In mode `open` it
    /// does not apply to 127.0.0.1 and ::1.
    connections_per_address: Option<usize>,
    /// How many requests `/_sesame/requests` keeps, 1 to 100,000; default 10,000, in about 6 MiB.
    request_log: usize,
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
            rotation_interval_min: limits.rotation_interval_min.to_string(),
            cache_bytes: 40 * 1024 * 1024,
            nonces_per_key: NonceLimits::default().per_principal,
            nonces_total: NonceLimits::default().total,
            connections: None,
            connections_per_address: None,
            request_log: DEFAULT_REQUEST_LOG,
        }
    }
}

/// The checked configuration.
#[derive(Debug)]
pub struct Config {
    /// Accounts.
    pub accounts: Vec<AccountFile>,
    /// Limits of secrets and keys.
    pub limits: Limits,
    /// Maximum memory for cached secrets, in bytes. Default 40 MiB.
    pub cache_bytes: u64,
    /// Limits of nonces.
    pub nonces: NonceLimits,
    /// Maximum number of open connections. `None`: as many as file descriptors allow, at most 4,096.
    pub connections: Option<usize>,
    /// Maximum number of open connections of one address. `None`: a quarter of all.
    pub connections_per_address: Option<usize>,
    /// How many requests the request log keeps. Default 10,000.
    pub request_log: usize,
    /// Whether secrets and keys have policies, as in a KMS instance (difference D18). Default true.
    pub resource_policies: bool,
    /// Fault rules.
    pub faults: Vec<FaultRule>,
    /// How rotations are carried out.
    pub rotation: RotationSettings,
    /// Probable mistakes, one line each: actions in policies that KMS does not have.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads and checks a file; without one, returns the defaults.
    ///
    /// # Errors
    /// One line with the file, the place and what is wrong.
    pub fn load(file: Option<&Path>, default_account: &AccountId) -> anyhow::Result<Self> {
        let parsed = match file {
            None => FileConfig::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
                let mut parsed: FileConfig = toml::from_str(&text).map_err(|e| one_line(path, &text, &e))?;
                let dir = path.parent().unwrap_or_else(|| Path::new("."));
                read_named_files(&mut parsed.accounts, dir)?;
                find_passwords(&mut parsed.rotators, dir)?;
                parsed
            }
        };
        parsed.checked(default_account)
    }
}

/// The parser's error on one line, without its excerpt of the file, which may contain a secret.
fn one_line(path: &Path, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let line =
        error.span().map_or(0, |span| text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1);
    let message = with_suggestion(&error.message().replace('\n', " "));
    anyhow::anyhow!("{} line {line}: {message}", path.display())
}

impl FileConfig {
    fn checked(self, default_account: &AccountId) -> anyhow::Result<Config> {
        // Only to check the accounts: an error stops the start.
        Identities::new(self.accounts.clone(), default_account)?;
        let limits = Limits {
            versions_per_secret: self.limits.versions_per_secret,
            labels_per_secret: self.limits.labels_per_secret,
            secret_data_bytes: self.limits.secret_data_bytes,
            keys_per_account: self.limits.keys_per_account,
            secrets_per_account: self.limits.secrets_per_account,
            rotation_interval_min: interval(
                "limits.rotation_interval_min",
                &self.limits.rotation_interval_min,
            )?,
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
        if let Some(all) = all {
            within("connections", all as u64, 16, 100_000)?;
        }
        if let Some(of_one) = of_one {
            within("connections_per_address", of_one as u64, 1, 100_000)?;
        }
        within("request_log", self.limits.request_log as u64, 1, MOST_REQUEST_LOG as u64)?;
        check_faults(&self.faults).map_err(|why| anyhow!("faults: {why}"))?;
        let rotators = Rotators::new(&self.rotators).map_err(|why| anyhow!(why))?;
        Ok(Config {
            warnings: self.accounts.iter().flat_map(warnings).chain(rotators.warnings()).collect(),
            accounts: self.accounts,
            limits,
            cache_bytes: self.limits.cache_bytes,
            nonces,
            connections: all,
            connections_per_address: of_one,
            request_log: self.limits.request_log,
            resource_policies: self.service.resource_policies,
            faults: self.faults,
            rotation: RotationSettings {
                rotators,
                ram_window_ms: interval("managed.ram_window", &self.managed.ram_window)?.millis(),
                ram_window_manual_ms: interval("managed.ram_window_manual", &self.managed.ram_window_manual)?
                    .millis(),
                ram_disable_old: self.managed.ram_disable_old,
                generic_by_call: match self.managed.generic_rotation.as_str() {
                    "off" => false,
                    "extended" => true,
                    other => {
                        bail!("managed.generic_rotation \"{other}\" is neither \"off\" nor \"extended\"")
                    }
                },
                check_service_roles: self.managed.check_service_roles,
                ..RotationSettings::default()
            },
        })
    }
}

/// An interval of at most 8,760 hours.
fn interval(name: &str, text: &str) -> anyhow::Result<RotationInterval> {
    let parsed = RotationInterval::of_any_length(text).map_err(|invalid| anyhow!("{name} {invalid}"))?;
    ensure!(parsed <= RotationInterval::LONGEST, "{name} must be at most 8760h");
    Ok(parsed)
}

/// Reads the files that accounts name. Paths are relative to the directory of the configuration file.
fn read_named_files(accounts: &mut [AccountFile], dir: &Path) -> anyhow::Result<()> {
    for account in accounts {
        for provider in &mut account.oidc_providers {
            let Some(name) = provider.jwks_file.take() else { continue };
            ensure!(
                provider.jwks.is_none(),
                "account {} oidc provider \"{}\": set either jwks or jwks_file, not both",
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

/// Reads the passwords that rotators name. Paths are relative to the directory of the configuration file.
fn find_passwords(rotators: &mut [RotatorFile], dir: &Path) -> anyhow::Result<()> {
    for rotator in rotators {
        let name = &rotator.name;
        if let Some(file) = &rotator.ca_file {
            rotator.ca_file = Some(dir.join(file).display().to_string());
        }
        // A program without a slash is looked for in PATH.
        if let Some(program) = rotator.argv.as_mut().and_then(|argv| argv.first_mut())
            && program.contains('/')
        {
            *program = dir.join(&*program).display().to_string();
        }
        if let Some(variable) = &rotator.secret_env {
            #[expect(clippy::disallowed_methods, reason = "the configuration file names the variable")]
            let value = std::env::var(variable);
            let value = value.map_err(|_missing| {
                anyhow!("rotator \"{name}\": the variable {variable} of secret_env is not set")
            })?;
            ensure!(!value.is_empty(), "rotator \"{name}\": the variable {variable} of secret_env is empty");
            rotator.hook_secret = Some(Hidden::new(value));
        }
        let found = match (&rotator.password_env, &rotator.password_file) {
            // Both at once are refused when the rotator is checked.
            (None, None) | (Some(_), Some(_)) => continue,
            (Some(variable), None) => {
                #[expect(clippy::disallowed_methods, reason = "the configuration file names the variable")]
                let value = std::env::var(variable);
                let why =
                    |_| anyhow!("rotator \"{name}\": the variable {variable} of password_env is not set");
                value.map_err(why)?
            }
            (None, Some(file)) => {
                let path = dir.join(file);
                let text = std::fs::read_to_string(&path).with_context(|| {
                    format!("rotator \"{name}\": cannot read the password_file {}", path.display())
                })?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
        };
        ensure!(!found.is_empty(), "rotator \"{name}\": the password that it names is empty");
        rotator.admin_password = Some(Hidden::new(found));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_a_rotator_names_is_found_or_stops_the_start() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("password"), "pass word\r\n").unwrap();
        std::fs::write(dir.path().join("empty"), "\n").unwrap();
        let found = |member: &str| {
            let toml = format!("name='a'\nkind='postgres'\nca_file='ca.pem'\n{member}");
            let mut files = [toml::from_str::<RotatorFile>(&toml).unwrap()];
            find_passwords(&mut files, dir.path()).map_err(|error| error.to_string())?;
            let [file] = files;
            assert_eq!(file.ca_file.unwrap(), dir.path().join("ca.pem").display().to_string());
            Ok::<_, String>(file.admin_password.map(|found| found.reveal().to_owned()))
        };
        assert_eq!(found("password_file='password'"), Ok(Some("pass word".to_owned())));
        assert_eq!(found("password_env='CARGO_PKG_NAME'"), Ok(Some("sesame".to_owned())));
        assert_eq!(found(""), Ok(None));
        let said = found("password_env='SESAME_NO_SUCH_VARIABLE'").unwrap_err();
        assert_eq!(said, "rotator \"a\": the variable SESAME_NO_SUCH_VARIABLE of password_env is not set");
        assert!(found("password_file='none'").unwrap_err().contains("cannot read the password_file"));
        assert!(found("password_file='empty'").unwrap_err().contains("is empty"));
    }

    #[test]
    fn a_password_in_the_url_of_a_rotator_is_warned_about() {
        let warned = |url: &str| {
            load(&format!("[[rotators]]\nname='a'\ntype='Rds'\nkind='postgres'\nurl='{url}'"))
                .unwrap()
                .warnings
        };
        assert_eq!(warned("postgres://admin@h"), Vec::<String>::new());
        let said = warned("postgres://admin:hush@h");
        assert!(
            said.len() == 1 && said[0].contains("url holds a password") && !said[0].contains("hush"),
            "{said:?}"
        );
    }

    fn load(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        let account = "1000000000000001".parse().unwrap();
        Config::load(Some(&path), &account)
            .map_err(|e| e.to_string().rsplit("c.toml").next().unwrap().to_owned())
    }

    #[test]
    fn the_built_in_key_exists_unless_the_root_of_the_default_account_has_keys() {
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
    fn an_error_names_its_place_and_shows_no_secret() {
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
            (
                "[[rotators]]\nname='a'\ntype='Rds'\nkind='ram'",
                "rotator \"a\": kind ram does not fit type Rds",
            ),
            ("\n[[rotators]]\nname='a'\nkind='ram'\nsecret='x'", " line 5: unknown field `secret`"),
            ("[managed]\nram_window = '2 days'", "managed.ram_window is not a whole number followed by"),
            ("[managed]\nram_window_manual = '9000h'", "managed.ram_window_manual must be at most 8760h"),
            ("[limits]\nrotation_interval_min = '0s'", "limits.rotation_interval_min is zero"),
            ("[limits]\nkeys_per_account = 0", "limits.keys_per_account must be from 1 to 1000000"),
            ("[limits]\nsecrets_per_account = 0", "limits.secrets_per_account must be from 1 to 1000000000"),
            ("[limits]\nversions_per_secret = 1", "limits.versions_per_secret must be from 2 to 1000"),
            ("[limits]\nnonces_per_key = 0", "limits.nonces_per_key must be from 1 to 1000000000"),
            ("[limits]\nnonces_total = 1000000001", "limits.nonces_total must be from 1 to 1000000000"),
            ("[limits]\nconnections = 15", "limits.connections must be from 16 to 100000"),
            ("[limits]\nrequest_log = 100001", "limits.request_log must be from 1 to 100000"),
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
