//! Rotators: what plays the system behind a managed secret. Which one a secret has, and what the configuration file may say
//! of them (rules DY10.1 to DY10.3).

pub mod database;
pub mod hooks;

use rand::CryptoRng;
use serde::{Deserialize, Serialize};

use self::database::Database;
use self::hooks::Hook;
use super::RotationInterval;
use super::config::ExtendedConfig;
use super::value::{Hidden, default_password};
use crate::domain::nearest;
use crate::domain::password::{self, LENGTH, PasswordSpec};
use crate::domain::policy::pattern::Pattern;
use crate::domain::{Refusal, SecretName, SecretType};

/// What a rotator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nothing stands behind the secret: a new value is made, and that is all (rule DY10.5).
    Simulate,
    /// Sesame's own directory of RAM users (rules DY12).
    Ram,
    /// PostgreSQL (rules DY11).
    Postgres,
    /// MySQL or MariaDB (rules DY11).
    Mysql,
    /// Redis (rules DY11).
    Redis,
    /// A program that answers HTTP requests (rules DY14.5 to DY14.9).
    Webhook,
    /// A program that is started (rule DY14.4).
    Command,
    /// New random texts in a Generic secret (rule DY14.3).
    Generator,
}

impl Kind {
    /// All kinds.
    const ALL: [Self; 8] = [
        Self::Simulate,
        Self::Ram,
        Self::Postgres,
        Self::Mysql,
        Self::Redis,
        Self::Webhook,
        Self::Command,
        Self::Generator,
    ];
    /// The kinds that are there without a configuration file.
    const BUILT_IN: [Self; 2] = [Self::Simulate, Self::Ram];

    /// The word of the configuration file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simulate => "simulate",
            Self::Ram => "ram",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Redis => "redis",
            Self::Webhook => "webhook",
            Self::Command => "command",
            Self::Generator => "generator",
        }
    }

    /// Whether secrets of this type can be rotated by this kind.
    pub fn fits(self, secret_type: SecretType) -> bool {
        match self {
            Self::Simulate => !matches!(secret_type, SecretType::Generic | SecretType::RamCredentials),
            Self::Ram => secret_type == SecretType::RamCredentials,
            Self::Postgres | Self::Mysql => matches!(secret_type, SecretType::Rds | SecretType::PolarDb),
            Self::Redis => secret_type == SecretType::Redis,
            Self::Webhook | Self::Command => true,
            Self::Generator => secret_type == SecretType::Generic,
        }
    }
}

/// A rotator, as it is written down in `[[rotators]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotatorFile {
    /// Its name, unique.
    pub name: String,
    /// Patterns of secrets' names; `*` stands for any rest, `?` for one character.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Only secrets of this type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub secret_type: Option<String>,
    /// Only secrets with this `DBInstanceId`, `DBClusterId` or `InstanceId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What it is: `simulate`, `ram`, `postgres`, `mysql`, `redis`, `webhook`, `command` or `generator`.
    pub kind: String,
    /// Databases: the server and who logs in, such as `postgres://admin@127.0.0.1:5432/orders`. Kind webhook: where requests go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Hidden>,
    /// The variable with the password of who logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// The file with that password; an end of line after it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<String>,
    /// Whether accounts that a secret needs are created; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_accounts: Option<bool>,
    /// Whether a new password is tried by a login; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<bool>,
    /// The statement that changes an account; `{{name}}` and `{{password}}` are filled in, quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The statement that creates the second account, `{{clone}}`, from the first, `{{name}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_statement: Option<String>,
    /// Who logs in to change an account: `admin`, the user of `url` (default), or `account`, the account itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_as: Option<String>,
    /// Whether the database gets the password itself and not a verifier or hash of it; default false. Not for mysql.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_password: Option<bool>,
    /// Kind mysql: the host part of accounts; default `%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The longest that one step, call or program may take, 100ms to 30s; default 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// A file with certificates (PEM) that sign those of the database or receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// Kind webhook: `value`, the receiver answers with the new value (default), or `steps`, it works through the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Kind webhook, mode steps: the names of the steps, `sesame` (default) or `aws`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_names: Option<String>,
    /// Kind webhook, mode value: whether requests carry the current value; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_value: Option<bool>,
    /// Kind webhook: the variable with the secret that requests are signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
    /// Kind command: the program and its arguments. No shell reads them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argv: Option<Vec<String>>,
    /// Kind command: whether one end of line at the end of the output is cut; default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trim: Option<bool>,
    /// Kind generator: members or JSON pointers that get new texts; without it the whole value is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// How often Generic secrets are rotated, 1s to 8760h. Without it, not by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// What `secret_env` holds.
    #[serde(skip)]
    pub hook_secret: Option<Hidden>,
    /// What `password_env` or `password_file` holds.
    #[serde(skip)]
    pub admin_password: Option<Hidden>,
    /// What new passwords look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordFile>,
}

/// What new passwords look like, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordFile {
    /// Characters, 8 to 128; default 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u32>,
    /// Characters that it must not have. Without this: everything but letters, digits, `_` and `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<String>,
    /// Whether it has no letters a-z; default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_lowercase: Option<bool>,
    /// Whether it has no letters A-Z; default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_uppercase: Option<bool>,
    /// Whether it has no digits; default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_numbers: Option<bool>,
    /// Whether it has no punctuation; default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_punctuation: Option<bool>,
    /// Whether it has at least one character of each class that is not excluded; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_each: Option<bool>,
}

/// A checked rotator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotator {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    file: RotatorFile,
    secrets: Vec<Pattern>,
    secret_type: Option<SecretType>,
    password: PasswordSpec,
    /// Kinds postgres, mysql and redis: the database.
    pub database: Option<Database>,
    /// Kinds webhook, command and generator: what makes the value.
    pub hook: Option<Hook>,
    /// How often Generic secrets are rotated.
    pub interval: Option<RotationInterval>,
}

impl Rotator {
    /// The rotator for secrets that no rotator of the configuration file matches.
    fn built_in(kind: Kind) -> Self {
        let name = kind.as_str().to_owned();
        let file = RotatorFile { name: name.clone(), kind: name.clone(), ..RotatorFile::default() };
        let (secrets, password) = (Vec::new(), default_password());
        Self {
            name,
            kind,
            file,
            secrets,
            secret_type: None,
            password,
            database: None,
            hook: None,
            interval: None,
        }
    }

    fn matches(&self, secret: &Described<'_>) -> bool {
        let is_named = || self.secrets.iter().any(|pattern| pattern.matches(secret.name.as_str()));
        self.kind.fits(secret.secret_type)
            && (secret.secret_type == SecretType::Generic || !hooks::is_stepwise(&self.file))
            && (self.secrets.is_empty() || is_named())
            && self.secret_type.is_none_or(|wanted| wanted == secret.secret_type)
            && self.file.instance.as_deref().is_none_or(|wanted| secret.config.instance() == Some(wanted))
    }

    /// A new password.
    ///
    /// # Errors
    /// Those of [`password::generate`].
    pub fn password(&self, rng: &mut dyn CryptoRng) -> Result<Hidden, Refusal> {
        password::generate(&self.password, rng).map(Hidden::new)
    }
}

/// What of a secret decides its rotator.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// Its name.
    pub name: &'a SecretName,
    /// Its type.
    pub secret_type: SecretType,
    /// Its `ExtendedConfig`.
    pub config: &'a ExtendedConfig,
}

/// All rotators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotators(Vec<Rotator>);

impl Default for Rotators {
    /// Those that are there without a configuration file.
    fn default() -> Self {
        Self(Kind::BUILT_IN.map(Rotator::built_in).into())
    }
}

impl Rotators {
    /// Checks what the configuration file says.
    ///
    /// # Errors
    /// What is wrong, in one line that names the rotator.
    pub fn new(files: &[RotatorFile]) -> Result<Self, String> {
        let mut all: Vec<Rotator> = Vec::with_capacity(files.len() + Kind::BUILT_IN.len());
        for file in files {
            let rotator = checked(file).map_err(|why| format!("rotator \"{}\": {why}", file.name))?;
            if all.iter().any(|other| other.name == rotator.name) {
                return Err(format!("rotator \"{}\" is given twice", rotator.name));
            }
            all.push(rotator);
        }
        all.extend(Self::default().0);
        Ok(Self(all))
    }

    /// All of them as in the configuration file, in their order, each with whether it is built in.
    pub fn list(&self) -> impl Iterator<Item = (&RotatorFile, bool)> {
        let own = self.0.len().saturating_sub(Kind::BUILT_IN.len());
        self.0.iter().enumerate().map(move |(at, rotator)| (&rotator.file, at >= own))
    }

    /// Whether any rotates Generic secrets by itself.
    pub fn any_interval(&self) -> bool {
        self.0.iter().any(|rotator| rotator.interval.is_some())
    }

    /// The first rotator of this kind.
    pub fn of_kind(&self, kind: Kind) -> Option<&Rotator> {
        self.0.iter().find(|rotator| rotator.kind == kind)
    }

    /// Probable mistakes, one line each.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let has_password =
            |rotator: &&Rotator| rotator.database.as_ref().is_some_and(Database::has_password_in_url);
        self.0.iter().filter(has_password).map(|rotator| {
            format!(
                "rotator \"{}\": url holds a password; password_env or password_file keeps it out of the configuration file",
                rotator.name
            )
        })
    }

    /// The rotator of this name.
    pub fn named(&self, name: &str) -> Option<&Rotator> {
        self.0.iter().find(|rotator| rotator.name == name)
    }

    /// The rotator of a secret: the first that matches (rule DY10.2). `None` for Generic secrets.
    pub fn of(&self, secret: &Described<'_>) -> Option<&Rotator> {
        self.0.iter().find(|rotator| rotator.matches(secret))
    }
}

fn checked(file: &RotatorFile) -> Result<Rotator, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !(1..=64).contains(&file.name.len()) || !file.name.bytes().all(fits) {
        return Err("a name is 1 to 64 letters, digits and . _ -".to_owned());
    }
    if let Some(taken) = Kind::BUILT_IN.into_iter().find(|kind| kind.as_str() == file.name) {
        return Err(format!("the name {} is taken by the built-in rotator", taken.as_str()));
    }
    let kind = one_of(
        "kind",
        &file.kind,
        Kind::ALL.into_iter().find(|kind| kind.as_str() == file.kind),
        &Kind::ALL.map(Kind::as_str),
    )?;
    let secret_type = match &file.secret_type {
        None => None,
        Some(word) => {
            let known = SecretType::ALL.map(SecretType::as_str);
            let found = SecretType::ALL.into_iter().find(|known| known.as_str() == *word);
            Some(one_of("type", word, found, &known)?)
        }
    };
    if let Some(secret_type) = secret_type.filter(|secret_type| !kind.fits(*secret_type)) {
        return Err(format!("kind {} does not fit type {}", kind.as_str(), secret_type.as_str()));
    }
    if file.secrets.is_empty() && secret_type.is_none() && file.instance.is_none() {
        return Err("it matches no secret; give at least one of secrets, type and instance".to_owned());
    }
    let hook = hooks::checked(kind, secret_type, file)?;
    let interval = hooks::interval(file)?;
    let database = if hook.is_some() { None } else { database::checked(kind, secret_type, file)? };
    // The list shows neither the password in the URL nor the one from elsewhere.
    let url = match (&hook, &database) {
        (Some(Hook::Webhook(webhook)), _) => Some(Hidden::new(webhook.shown_url())),
        (_, database) => database.as_ref().map(|database| Hidden::new(database.shown_url())),
    };
    if kind == Kind::Ram && file.password.is_some() {
        return Err("kind ram makes AccessKeys, so it takes no password".to_owned());
    }
    if kind == Kind::Ram && file.instance.is_some() {
        return Err("kind ram takes no instance, because secrets of type RAMCredentials have none".to_owned());
    }
    Ok(Rotator {
        name: file.name.clone(),
        kind,
        file: RotatorFile { url, admin_password: None, hook_secret: None, ..file.clone() },
        secrets: file.secrets.iter().map(|text| Pattern::exact_case(text)).collect(),
        secret_type,
        password: file.password.as_ref().map_or_else(|| Ok(default_password()), password_spec)?,
        database,
        hook,
        interval,
    })
}

fn one_of<T>(member: &str, word: &str, found: Option<T>, known: &[&str]) -> Result<T, String> {
    found.ok_or_else(|| {
        let (list, hint) = (known.join(", "), nearest::hint(word, known.iter().copied()));
        format!("{member} \"{word}\" is not one of {list}{hint}")
    })
}

fn password_spec(file: &PasswordFile) -> Result<PasswordSpec, String> {
    let (least, most, usual) = LENGTH;
    let length = file.length.unwrap_or(usual);
    if !(least..=most).contains(&length) {
        return Err(format!("password.length must be from {least} to {most}"));
    }
    let spec = PasswordSpec {
        exclude_lowercase: file.exclude_lowercase.unwrap_or(false),
        exclude_uppercase: file.exclude_uppercase.unwrap_or(false),
        exclude_numbers: file.exclude_numbers.unwrap_or(false),
        exclude_punctuation: file.exclude_punctuation.unwrap_or(false),
        require_each: file.require_each.unwrap_or(true),
        ..PasswordSpec::new(length, file.exclude.as_deref().unwrap_or(password::UNSAFE_IN_URLS))
    };
    password::check(&spec).map_err(|refusal| match refusal {
        Refusal::Parameter(_, why) => format!("password.exclude {why}"),
        other => other.to_string(),
    })?;
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::super::config::example;
    use super::*;

    fn files(toml: &str) -> Vec<RotatorFile> {
        #[derive(Deserialize)]
        struct File {
            rotators: Vec<RotatorFile>,
        }
        toml::from_str::<File>(toml).unwrap().rotators
    }

    fn of(rotators: &Rotators, name: &str, secret_type: SecretType) -> Option<String> {
        let config = ExtendedConfig::stored(secret_type, example(secret_type)).ok()?;
        let name: SecretName = name.parse().unwrap();
        rotators.of(&Described { name: &name, secret_type, config: &config }).map(|found| found.name.clone())
    }

    #[test]
    fn rule_dy10_2_the_first_match_in_file_order_wins_and_the_rest_has_built_in_ones() {
        let rotators = Rotators::new(&files(
            "[[rotators]]\nname='orders'\nsecrets=['orders/*','o?']\nkind='simulate'\n\
             [[rotators]]\nname='rds'\ntype='Rds'\nkind='simulate'\n\
             [[rotators]]\nname='redis'\ninstance='r-1'\nkind='simulate'\n\
             [[rotators]]\nname='keys'\nsecrets=['*']\nkind='ram'\n",
        ))
        .unwrap();
        for (name, secret_type, wanted) in [
            ("orders/db", SecretType::Rds, "orders"),
            ("o1", SecretType::Ecs, "orders"),
            ("other", SecretType::Rds, "rds"),
            ("other", SecretType::Redis, "redis"),
            ("other", SecretType::PolarDb, "simulate"),
            ("orders/key", SecretType::RamCredentials, "keys"),
        ] {
            assert_eq!(of(&rotators, name, secret_type).as_deref(), Some(wanted), "{name} {secret_type:?}");
        }
        let none = Rotators::default();
        assert_eq!(of(&none, "a", SecretType::RamCredentials).as_deref(), Some("ram"));
        assert_eq!(of(&none, "a", SecretType::Ecs).as_deref(), Some("simulate"));
        let config = ExtendedConfig::stored(SecretType::Rds, example(SecretType::Rds)).unwrap();
        let name = "orders/db".parse().unwrap();
        let generic = Described { name: &name, secret_type: SecretType::Generic, config: &config };
        assert_eq!(rotators.of(&generic), None);
    }

    #[test]
    fn rule_dy10_3_what_does_not_fit_is_refused_in_one_line_that_names_it() {
        let cases = [
            ("name='a'\ntype='Rds'\nkind='ram'", "rotator \"a\": kind ram does not fit type Rds"),
            (
                "name='a'\ntype='RAMCredentials'\nkind='simulate'",
                "rotator \"a\": kind simulate does not fit type RAMCredentials",
            ),
            (
                "name='a'\ntype='Generic'\nkind='simulate'",
                "rotator \"a\": kind simulate does not fit type Generic",
            ),
            ("name='a'\ntype='rds'\nkind='simulate'", "did you mean Rds?"),
            ("name='a'\ntype='Rds'\nkind='simulat'", "did you mean simulate?"),
            ("name='a'\nkind='simulate'", "rotator \"a\": it matches no secret"),
            ("name='a b'\ntype='Rds'\nkind='simulate'", "rotator \"a b\": a name is 1 to 64"),
            ("name='ram'\ntype='Rds'\nkind='simulate'", "the name ram is taken"),
            (
                "name='a'\ntype='Rds'\nkind='simulate'\npassword={length=7}",
                "rotator \"a\": password.length must be from 8 to 128",
            ),
            (
                "name='a'\ntype='Rds'\nkind='simulate'\npassword={exclude='é'}",
                "rotator \"a\": password.exclude has 'é'",
            ),
            ("name='a'\ntype='RAMCredentials'\nkind='ram'\npassword={}", "it takes no password"),
            ("name='a'\nkind='ram'\ninstance='x'", "kind ram takes no instance"),
        ];
        for (toml, wanted) in cases {
            let said = Rotators::new(&files(&format!("[[rotators]]\n{toml}"))).unwrap_err();
            assert!(said.contains(wanted) && !said.contains('\n'), "{toml}: {said}");
        }
        let twice = "[[rotators]]\nname='a'\ntype='Rds'\nkind='simulate'\n".repeat(2);
        assert_eq!(Rotators::new(&files(&twice)).unwrap_err(), "rotator \"a\" is given twice");
        assert!(toml::from_str::<RotatorFile>("name='a'\nkind='ram'\nurls='x'").is_err());
    }

    #[test]
    fn rule_dy10_4_the_list_shows_what_the_file_says() {
        let all = files(
            "[[rotators]]\nname='a'\nsecrets=['o/*']\ntype='Rds'\ninstance='rm-1'\nkind='simulate'\npassword={length=64}",
        );
        let rotators = Rotators::new(&all).unwrap();
        let listed: Vec<_> = rotators.list().map(|(file, built_in)| (file.name.as_str(), built_in)).collect();
        assert_eq!(listed, [("a", false), ("simulate", true), ("ram", true)]);
        assert_eq!(rotators.list().next().map(|(file, _)| file), all.first());
    }

    #[test]
    fn passwords_are_as_the_rotator_says() {
        let made = |password: &str| {
            let toml = format!("[[rotators]]\nname='a'\ntype='Rds'\nkind='simulate'\n{password}");
            let rotators = Rotators::new(&files(&toml)).unwrap();
            let config = ExtendedConfig::stored(SecretType::Rds, example(SecretType::Rds)).unwrap();
            let name = "a".parse().unwrap();
            let secret = Described { name: &name, secret_type: SecretType::Rds, config: &config };
            let mut rng = ChaCha20Rng::seed_from_u64(3);
            rotators.of(&secret).unwrap().password(&mut rng).unwrap().reveal().to_owned()
        };
        assert_eq!(made("").len(), 32);
        let long = made("password={length=64, exclude='abc'}");
        assert!(
            long.len() == 64
                && !long.contains(['a', 'b', 'c'])
                && long.contains(|c: char| c.is_ascii_punctuation())
        );
    }
}
