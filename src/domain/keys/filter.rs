//! Filters of ListKeys.

use super::{Alias, Key, KeyOwner};

/// What a listed key must match. Values of one name are OR-ed, names are AND-ed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyFilter(Vec<(KeyField, Vec<String>)>);

/// The property that a filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyField {
    State,
    Spec,
    Usage,
    Protection,
    CreatorType,
    Creator,
    Instance,
    Id,
    Alias,
    TagKey,
    TagValue,
}

impl KeyFilter {
    /// The names that the service knows.
    pub const NAMES: &[&str] = &[
        "KeyState",
        "KeySpec",
        "KeyUsage",
        "ProtectionLevel",
        "CreatorType",
        "Creator",
        "DKMSInstanceId",
        "KeyId",
        "keyId",
        "AliasName",
        "TagKey",
        "TagValue",
    ];

    /// Adds the values of one name. Values of a repeated name are joined. Returns false for a name that the service
    /// does not know.
    pub fn add(&mut self, name: &str, values: Vec<String>) -> bool {
        let field = match name {
            "KeyState" => KeyField::State,
            "KeySpec" => KeyField::Spec,
            "KeyUsage" => KeyField::Usage,
            "ProtectionLevel" => KeyField::Protection,
            "CreatorType" => KeyField::CreatorType,
            "Creator" => KeyField::Creator,
            "DKMSInstanceId" => KeyField::Instance,
            "keyId" | "KeyId" => KeyField::Id,
            "AliasName" => KeyField::Alias,
            "TagKey" => KeyField::TagKey,
            "TagValue" => KeyField::TagValue,
            _ => return false,
        };
        match self.0.iter_mut().find(|(known, _)| *known == field) {
            Some((_, present)) => present.extend(values),
            None => self.0.push((field, values)),
        }
        true
    }

    /// Whether a key matches. The service's own keys are listed only when `CreatorType` asks for them.
    pub fn matches(&self, key: &Key, aliases: &[Alias]) -> bool {
        let asked = |(field, _): &&(KeyField, Vec<String>)| *field == KeyField::CreatorType;
        if self.0.iter().find(asked).is_none() && key.owner == KeyOwner::Service {
            return false;
        }
        self.0.iter().all(|(field, values)| {
            let any = |text: &str| values.iter().any(|value| value == text);
            match field {
                KeyField::State => any(key.state.as_str()),
                KeyField::Spec => any(key.spec.as_str()),
                KeyField::Usage => any(key.usage.as_str()),
                KeyField::Protection => any(key.protection.as_str()),
                KeyField::CreatorType => any(key.owner.as_str()),
                KeyField::Creator => any(key.scope.account.as_str()),
                KeyField::Instance => false,
                KeyField::Id => any(key.id.as_str()),
                KeyField::Alias => {
                    aliases.iter().any(|alias| alias.key == key.id && any(alias.name.as_str()))
                }
                KeyField::TagKey => key.tags.iter().any(|(name, _)| any(name.as_str())),
                KeyField::TagValue => key.tags.iter().any(|(_, value)| any(value.as_str())),
            }
        })
    }
}
