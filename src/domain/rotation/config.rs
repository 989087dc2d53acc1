//! `ExtendedConfig` of the five managed types: which members each has, and what they may be (rules DY1.3 to DY6.2).

use serde_json::{Map, Value};

use crate::domain::{Refusal, Region, SecretType};

/// Characters of `ExtendedConfig` (rule DY1.3).
pub const MOST_CHARS: usize = 1024;
/// Pairs of `CustomData` (rule DY1.5).
const MOST_PAIRS: usize = 10;
/// What the name of the second account ends with (rule DY3.2).
pub const CLONE: &str = "_clone";
/// Characters of an account name at Redis without that ending (rule DY3.5).
const REDIS_NAME_CHARS: usize = 10;

/// `SecretSubType`: how many accounts a secret has, or which kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubType {
    /// Rds: one account, whose password is reset.
    SingleUser,
    /// Rds, Redis, PolarDB: two accounts, which take turns.
    DoubleUsers,
    /// RAMCredentials: the AccessKey of a RAM user.
    RamUserAccessKey,
    /// ECS: a login with a password.
    Password,
    /// ECS: a login with an SSH key.
    SshKey,
    /// Generic: a value of any shape, which a rotator of the configuration file rotates.
    Value,
}

impl SubType {
    /// The API's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SingleUser => "SingleUser",
            Self::DoubleUsers => "DoubleUsers",
            Self::RamUserAccessKey => "RamUserAccessKey",
            Self::Password => "Password",
            Self::SshKey => "SSHKey",
            Self::Value => "Value",
        }
    }
}

/// The sub-types of a type; empty for Generic.
pub const fn sub_types(secret_type: SecretType) -> &'static [SubType] {
    match secret_type {
        SecretType::Generic => &[],
        SecretType::Rds => &[SubType::SingleUser, SubType::DoubleUsers],
        SecretType::Redis | SecretType::PolarDb => &[SubType::DoubleUsers],
        SecretType::RamCredentials => &[SubType::RamUserAccessKey],
        SecretType::Ecs => &[SubType::Password, SubType::SshKey],
    }
}

/// A checked `ExtendedConfig`. Members that no rule knows are kept (rule DY1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendedConfig {
    members: Map<String, Value>,
    sub_type: SubType,
}

impl ExtendedConfig {
    /// That of a Generic secret with a rotator. No answer shows it.
    pub fn generic() -> Self {
        Self { members: Map::new(), sub_type: SubType::Value }
    }

    /// Reads and checks what a creation sent. `region` is the secret's.
    ///
    /// # Errors
    /// [`Refusal::Parameter`] naming `ExtendedConfig`.
    pub fn parse(secret_type: SecretType, text: Option<&str>, region: &Region) -> Result<Self, Refusal> {
        let text = text.ok_or_else(|| absent(secret_type))?;
        let length = text.chars().count();
        if length > MOST_CHARS {
            return Err(wrong(format!("has {length} characters; at most {MOST_CHARS} are allowed")));
        }
        Self::imported(secret_type, Some(text), region)
    }

    /// Reads and checks what an export or a seed has. Its length is not checked: a stored config has `CustomData`, also when
    /// a creation did not send it, so it may be longer than what a creation may send.
    ///
    /// # Errors
    /// [`Refusal::Parameter`] naming `ExtendedConfig`.
    pub fn imported(secret_type: SecretType, text: Option<&str>, region: &Region) -> Result<Self, Refusal> {
        let config = Self::stored(secret_type, text.ok_or_else(|| absent(secret_type))?)?;
        config.check(secret_type, region)?;
        Ok(config)
    }

    /// Reads what was checked before.
    ///
    /// # Errors
    /// [`Refusal::Parameter`] naming `ExtendedConfig` when it is no object, or without a sub-type of this type.
    pub fn stored(secret_type: SecretType, text: &str) -> Result<Self, Refusal> {
        if secret_type == SecretType::Generic {
            return Ok(Self::generic());
        }
        let Ok(Value::Object(mut members)) = serde_json::from_str(text) else {
            return Err(wrong(format!("is not a JSON object such as {}", example(secret_type))));
        };
        let known = sub_types(secret_type);
        let sent = members.get("SecretSubType").and_then(Value::as_str);
        let sub_type = known.iter().find(|known| sent == Some(known.as_str())).ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|known| known.as_str()).collect();
            wrong(format!("has no member SecretSubType with one of the values {}", names.join(", ")))
        })?;
        members.entry("CustomData").or_insert_with(|| Value::Object(Map::new()));
        Ok(Self { members, sub_type: *sub_type })
    }

    fn check(&self, secret_type: SecretType, region: &Region) -> Result<(), Refusal> {
        check_custom_data("ExtendedConfig", self.members.get("CustomData").unwrap_or(&Value::Null))?;
        match secret_type {
            SecretType::Generic => Ok(()),
            SecretType::Rds => self.text("DBInstanceId").map(drop),
            SecretType::RamCredentials => self.text("UserName").map(drop),
            SecretType::Ecs => {
                self.text("InstanceId")?;
                if self.text("RegionId")? == region.as_str() {
                    return Ok(());
                }
                Err(wrong(format!("has a RegionId that is not the secret's region, {region}")))
            }
            SecretType::Redis => self.check_redis(),
            SecretType::PolarDb => self.check_polar(),
        }
    }

    fn check_redis(&self) -> Result<(), Refusal> {
        self.text("InstanceId")?;
        self.text("RegionId")?;
        let name = self.clone_of("AccountName")?;
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !starts || !name.bytes().all(fits) || name.len() > REDIS_NAME_CHARS {
            return Err(wrong(format!(
                "has an AccountName that is not 1 to {REDIS_NAME_CHARS} of a-z 0-9 _, the first a letter, such as app"
            )));
        }
        self.one_of("AccountPrivilege", &["RoleReadOnly", "RoleReadWrite", "RoleRepl"]).map(drop)
    }

    /// The documents have two sets of names; what was sent is kept (guess G67).
    fn check_polar(&self) -> Result<(), Refusal> {
        if self.text("DBClusterId").is_err() {
            self.text("InstanceId").map_err(|_missing| missing("DBClusterId"))?;
        }
        self.text("RegionId")?;
        self.clone_of("AccountName")?;
        for (name, values) in [("DBType", &["MySQL", "PostgreSQL"][..]), ("AccountType", &["Normal"][..])] {
            if self.members.contains_key(name) {
                self.one_of(name, values)?;
            }
        }
        Ok(())
    }

    /// The first account's name, after the second one's was found to be made from it (rule DY3.2).
    fn clone_of(&self, name: &str) -> Result<&str, Refusal> {
        let account = self.text(name)?;
        let clone = self.text("CloneAccountName")?;
        if clone.strip_suffix(CLONE) == Some(account) {
            return Ok(account);
        }
        Err(wrong(format!("has a CloneAccountName that is not AccountName and {CLONE}, such as app{CLONE}")))
    }

    fn one_of(&self, name: &str, values: &[&str]) -> Result<&str, Refusal> {
        let sent = self.text(name)?;
        if values.contains(&sent) {
            return Ok(sent);
        }
        Err(wrong(format!("has a {name} that is not one of {}", values.join(", "))))
    }

    /// A member that is needed and a text.
    fn text(&self, name: &str) -> Result<&str, Refusal> {
        let member = self.members.get(name).and_then(Value::as_str);
        member.filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
    }

    /// How many accounts, or which kind of credential.
    pub fn sub_type(&self) -> SubType {
        self.sub_type
    }

    /// A member that is a text and not empty.
    pub fn member(&self, name: &str) -> Option<&str> {
        self.text(name).ok()
    }

    /// The RAM user whose AccessKeys are rotated; `None` for the other types, also when they have a member `UserName`.
    pub fn ram_user(&self) -> Option<&str> {
        (self.sub_type == SubType::RamUserAccessKey).then(|| self.member("UserName")).flatten()
    }

    /// The instance or cluster, under whichever of its names it was sent.
    pub fn instance(&self) -> Option<&str> {
        ["DBInstanceId", "DBClusterId", "InstanceId"].into_iter().find_map(|name| self.member(name))
    }

    /// The JSON text that answers carry.
    pub fn to_text(&self) -> String {
        Value::Object(self.members.clone()).to_string()
    }

    /// The same with other `CustomData` (rule 8.12). `text` is a JSON object.
    ///
    /// # Errors
    /// [`Refusal::Parameter`] naming `ExtendedConfig.CustomData`.
    pub fn with_custom_data(&self, text: &str) -> Result<Self, Refusal> {
        const NAME: &str = "ExtendedConfig.CustomData";
        let data: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        check_custom_data(NAME, &data)?;
        let mut next = self.clone();
        next.members.insert("CustomData".to_owned(), data);
        let chars = |config: &Self| config.to_text().chars().count();
        let length = chars(&next);
        // A config of 1,024 characters without CustomData is stored with it, so it is longer from the start.
        if length > MOST_CHARS.max(chars(self)) {
            let why =
                format!("makes ExtendedConfig {length} characters long; at most {MOST_CHARS} are allowed");
            return Err(Refusal::parameter(NAME, why));
        }
        Ok(next)
    }
}

/// A JSON object with at most ten texts (rule DY1.5).
fn check_custom_data(parameter: &'static str, data: &Value) -> Result<(), Refusal> {
    let wrong = |why: String| Refusal::parameter(parameter, why);
    let Value::Object(pairs) = data else {
        return Err(wrong("has CustomData that is not a JSON object such as {\"team\":\"a\"}".to_owned()));
    };
    if pairs.len() > MOST_PAIRS {
        let found = pairs.len();
        return Err(wrong(format!("has {found} pairs of CustomData; at most {MOST_PAIRS} are allowed")));
    }
    match pairs.iter().find(|(_, value)| !value.is_string()) {
        None => Ok(()),
        Some(_) => Err(wrong("has CustomData with a value that is not a text".to_owned())),
    }
}

fn wrong(why: String) -> Refusal {
    Refusal::parameter("ExtendedConfig", why)
}

fn absent(secret_type: SecretType) -> Refusal {
    let (name, example) = (secret_type.as_str(), example(secret_type));
    wrong(format!("is missing; a secret of type {name} needs it, such as {example}"))
}

fn missing(name: &str) -> Refusal {
    wrong(format!("has no member {name} that is a text"))
}

/// An `ExtendedConfig` that is accepted, for messages.
pub const fn example(secret_type: SecretType) -> &'static str {
    match secret_type {
        SecretType::Generic => "{}",
        SecretType::Rds => r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#,
        SecretType::Redis => {
            r#"{"SecretSubType":"DoubleUsers","InstanceId":"r-1","RegionId":"cn-hangzhou","AccountName":"app","CloneAccountName":"app_clone","AccountPrivilege":"RoleReadWrite"}"#
        }
        SecretType::PolarDb => {
            r#"{"SecretSubType":"DoubleUsers","DBClusterId":"pc-1","RegionId":"cn-hangzhou","DBType":"MySQL","AccountName":"app","CloneAccountName":"app_clone","AccountType":"Normal"}"#
        }
        SecretType::RamCredentials => r#"{"SecretSubType":"RamUserAccessKey","UserName":"app"}"#,
        SecretType::Ecs => r#"{"SecretSubType":"Password","InstanceId":"i-1","RegionId":"cn-hangzhou"}"#,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [SecretType; 5] = [
        SecretType::Rds,
        SecretType::Redis,
        SecretType::PolarDb,
        SecretType::RamCredentials,
        SecretType::Ecs,
    ];

    fn parse(secret_type: SecretType, text: &str) -> Result<ExtendedConfig, String> {
        let region = "cn-hangzhou".parse().unwrap();
        ExtendedConfig::parse(secret_type, Some(text), &region).map_err(|refusal| refusal.to_string())
    }

    /// The example of a type with one member replaced, or removed by `null`.
    fn with(secret_type: SecretType, member: &str, value: Value) -> Result<ExtendedConfig, String> {
        let mut config: Map<String, Value> = serde_json::from_str(example(secret_type)).unwrap();
        match value {
            Value::Null => drop(config.remove(member)),
            value => drop(config.insert(member.to_owned(), value)),
        }
        parse(secret_type, &Value::Object(config).to_string())
    }

    #[test]
    fn rule_dy1_3_extended_config_is_a_json_object_of_at_most_1024_characters() {
        let region = "cn-hangzhou".parse().unwrap();
        for secret_type in ALL {
            let said = ExtendedConfig::parse(secret_type, None, &region).unwrap_err().to_string();
            assert!(said.starts_with("ExtendedConfig is missing; a secret of type"), "{said}");
            for text in ["", "[]", "1", "{", "null", "\"{}\"", &"[".repeat(1000)] {
                let said = parse(secret_type, text).unwrap_err();
                assert!(said.starts_with("ExtendedConfig is not a JSON object"), "{text}: {said}");
            }
            assert_eq!(
                parse(secret_type, "{}").unwrap_err().split(" with").next(),
                Some("ExtendedConfig has no member SecretSubType")
            );
            parse(secret_type, example(secret_type)).unwrap();
            let fill = |chars: usize| with(secret_type, "More", "é".repeat(chars).into());
            // What is sent has no CustomData, unlike what is stored.
            let rest =
                MOST_CHARS + 1 + r#","CustomData":{}"#.len() - fill(1).unwrap().to_text().chars().count();
            fill(rest).unwrap();
            let said = fill(rest + 1).unwrap_err();
            assert_eq!(said, "ExtendedConfig has 1025 characters; at most 1024 are allowed");
        }
    }

    #[test]
    fn a_config_of_1024_characters_can_be_imported_again_and_keeps_its_custom_data_changeable() {
        let mut text = r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1","More":""}"#.to_owned();
        text.insert_str(text.len() - 2, &"x".repeat(MOST_CHARS - text.len()));
        let config = parse(SecretType::Rds, &text).unwrap();
        let region = "cn-hangzhou".parse().unwrap();
        let stored = config.to_text();
        assert_eq!(ExtendedConfig::imported(SecretType::Rds, Some(&stored), &region).unwrap(), config);
        assert_eq!(config.with_custom_data("{}").unwrap(), config);
        let said = config.with_custom_data(r#"{"a":"b"}"#).unwrap_err().to_string();
        assert!(said.contains("characters long; at most 1024 are allowed"), "{said}");
    }

    #[test]
    fn only_ram_credentials_have_a_ram_user() {
        let ram = parse(SecretType::RamCredentials, example(SecretType::RamCredentials)).unwrap();
        assert_eq!(ram.ram_user(), Some("app"));
        assert_eq!(with(SecretType::Rds, "UserName", "app".into()).unwrap().ram_user(), None);
    }

    #[test]
    fn rule_dy1_5_custom_data_is_an_object_of_at_most_ten_texts() {
        let of = |data: &str| with(SecretType::Rds, "CustomData", serde_json::from_str(data).unwrap());
        assert_eq!(
            parse(SecretType::Rds, example(SecretType::Rds)).unwrap().members["CustomData"],
            serde_json::json!({})
        );
        assert_eq!(of(r#"{"a":"b"}"#).unwrap().members["CustomData"]["a"], "b");
        let pairs = |n: usize| {
            let pairs: Map<String, Value> = (0..n).map(|i| (i.to_string(), "".into())).collect();
            of(&Value::Object(pairs).to_string())
        };
        pairs(10).unwrap();
        assert_eq!(
            pairs(11).unwrap_err(),
            "ExtendedConfig has 11 pairs of CustomData; at most 10 are allowed"
        );
        assert!(of(r#"{"a":1}"#).unwrap_err().contains("not a text"));
        assert!(of(r#"["a"]"#).unwrap_err().contains("not a JSON object"));
    }

    #[test]
    fn rule_dy1_6_members_that_are_not_known_are_kept() {
        let text = with(SecretType::Ecs, "CommandId", "".into()).unwrap().to_text();
        assert_eq!(
            text,
            r#"{"CommandId":"","CustomData":{},"InstanceId":"i-1","RegionId":"cn-hangzhou","SecretSubType":"Password"}"#
        );
    }

    #[test]
    fn rule_dy2_2_rds_has_one_or_two_users_and_an_instance() {
        let sub = |name: &str| with(SecretType::Rds, "SecretSubType", name.into());
        assert_eq!(sub("SingleUser").unwrap().sub_type(), SubType::SingleUser);
        assert_eq!(sub("DoubleUsers").unwrap().sub_type(), SubType::DoubleUsers);
        for wrong in ["DualUser", "singleuser", "", "Password"] {
            let said = sub(wrong).unwrap_err();
            assert_eq!(
                said,
                "ExtendedConfig has no member SecretSubType with one of the values SingleUser, DoubleUsers"
            );
        }
        for missing in [Value::Null, "".into(), 1.into()] {
            let said = with(SecretType::Rds, "DBInstanceId", missing).unwrap_err();
            assert_eq!(said, "ExtendedConfig has no member DBInstanceId that is a text");
        }
    }

    #[test]
    fn rule_dy3_2_and_dy4_2_the_second_account_is_named_after_the_first() {
        for secret_type in [SecretType::Redis, SecretType::PolarDb] {
            for wrong in ["app", "app_Clone", "_clone", "other_clone"] {
                let said = with(secret_type, "CloneAccountName", wrong.into()).unwrap_err();
                assert!(said.contains("CloneAccountName that is not AccountName and _clone"), "{said}");
            }
            for needed in ["AccountName", "CloneAccountName", "RegionId"] {
                let said = with(secret_type, needed, Value::Null).unwrap_err();
                assert_eq!(said, format!("ExtendedConfig has no member {needed} that is a text"));
            }
            let said = with(secret_type, "SecretSubType", "SingleUser".into()).unwrap_err();
            assert!(said.ends_with("one of the values DoubleUsers"), "{said}");
        }
    }

    #[test]
    fn rule_dy3_3_and_dy3_5_redis_has_three_privileges_and_short_names() {
        for good in ["RoleReadOnly", "RoleReadWrite", "RoleRepl"] {
            with(SecretType::Redis, "AccountPrivilege", good.into()).unwrap();
        }
        assert!(with(SecretType::Redis, "AccountPrivilege", "Admin".into()).is_err());
        let named = |name: &str| {
            let text = example(SecretType::Redis).replace("\"app", &format!("\"{name}"));
            parse(SecretType::Redis, &text)
        };
        named("a234567_90").unwrap();
        for wrong in ["a2345678901", "1app", "App", "a-b", "_a"] {
            assert!(named(wrong).unwrap_err().contains("AccountName that is not 1 to 10"), "{wrong}");
        }
    }

    #[test]
    fn rule_dy4_2_polardb_takes_both_sets_of_names() {
        let other = r#"{"SecretSubType":"DoubleUsers","InstanceId":"pc-1","RegionId":"cn-hangzhou","Database":"d","AccountName":"app","CloneAccountName":"app_clone"}"#;
        assert_eq!(parse(SecretType::PolarDb, other).unwrap().instance(), Some("pc-1"));
        assert!(with(SecretType::PolarDb, "DBClusterId", Value::Null).unwrap_err().contains("DBClusterId"));
        for (name, wrong) in [("DBType", "Oracle"), ("AccountType", "Super")] {
            let said = with(SecretType::PolarDb, name, wrong.into()).unwrap_err();
            assert!(said.starts_with(&format!("ExtendedConfig has a {name} that is not one of")), "{said}");
        }
        with(SecretType::PolarDb, "DBType", "PostgreSQL".into()).unwrap();
    }

    #[test]
    fn rule_dy5_2_and_dy6_2_ram_names_a_user_and_ecs_a_login_in_the_secrets_region() {
        assert!(with(SecretType::RamCredentials, "UserName", Value::Null).unwrap_err().contains("UserName"));
        assert_eq!(
            with(SecretType::Ecs, "SecretSubType", "SSHKey".into()).unwrap().sub_type(),
            SubType::SshKey
        );
        let said = with(SecretType::Ecs, "RegionId", "cn-beijing".into()).unwrap_err();
        assert_eq!(said, "ExtendedConfig has a RegionId that is not the secret's region, cn-hangzhou");
        for needed in ["InstanceId", "RegionId"] {
            assert!(with(SecretType::Ecs, needed, Value::Null).unwrap_err().contains(needed));
        }
    }

    #[test]
    fn rule_8_12_custom_data_is_replaced_and_nothing_else() {
        let config = with(SecretType::Rds, "CustomData", serde_json::json!({"a":"b"})).unwrap();
        let next = config.with_custom_data(r#"{"c":"d"}"#).unwrap();
        assert_eq!(
            next.to_text(),
            r#"{"CustomData":{"c":"d"},"DBInstanceId":"rm-1","SecretSubType":"SingleUser"}"#
        );
        for wrong in ["", "x", "[]", r#"{"a":1}"#] {
            let said = config.with_custom_data(wrong).unwrap_err().to_string();
            assert!(said.starts_with("ExtendedConfig.CustomData has CustomData"), "{said}");
        }
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1000));
        assert!(config.with_custom_data(&long).unwrap_err().to_string().contains("characters long"));
    }
}
