//! The values of managed secrets: what a creation sends, what is stored and read, and the next one of a rotation (table of
//! DY1). A stored value is the JSON of one account or credential, exactly as it is read.

use rand::CryptoRng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::config::{CLONE, ExtendedConfig, SubType};
use crate::domain::password::{self, PasswordSpec};
use crate::domain::{Refusal, SecretType, Timestamp};

/// A text of a value. Wiped when dropped, and not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(Zeroizing<String>);

impl Hidden {
    /// Hides a text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The literal that creations of Redis and PolarDB send as `SecretData`, and RAMCredentials as `SecretName`.
pub const AUTO: &str = "$Auto";

/// An account at a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Account {
    /// Its name, which a rotation never changes (rule DY2.4).
    pub account_name: String,
    /// Its password.
    pub account_password: Hidden,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Accounts {
    accounts: Vec<Account>,
}

/// A login of an ECS instance with a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Login {
    user_name: String,
    password: Hidden,
}

/// A login of an ECS instance with an SSH key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyLogin {
    user_name: String,
    public_key: String,
    private_key: Hidden,
}

/// An AccessKey, as a creation sends it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SentAccessKey {
    access_key_id: String,
    access_key_secret: Hidden,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKeys {
    access_keys: Vec<SentAccessKey>,
}

/// An AccessKey, as it is stored and read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKey {
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub access_key_secret: Hidden,
    /// When it was made (rule DY5.9).
    pub generate_timestamp: String,
}

/// An AccessKey that a RAM user has, as far as a creation must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserKey {
    /// Its id.
    pub id: String,
    /// When it was made; `None` for keys of the configuration file, which have no date.
    pub created: Option<Timestamp>,
}

/// The values that a creation stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initial {
    /// Of the version with ACSCurrent.
    pub current: Hidden,
    /// Of the version with ACSPrevious, for two accounts or AccessKeys (rule R5.5).
    pub previous: Option<Hidden>,
}

/// Checks the `SecretData` of a creation and makes the values to store. `keys` are those of the RAM user, the oldest first;
/// they count for RAMCredentials only.
///
/// # Errors
/// [`Refusal::Parameter`] naming `SecretData` (rule DY1.8). The message never repeats a value.
pub fn initial(
    secret_type: SecretType,
    config: &ExtendedConfig,
    data: &str,
    keys: &[UserKey],
    (now, rng): (Timestamp, &mut dyn CryptoRng),
) -> Result<Initial, Refusal> {
    match secret_type {
        SecretType::Generic => Err(Refusal::UnsupportedType),
        SecretType::Rds => rds(config, data),
        SecretType::Redis | SecretType::PolarDb => made_here(config, data, rng),
        SecretType::Ecs => ecs(config, data),
        SecretType::RamCredentials => ram(data, keys, now),
    }
}

fn rds(config: &ExtendedConfig, data: &str) -> Result<Initial, Refusal> {
    let sent: Accounts = read(data, r#"{"Accounts":[{"AccountName":"app","AccountPassword":"…"}]}"#)?;
    let mut accounts = sent.accounts;
    for account in &accounts {
        not_empty("AccountName", &account.account_name)?;
        not_empty("AccountPassword", account.account_password.reveal())?;
    }
    let most = if config.sub_type() == SubType::DoubleUsers { 2 } else { 1 };
    if accounts.is_empty() || accounts.len() > most {
        let found = accounts.len();
        let allowed = if most == 2 { "1 or 2" } else { "1" };
        return Err(wrong(format!(
            "has {found} Accounts; {allowed} is expected for SecretSubType {}",
            config.sub_type().as_str()
        )));
    }
    let previous = (accounts.len() == 2).then(|| accounts.pop()).flatten();
    let Some(current) = accounts.pop() else { return Err(wrong("has no Accounts".to_owned())) };
    if previous.as_ref().is_some_and(|other| other.account_name == current.account_name) {
        return Err(wrong("has two Accounts of the same AccountName; expected different names".to_owned()));
    }
    Ok(Initial { current: written(&current), previous: previous.as_ref().map(written) })
}

/// Both accounts are made by the service, with one password (rule DY3.4).
fn made_here(config: &ExtendedConfig, data: &str, rng: &mut dyn CryptoRng) -> Result<Initial, Refusal> {
    if data != AUTO {
        return Err(wrong(format!("is not {AUTO}; the service makes the accounts of this type itself")));
    }
    let password = fresh_password(rng)?;
    let account = |name: &str| {
        let account_name = config.member(name).unwrap_or_default().to_owned();
        written(&Account { account_name, account_password: password.clone() })
    };
    Ok(Initial { current: account("AccountName"), previous: Some(account("CloneAccountName")) })
}

fn ecs(config: &ExtendedConfig, data: &str) -> Result<Initial, Refusal> {
    let current = if config.sub_type() == SubType::SshKey {
        let sent: KeyLogin = read(data, r#"{"UserName":"root","PublicKey":"ssh-rsa …","PrivateKey":"…"}"#)?;
        not_empty("UserName", &sent.user_name)?;
        not_empty("PublicKey", &sent.public_key)?;
        not_empty("PrivateKey", sent.private_key.reveal())?;
        written(&sent)
    } else {
        let sent: Login = read(data, r#"{"UserName":"root","Password":"…"}"#)?;
        not_empty("UserName", &sent.user_name)?;
        not_empty("Password", sent.password.reveal())?;
        written(&sent)
    };
    Ok(Initial { current, previous: None })
}

/// All AccessKeys of the user must be listed; the newer one is ACSCurrent (rules DY5.6 to DY5.9).
fn ram(data: &str, keys: &[UserKey], now: Timestamp) -> Result<Initial, Refusal> {
    let sent: AccessKeys = read(data, ACCESS_KEYS)?;
    if keys.is_empty() {
        return Err(wrong("cannot be accepted: the RAM user has no AccessKey".to_owned()));
    }
    for key in &sent.access_keys {
        not_empty("AccessKeySecret", key.access_key_secret.reveal())?;
        if !keys.iter().any(|known| known.id == key.access_key_id) {
            return Err(wrong("lists an AccessKeyId that is not one of the RAM user's".to_owned()));
        }
    }
    let mut values = Vec::with_capacity(keys.len());
    for known in keys {
        let mut listed = sent.access_keys.iter().filter(|key| key.access_key_id == known.id);
        let (Some(key), None) = (listed.next(), listed.next()) else {
            return Err(wrong("does not list each AccessKey of the RAM user once".to_owned()));
        };
        values.push(written(&AccessKey {
            access_key_id: key.access_key_id.clone(),
            access_key_secret: key.access_key_secret.clone(),
            generate_timestamp: known.created.unwrap_or(now).to_string(),
        }));
    }
    let Some(current) = values.pop() else { return Err(wrong("has no AccessKeys".to_owned())) };
    Ok(Initial { current, previous: values.pop() })
}

/// What a rotation makes anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fresh {
    /// A password, of an account or a login.
    Password(Hidden),
    /// A key pair of a login.
    SshKey {
        /// In the form of OpenSSH.
        public: String,
        /// PEM.
        private: Hidden,
    },
    /// An AccessKey.
    AccessKey(AccessKey),
}

/// The value of the next version: the name of account or login stays, what is secret is new (rules R5.1, R5.2, DY6.5).
/// `None` when the stored values are not of this type, or `fresh` is of another kind than the sub-type wants.
pub fn next(config: &ExtendedConfig, current: &str, previous: Option<&str>, fresh: Fresh) -> Option<Hidden> {
    match (config.sub_type(), fresh) {
        (SubType::SingleUser, Fresh::Password(account_password)) => {
            let Account { account_name, .. } = serde_json::from_str(current).ok()?;
            Some(written(&Account { account_name, account_password }))
        }
        (SubType::DoubleUsers, Fresh::Password(account_password)) => {
            let account_name = next_account(current, previous)?;
            Some(written(&Account { account_name, account_password }))
        }
        (SubType::Password, Fresh::Password(password)) => {
            let Login { user_name, .. } = serde_json::from_str(current).ok()?;
            Some(written(&Login { user_name, password }))
        }
        (SubType::SshKey, Fresh::SshKey { public: public_key, private: private_key }) => {
            let KeyLogin { user_name, .. } = serde_json::from_str(current).ok()?;
            Some(written(&KeyLogin { user_name, public_key, private_key }))
        }
        (SubType::RamUserAccessKey, Fresh::AccessKey(key)) => Some(written(&key)),
        _ => None,
    }
}

/// The account that gets a new password: the one behind ACSPrevious; before there is one, a second one named after the first
/// (rule R5.4).
fn next_account(current: &str, previous: Option<&str>) -> Option<String> {
    let account =
        |value: &str| serde_json::from_str(value).ok().map(|Account { account_name, .. }| account_name);
    match previous {
        Some(previous) => account(previous),
        None => account(current).map(|name| format!("{name}{CLONE}")),
    }
}

/// Checks the next value that somebody else made: the shape of its type, and the account that is next (rules R5.1, R5.2).
///
/// # Errors
/// What is wrong, without a value.
pub fn check_next(
    secret_type: SecretType,
    config: &ExtendedConfig,
    (current, previous): (&str, Option<&str>),
    value: &str,
) -> Result<(), String> {
    if value.is_empty() || value == current {
        return Err("the new value is empty or the same as the current one".to_owned());
    }
    let shape = |example: &str| format!("the new value is not JSON for {}: {example}", secret_type.as_str());
    let named = |member: &str, wanted: Option<String>, found: &str| match wanted {
        Some(wanted) if wanted != found => {
            Err(format!("the new value has the wrong {member}: this rotation is about \"{wanted}\""))
        }
        _ => Ok(()),
    };
    match config.sub_type() {
        SubType::Value => Ok(()),
        SubType::SingleUser | SubType::DoubleUsers => {
            let example = r#"{"AccountName":"…","AccountPassword":"…"}"#;
            let made: Account = serde_json::from_str(value).map_err(|_wrong| shape(example))?;
            let is_double = config.sub_type() == SubType::DoubleUsers;
            let own = || account(current).map(|account| account.account_name);
            let wanted = if is_double { next_account(current, previous) } else { own() };
            named("AccountName", wanted, &made.account_name)
        }
        SubType::Password => {
            let example = r#"{"UserName":"…","Password":"…"}"#;
            let made: Login = serde_json::from_str(value).map_err(|_wrong| shape(example))?;
            let own = serde_json::from_str::<Login>(current).ok().map(|login| login.user_name);
            named("UserName", own, &made.user_name)
        }
        SubType::SshKey => {
            let example = r#"{"UserName":"…","PublicKey":"…","PrivateKey":"…"}"#;
            let made: KeyLogin = serde_json::from_str(value).map_err(|_wrong| shape(example))?;
            let own = serde_json::from_str::<KeyLogin>(current).ok().map(|login| login.user_name);
            named("UserName", own, &made.user_name)
        }
        SubType::RamUserAccessKey => {
            let example = r#"{"AccessKeyId":"…","AccessKeySecret":"…","GenerateTimestamp":"…"}"#;
            serde_json::from_str::<AccessKey>(value).map(drop).map_err(|_wrong| shape(example))
        }
    }
}

/// The texts in a value: all of JSON, or the value itself.
pub fn texts_of(value: &Hidden) -> Vec<Hidden> {
    fn add(value: serde_json::Value, found: &mut Vec<Hidden>) {
        match value {
            serde_json::Value::String(text) => found.push(Hidden::new(text)),
            serde_json::Value::Array(items) => items.into_iter().for_each(|item| add(item, found)),
            serde_json::Value::Object(members) => members.into_iter().for_each(|(_, item)| add(item, found)),
            _ => {}
        }
    }
    let mut found = vec![value.clone()];
    if let Ok(parsed) = serde_json::from_str(value.reveal()) {
        add(parsed, &mut found);
    }
    found
}

/// What a password looks like unless a rotator says otherwise: 32 letters, digits, `_` and `-`, at least one of each class
/// (rule DY2.7). Nothing in it needs escaping in the URL of a connection.
pub fn default_password() -> PasswordSpec {
    PasswordSpec::new(password::LENGTH.2, password::UNSAFE_IN_URLS)
}

/// A password as [`default_password`] says.
///
/// # Errors
/// Those of [`password::generate`].
pub fn fresh_password(rng: &mut dyn CryptoRng) -> Result<Hidden, Refusal> {
    password::generate(&default_password(), rng).map(Hidden::new)
}

/// The account in a stored value of Rds, Redis or PolarDB.
pub fn account(value: &str) -> Option<Account> {
    serde_json::from_str(value).ok()
}

/// The AccessKey in a stored value of RAMCredentials.
pub fn access_key(value: &str) -> Option<AccessKey> {
    serde_json::from_str(value).ok()
}

/// Its id.
pub fn access_key_id(value: &str) -> Option<String> {
    access_key(value).map(|key| key.access_key_id)
}

/// The AccessKeys that a creation lists, for a RAM user who is not there yet: id and secret of each.
///
/// # Errors
/// [`Refusal::Parameter`] naming `SecretData`.
pub fn sent_access_keys(data: &str) -> Result<Vec<(String, Hidden)>, Refusal> {
    let sent: AccessKeys = read(data, ACCESS_KEYS)?;
    let keys: Vec<_> =
        sent.access_keys.into_iter().map(|key| (key.access_key_id, key.access_key_secret)).collect();
    if keys.len() > MOST_KEYS {
        return Err(wrong(format!("lists {} AccessKeys; a RAM user has at most {MOST_KEYS}", keys.len())));
    }
    let fits = |id: &str| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    if keys.iter().any(|(id, _)| !fits(id)) {
        return Err(wrong("has an AccessKeyId that is not 1 to 128 printable characters".to_owned()));
    }
    Ok(keys)
}

/// The maximum number of AccessKeys of a RAM user (rule DY12.5).
pub const MOST_KEYS: usize = 2;
/// The shape of `SecretData` for RAMCredentials.
const ACCESS_KEYS: &str = r#"{"AccessKeys":[{"AccessKeyId":"…","AccessKeySecret":"…"}]}"#;

fn read<T: DeserializeOwned>(data: &str, expected: &str) -> Result<T, Refusal> {
    // The parser's own message could repeat a part of the value.
    serde_json::from_str(data).map_err(|_unsaid| wrong(format!("is not of the shape {expected}")))
}

fn not_empty(member: &str, text: &str) -> Result<(), Refusal> {
    if text.is_empty() { Err(wrong(format!("has an empty {member}"))) } else { Ok(()) }
}

fn wrong(why: String) -> Refusal {
    Refusal::parameter("SecretData", why)
}

/// The JSON of a value. Texts alone cannot fail to be written.
fn written(value: &impl Serialize) -> Hidden {
    Hidden::new(serde_json::to_string(value).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::super::config::example;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_679_740_960_000);

    fn config(secret_type: SecretType, sub_type: &str) -> ExtendedConfig {
        let mut text: serde_json::Value = serde_json::from_str(example(secret_type)).unwrap();
        text["SecretSubType"] = sub_type.into();
        ExtendedConfig::stored(secret_type, &text.to_string()).unwrap()
    }

    fn made(
        secret_type: SecretType,
        sub_type: &str,
        data: &str,
        keys: &[UserKey],
    ) -> Result<Initial, String> {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        initial(secret_type, &config(secret_type, sub_type), data, keys, (NOW, &mut rng))
            .map_err(|refusal| refusal.to_string())
    }

    fn account(name: &str, password: &str) -> String {
        format!(r#"{{"AccountName":"{name}","AccountPassword":"{password}"}}"#)
    }

    fn accounts(all: &[(&str, &str)]) -> String {
        let all: Vec<_> = all.iter().map(|(name, password)| account(name, password)).collect();
        format!(r#"{{"Accounts":[{}]}}"#, all.join(","))
    }

    #[test]
    fn rule_dy1_9_one_account_is_stored_and_never_the_list() {
        let one = made(SecretType::Rds, "SingleUser", &accounts(&[("a", "hush")]), &[]).unwrap();
        assert_eq!(one.current.reveal(), account("a", "hush"));
        assert_eq!(one.previous, None);
        assert!(!format!("{one:?}").contains("hush"));
    }

    #[test]
    fn rule_dy2_3_single_user_has_one_account_and_double_users_one_or_two() {
        let of = |sub_type, all: &[(&str, &str)]| made(SecretType::Rds, sub_type, &accounts(all), &[]);
        let two = of("DoubleUsers", &[("a", "1"), ("b", "2")]).unwrap();
        assert_eq!(two.current.reveal(), account("a", "1"), "the first is ACSCurrent");
        assert_eq!(two.previous.unwrap().reveal(), account("b", "2"));
        assert_eq!(of("DoubleUsers", &[("a", "1")]).unwrap().previous, None);
        for (sub_type, all, why) in [
            ("SingleUser", &[("a", "1"), ("b", "2")][..], "has 2 Accounts; 1 is expected"),
            ("SingleUser", &[], "has 0 Accounts"),
            ("DoubleUsers", &[], "has 0 Accounts; 1 or 2 is expected"),
            ("DoubleUsers", &[("a", "1"), ("b", "2"), ("c", "3")], "has 3 Accounts"),
            ("DoubleUsers", &[("a", "1"), ("a", "2")], "two Accounts of the same AccountName"),
            ("SingleUser", &[("", "1")], "has an empty AccountName"),
            ("SingleUser", &[("a", "")], "has an empty AccountPassword"),
        ] {
            let said = of(sub_type, all).unwrap_err();
            assert!(said.starts_with("SecretData ") && said.contains(why), "{said}");
        }
    }

    #[test]
    fn rule_dy1_8_another_shape_is_refused_without_repeating_it() {
        let cases = [
            (SecretType::Rds, "SingleUser", r#"{"Accounts":[{"AccountName":"hush"}]}"#),
            (SecretType::Rds, "SingleUser", r#"{"AccountName":"a","AccountPassword":"hush"}"#),
            (SecretType::Rds, "SingleUser", "hush"),
            (
                SecretType::Redis,
                "DoubleUsers",
                r#"{"Accounts":[{"AccountName":"a","AccountPassword":"hush"}]}"#,
            ),
            (SecretType::PolarDb, "DoubleUsers", "hush"),
            (SecretType::Ecs, "Password", r#"{"UserName":"root","PublicKey":"a","PrivateKey":"hush"}"#),
            (SecretType::Ecs, "SSHKey", r#"{"UserName":"root","Password":"hush"}"#),
            (SecretType::Ecs, "Password", r#"{"UserName":"","Password":"hush"}"#),
            (SecretType::Ecs, "Password", r#"{"UserName":"root","Password":1}"#),
            (SecretType::RamCredentials, "RamUserAccessKey", r#"{"AccessKeys":"hush"}"#),
            (
                SecretType::RamCredentials,
                "RamUserAccessKey",
                r#"{"AccessKeyId":"a","AccessKeySecret":"hush"}"#,
            ),
        ];
        for (secret_type, sub_type, data) in cases {
            let said = made(secret_type, sub_type, data, &[]).unwrap_err();
            assert!(said.starts_with("SecretData ") && !said.contains("hush"), "{data}: {said}");
        }
    }

    #[test]
    fn rule_dy3_4_both_accounts_of_redis_and_polardb_are_made_with_one_password() {
        for secret_type in [SecretType::Redis, SecretType::PolarDb] {
            let two = made(secret_type, "DoubleUsers", AUTO, &[]).unwrap();
            let [current, previous]: [Account; 2] = [&two.current, two.previous.as_ref().unwrap()]
                .map(|value| serde_json::from_str(value.reveal()).unwrap());
            assert_eq!([&*current.account_name, &*previous.account_name], ["app", "app_clone"]);
            assert_eq!(current.account_password, previous.account_password);
        }
    }

    #[test]
    fn rule_dy2_7_a_password_has_32_characters_of_each_class() {
        for seed in 0..50 {
            let password = fresh_password(&mut ChaCha20Rng::seed_from_u64(seed)).unwrap();
            let text = password.reveal();
            assert_eq!(text.len(), 32);
            for class in
                [char::is_lowercase, char::is_uppercase, char::is_numeric, |c: char| "_-".contains(c)]
            {
                assert!(text.contains(class), "{text}");
            }
            assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)), "{text}");
        }
    }

    fn key(id: &str, created: Option<i64>) -> UserKey {
        UserKey { id: id.to_owned(), created: created.map(Timestamp::from_millis) }
    }

    fn keys(all: &[&str]) -> String {
        let all: Vec<_> =
            all.iter().map(|id| format!(r#"{{"AccessKeyId":"{id}","AccessKeySecret":"of {id}"}}"#)).collect();
        format!(r#"{{"AccessKeys":[{}]}}"#, all.join(","))
    }

    #[test]
    fn rule_dy5_6_every_access_key_of_the_user_is_listed_and_no_other() {
        let known = [key("one", None), key("two", Some(0))];
        let of = |data: &str| made(SecretType::RamCredentials, "RamUserAccessKey", data, &known);
        for wrong in [&["one"][..], &["two"], &[], &["one", "two", "three"], &["one", "one", "two"]] {
            assert!(of(&keys(wrong)).unwrap_err().starts_with("SecretData "), "{wrong:?}");
        }
        let two = of(&keys(&["one", "two"])).unwrap();
        assert_eq!(of(&keys(&["two", "one"])).unwrap(), two, "their order says nothing");
    }

    #[test]
    fn rule_dy5_7_a_user_without_access_keys_is_refused() {
        let said = made(SecretType::RamCredentials, "RamUserAccessKey", &keys(&[]), &[]).unwrap_err();
        assert_eq!(said, "SecretData cannot be accepted: the RAM user has no AccessKey");
    }

    #[test]
    fn rule_dy5_8_and_dy5_9_the_newer_key_is_current_with_its_time() {
        let known = [key("old", None), key("new", Some(1_000))];
        let two =
            made(SecretType::RamCredentials, "RamUserAccessKey", &keys(&["new", "old"]), &known).unwrap();
        assert_eq!(
            two.current.reveal(),
            r#"{"AccessKeyId":"new","AccessKeySecret":"of new","GenerateTimestamp":"1970-01-01T00:00:01Z"}"#
        );
        let previous = two.previous.unwrap();
        assert_eq!(access_key_id(previous.reveal()).as_deref(), Some("old"));
        assert!(previous.reveal().contains("2023-03-25T10:42:40Z"), "without a date: the time of creation");
    }

    #[test]
    fn rule_r5_1_one_account_keeps_its_name() {
        let of = |secret_type, sub_type, current: &str, fresh| {
            next(&config(secret_type, sub_type), current, None, fresh).unwrap().reveal().to_owned()
        };
        let password = || Fresh::Password(Hidden::new("new".to_owned()));
        assert_eq!(of(SecretType::Rds, "SingleUser", &account("a", "old"), password()), account("a", "new"));
        let login = |password: &str| format!(r#"{{"UserName":"root","Password":"{password}"}}"#);
        assert_eq!(of(SecretType::Ecs, "Password", &login("old"), password()), login("new"));
        let pair = |public: &str, private: &str| {
            format!(r#"{{"UserName":"root","PublicKey":"{public}","PrivateKey":"{private}"}}"#)
        };
        let fresh = Fresh::SshKey { public: "p2".to_owned(), private: Hidden::new("s2".to_owned()) };
        assert_eq!(of(SecretType::Ecs, "SSHKey", &pair("p1", "s1"), fresh), pair("p2", "s2"));
    }

    #[test]
    fn rule_r5_2_and_r5_4_two_accounts_take_turns_and_a_missing_one_is_named_after_the_first() {
        let double = config(SecretType::Rds, "DoubleUsers");
        let turn = |current: &str, previous: Option<&str>, password: &str| {
            let fresh = Fresh::Password(Hidden::new(password.to_owned()));
            next(&double, current, previous, fresh).unwrap().reveal().to_owned()
        };
        let (a1, b0) = (account("a", "pw1"), account("b", "pw0"));
        let b2 = turn(&a1, Some(&b0), "pw2");
        assert_eq!(b2, account("b", "pw2"));
        assert_eq!(turn(&b2, Some(&a1), "pw3"), account("a", "pw3"));
        let clone = turn(&a1, None, "pw2");
        assert_eq!(clone, account("a_clone", "pw2"));
        assert_eq!(turn(&clone, Some(&a1), "pw3"), account("a", "pw3"));
    }

    #[test]
    fn a_value_of_another_kind_makes_no_next_one() {
        let password = || Fresh::Password(Hidden::new("new".to_owned()));
        assert_eq!(next(&config(SecretType::Rds, "SingleUser"), "not json", None, password()), None);
        assert_eq!(next(&config(SecretType::Ecs, "SSHKey"), "{}", None, password()), None);
    }
}
