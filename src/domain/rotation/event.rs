//! Events about what the service itself did to secrets and keys, in the cloud's form (rules 13.2, R7.5, R7.7).

use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::managed::Managed;
use crate::domain::keys::Key;
use crate::domain::{Scope, Secret, SecretType, Timestamp};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A secret was rotated.
    Rotated,
    /// A rotation failed for good.
    RotationFailed(Failure),
    /// A secret was scheduled for deletion, and will be gone then.
    DeletionPlanned(Timestamp),
    /// A secret is gone.
    Deleted,
}

impl Happened {
    const fn name(&self) -> &'static str {
        match self {
            Self::Rotated => "Secret:RotateSecret:Success",
            Self::RotationFailed(_) => "Secret:RotateSecret:Failure",
            Self::DeletionPlanned(_) => "Secret:ScheduleSecretDeletion:Success",
            Self::Deleted => "Secret:DeleteSecret:Success",
        }
    }

    const fn level(&self) -> (&'static str, &'static str) {
        match self {
            Self::Rotated => ("INFO", "Normal"),
            Self::RotationFailed(_) => ("CRITICAL", "Failed"),
            Self::DeletionPlanned(_) | Self::Deleted => ("WARN", "Normal"),
        }
    }
}

/// What happened to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHappened {
    /// It was scheduled for deletion, and will be gone then.
    DeletionPlanned(Timestamp),
    /// It is gone.
    Deleted,
}

/// What is common to all events.
struct Told<'a> {
    scope: &'a Scope,
    /// The name of the secret or the id of the key.
    instance: &'a str,
    arn: String,
    /// The event's name, such as `Secret:RotateSecret:Success`.
    name: &'static str,
    level: (&'static str, &'static str),
    content: Map<String, Value>,
}

impl Told<'_> {
    /// The name that EventBridge has for it.
    fn kind(&self) -> String {
        let (product, rest) = self.name.split_once(':').unwrap_or_default();
        format!("kms:CloudMonitor:{product}[{rest}]")
    }

    fn event(self, (number, id): (u64, &str), at: Timestamp) -> Value {
        let kind = self.kind();
        let Self { scope, instance, arn, name, level: (level, status), content } = self;
        let monitor = json!({
            "product": "KMS",
            "eventTime": at.to_string(),
            "instanceName": instance,
            "level": level,
            "name": name,
            "regionId": scope.region.as_str(),
            "resourceId": arn,
            "status": status,
            "content": content,
            "ver": "1.0",
        });
        json!({
            "id": id,
            "number": number,
            "specversion": "1.0",
            "source": "acs.kms",
            "type": kind,
            "subject": arn,
            "time": at.to_string(),
            "datacontenttype": "application/json;charset=utf-8",
            "aliyunaccountid": scope.account.as_str(),
            "aliyunregionid": scope.region.as_str(),
            "data": monitor,
        })
    }
}

/// The event of something that happened to a secret, which is given as it is afterwards. `number` counts the events of a
/// process, `id` is a fresh identity.
pub fn event(
    secret: &Secret,
    managed: Option<&Managed>,
    happened: &Happened,
    (number, id): (u64, &str),
    at: Timestamp,
) -> Value {
    let told = Told {
        scope: &secret.scope,
        instance: secret.name.as_str(),
        arn: secret.arn(),
        name: happened.name(),
        level: happened.level(),
        content: content(secret, managed, happened, id, at),
    };
    told.event((number, id), at)
}

/// The event of something that happened to a key. `number` counts the events of a process, `id` is a fresh identity.
pub fn key_event(key: &Key, happened: KeyHappened, (number, id): (u64, &str), at: Timestamp) -> Value {
    let (name, (member, time)) = match happened {
        KeyHappened::DeletionPlanned(gone) => {
            ("Key:ScheduleKeyDeletion:Success", ("plannedDeleteTime", gone))
        }
        KeyHappened::Deleted => ("Key:DeleteKey:Success", ("deleteTime", at)),
    };
    let content = [("eventId", id.to_owned()), ("keyId", key.id.to_string()), (member, time.to_string())];
    let told = Told {
        scope: &key.scope,
        instance: key.id.as_str(),
        arn: key.arn(),
        name,
        level: ("WARN", "Normal"),
        content: content.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect(),
    };
    told.event((number, id), at)
}

fn content(
    secret: &Secret,
    managed: Option<&Managed>,
    happened: &Happened,
    id: &str,
    at: Timestamp,
) -> Map<String, Value> {
    let mut content = Map::new();
    let mut add = |name: &str, value: String| drop(content.insert(name.to_owned(), value.into()));
    add("eventId", id.to_owned());
    add("secretName", secret.name.to_string());
    add("secretType", secret.secret_type.as_str().to_owned());
    let sub_type = managed.map(|managed| managed.config.sub_type().as_str().to_owned());
    match happened {
        Happened::Rotated => {
            add("RotationEntityArn", entity(secret, managed));
            add("rotationStatus", status_of(managed));
            add("secretSubType", sub_type.unwrap_or_default());
            add("successTime", at.to_string());
        }
        Happened::RotationFailed(_) => {
            add("RotationEntityArn", entity(secret, managed));
            // The event says so even where the plan stays Disabled (rule R3.13).
            add("rotationStatus", "Invalid".to_owned());
            add("rotationSubType", sub_type.unwrap_or_default());
            add("failureTime", at.to_string());
        }
        Happened::DeletionPlanned(gone) => add("plannedDeleteTime", gone.to_string()),
        Happened::Deleted => add("deleteTime", at.to_string()),
    }
    if let Happened::RotationFailed(failure) = happened {
        let info = json!({ "errorCode": failure.cause.code(), "errorMessage": failure.message });
        content.insert("failureInfo".to_owned(), info);
    }
    content
}

fn status_of(managed: Option<&Managed>) -> String {
    managed.map_or("Disabled", |managed| managed.plan.as_str()).to_owned()
}

/// What was rotated: at RDS the instance, elsewhere the secret itself (rule R7.5).
fn entity(secret: &Secret, managed: Option<&Managed>) -> String {
    let instance = managed.and_then(|managed| managed.config.instance());
    match (secret.secret_type, instance) {
        (SecretType::Rds, Some(instance)) => {
            format!("acs:rds:{}:{}:dbinstance/{instance}", secret.scope.region, secret.scope.account)
        }
        _ => secret.arn(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::{ExtendedConfig, example};
    use super::super::{Cause, Plan, RotationInterval};
    use super::*;
    use crate::domain::writes::{self, NewSecret};
    use crate::domain::{DataType, Tags};

    const AT: Timestamp = Timestamp::from_millis(1_331_531_736_000);

    fn of(secret_type: SecretType, happened: &Happened) -> Value {
        let new = NewSecret {
            id: "id-1".parse().unwrap(),
            scope: Scope { account: "123456789".parse().unwrap(), region: "cn-hangzhou".parse().unwrap() },
            name: "team/db".parse().unwrap(),
            description: String::new(),
            encryption_key: None,
            secret_type: SecretType::Generic,
            version: "v1".parse().unwrap(),
            previous: None,
            data_type: DataType::Text,
            tags: Tags::default(),
            policy: None,
            managed: None,
        };
        let mut secret = writes::create(new, AT).unwrap().created().unwrap();
        secret.secret_type = secret_type;
        let config = ExtendedConfig::stored(secret_type, example(secret_type)).unwrap();
        let plan = Plan::Enabled(RotationInterval::LONGEST);
        event(&secret, Some(&Managed::new(config, plan, AT)), happened, (7, "e-1"), AT)
    }

    #[test]
    fn rule_13_2_a_success_is_told_as_documented() {
        let told = of(SecretType::Rds, &Happened::Rotated);
        assert_eq!(told["type"], "kms:CloudMonitor:Secret[RotateSecret:Success]");
        assert_eq!(
            told["data"],
            json!({
                "product": "KMS",
                "eventTime": "2012-03-12T05:55:36Z",
                "instanceName": "team/db",
                "level": "INFO",
                "name": "Secret:RotateSecret:Success",
                "regionId": "cn-hangzhou",
                "resourceId": "acs:kms:cn-hangzhou:123456789:secret/team/db",
                "status": "Normal",
                "content": {
                    "eventId": "e-1",
                    "secretName": "team/db",
                    "secretType": "Rds",
                    "RotationEntityArn": "acs:rds:cn-hangzhou:123456789:dbinstance/rm-1",
                    "rotationStatus": "Enabled",
                    "secretSubType": "SingleUser",
                    "successTime": "2012-03-12T05:55:36Z",
                },
                "ver": "1.0",
            })
        );
    }

    #[test]
    fn rule_r7_5_a_failure_is_critical_and_says_why() {
        let failure = Failure::new(Cause::TargetRefused, "the target said no");
        let told = of(SecretType::Ecs, &Happened::RotationFailed(failure));
        assert_eq!(told["data"]["level"], "CRITICAL");
        assert_eq!(told["data"]["status"], "Failed");
        assert_eq!(
            told["data"]["content"],
            json!({
                "eventId": "e-1",
                "secretName": "team/db",
                "secretType": "ECS",
                "RotationEntityArn": "acs:kms:cn-hangzhou:123456789:secret/team/db",
                "rotationStatus": "Invalid",
                "rotationSubType": "Password",
                "failureTime": "2012-03-12T05:55:36Z",
                "failureInfo": {"errorCode": "Kms:TargetRefused", "errorMessage": "the target said no"},
            })
        );
    }

    #[test]
    fn rule_r7_7_deletions_are_warnings() {
        let planned = of(SecretType::Rds, &Happened::DeletionPlanned(AT.plus_days(7)));
        assert_eq!(planned["data"]["level"], "WARN");
        assert_eq!(planned["data"]["content"]["plannedDeleteTime"], "2012-03-19T05:55:36Z");
        assert_eq!(of(SecretType::Rds, &Happened::Deleted)["data"]["name"], "Secret:DeleteSecret:Success");
    }
}
