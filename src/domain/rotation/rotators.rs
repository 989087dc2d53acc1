//! Rotators: what plays the system behind a managed secret. Which one a secret has, and what the configuration file may say
//! of them (rules DY10.1 to DY10.3).

use rand::CryptoRng;
use serde::{Deserialize, Serialize};

use super::config::ExtendedConfig;
use super::value::{Hidden, fresh_password};
use crate::domain::nearest::nearest;
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
}

impl Kind {
    /// All kinds.
    const ALL: [Self; 2] = [Self::Simulate, Self::Ram];

    /// The word of the configuration file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simulate => "simulate",
            Self::Ram => "ram",
        }
    }

    /// Whether secrets of this type can be rotated by this kind.
    pub fn fits(self, secret_type: SecretType) -> bool {
        match self {
            Self::Simulate => !matches!(secret_type, SecretType::Generic | SecretType::RamCredentials),
            Self::Ram => secret_type == SecretType::RamCredentials,
        }
    }
}

/// A rotator, as it is written down in `[[rotators]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What it is: `simulate` or `ram`.
    pub kind: String,
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
}

/// A checked rotator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotator {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    secrets: Vec<Pattern>,
    secret_type: Option<SecretType>,
    instance: Option<String>,
    password: Option<PasswordSpec>,
}

impl Rotator {
    /// What plays the other side where no rotator of the configuration file matches.
    fn built_in(kind: Kind) -> Self {
        let (secrets, name) = (Vec::new(), kind.as_str().to_owned());
        Self { name, kind, secrets, secret_type: None, instance: None, password: None }
    }

    fn matches(&self, secret: &Described<'_>) -> bool {
        let is_named = || self.secrets.iter().any(|pattern| pattern.matches(secret.name.as_str()));
        self.kind.fits(secret.secret_type)
            && (self.secrets.is_empty() || is_named())
            && self.secret_type.is_none_or(|wanted| wanted == secret.secret_type)
            && self.instance.as_deref().is_none_or(|wanted| secret.config.instance() == Some(wanted))
    }

    /// As it is written down.
    fn written_down(&self) -> RotatorFile {
        RotatorFile {
            name: self.name.clone(),
            secrets: self.secrets.iter().map(|pattern| pattern.text().to_owned()).collect(),
            secret_type: self.secret_type.map(|known| known.as_str().to_owned()),
            instance: self.instance.clone(),
            kind: self.kind.as_str().to_owned(),
            password: self.password.as_ref().map(|spec| PasswordFile {
                length: Some(spec.length),
                exclude: Some(spec.exclude_characters.clone()),
            }),
        }
    }

    /// A new password as this rotator makes them.
    ///
    /// # Errors
    /// None in practice.
    pub fn password(&self, rng: &mut dyn CryptoRng) -> Result<Hidden, Refusal> {
        match &self.password {
            None => fresh_password(rng),
            Some(spec) => password::generate(spec, rng).map(Hidden::new),
        }
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
        Self(Kind::ALL.map(Rotator::built_in).into())
    }
}

impl Rotators {
    /// Checks what the configuration file says.
    ///
    /// # Errors
    /// What is wrong, in one line that names the rotator.
    pub fn new(files: &[RotatorFile]) -> Result<Self, String> {
        let mut all: Vec<Rotator> = Vec::with_capacity(files.len() + Kind::ALL.len());
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

    /// All of them as they are written down, in their order, each with whether it is there without a configuration file.
    pub fn list(&self) -> Vec<(RotatorFile, bool)> {
        let own = self.0.len().saturating_sub(Kind::ALL.len());
        self.0.iter().enumerate().map(|(at, rotator)| (rotator.written_down(), at >= own)).collect()
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

/// Whether a name fits a pattern: `*` stands for any rest, `?` for one character.
pub fn name_fits(pattern: &str, name: &str) -> bool {
    Pattern::exact_case(pattern).matches(name)
}

fn checked(file: &RotatorFile) -> Result<Rotator, String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !(1..=64).contains(&file.name.len()) || !file.name.bytes().all(fits) {
        return Err("a name is 1 to 64 letters, digits and . _ -".to_owned());
    }
    if let Some(taken) = Kind::ALL.into_iter().find(|kind| kind.as_str() == file.name) {
        return Err(format!("the name {} is taken by the rotator that is there in any case", taken.as_str()));
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
            let known = MANAGED.map(SecretType::as_str);
            Some(one_of("type", word, MANAGED.into_iter().find(|known| known.as_str() == *word), &known)?)
        }
    };
    if let Some(secret_type) = secret_type.filter(|secret_type| !kind.fits(*secret_type)) {
        return Err(format!("kind {} does not fit type {}", kind.as_str(), secret_type.as_str()));
    }
    if file.secrets.is_empty() && secret_type.is_none() && file.instance.is_none() {
        return Err("it matches no secret; give at least one of secrets, type and instance".to_owned());
    }
    if kind == Kind::Ram && file.instance.is_some() {
        return Err("kind ram is for RAM users, which have no instance".to_owned());
    }
    if kind == Kind::Ram && file.password.is_some() {
        return Err("kind ram makes AccessKeys, so it takes no password".to_owned());
    }
    Ok(Rotator {
        name: file.name.clone(),
        kind,
        secrets: file.secrets.iter().map(|text| Pattern::exact_case(text)).collect(),
        secret_type,
        instance: file.instance.clone(),
        password: file.password.as_ref().map(password_spec).transpose()?,
    })
}

/// The types that have rotators.
const MANAGED: [SecretType; 5] =
    [SecretType::Rds, SecretType::Redis, SecretType::PolarDb, SecretType::RamCredentials, SecretType::Ecs];

fn one_of<T>(member: &str, word: &str, found: Option<T>, known: &[&str]) -> Result<T, String> {
    found.ok_or_else(|| {
        let hint = nearest(word, known.iter().copied()).map(|near| format!("; did you mean {near}?"));
        let list = known.join(", ");
        format!("{member} \"{word}\" is not one of {list}{}", hint.unwrap_or_default())
    })
}

fn password_spec(file: &PasswordFile) -> Result<PasswordSpec, String> {
    let (least, most, usual) = LENGTH;
    let length = file.length.unwrap_or(usual);
    if !(least..=most).contains(&length) {
        return Err(format!("password.length must be from {least} to {most}"));
    }
    let signs = "!\"#$%&'()*+,./:;<=>?@[\\]^{|}~";
    let exclude_characters = file.exclude.clone().unwrap_or_else(|| signs.to_owned());
    let spec = PasswordSpec {
        length,
        exclude_characters,
        exclude_lowercase: false,
        exclude_uppercase: false,
        exclude_numbers: false,
        exclude_punctuation: false,
        require_each: true,
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
                "rotator \"a\": type \"Generic\" is not one of Rds,",
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
            ("name='a'\ninstance='i-1'\nkind='ram'", "RAM users, which have no instance"),
        ];
        for (toml, wanted) in cases {
            let said = Rotators::new(&files(&format!("[[rotators]]\n{toml}"))).unwrap_err();
            assert!(said.contains(wanted) && !said.contains('\n'), "{toml}: {said}");
        }
        let twice = "[[rotators]]\nname='a'\ntype='Rds'\nkind='simulate'\n".repeat(2);
        assert_eq!(Rotators::new(&files(&twice)).unwrap_err(), "rotator \"a\" is given twice");
        assert!(toml::from_str::<RotatorFile>("name='a'\nkind='ram'\nurl='x'").is_err());
    }

    #[test]
    fn the_list_shows_the_passwords_of_a_rotator() {
        let toml = "[[rotators]]\nname='a'\ntype='Rds'\nkind='simulate'\npassword={length=64, exclude='abc'}";
        let files = files(toml);
        let listed = Rotators::new(&files).unwrap().list();
        assert_eq!(listed.first(), Some(&(files.first().unwrap().clone(), false)));
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
