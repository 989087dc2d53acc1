//! What holds for managed secrets of every type: names, answers, rights, codes, deletion.

use serde_json::{Value, json};

use super::{accounts, advance, both, create_rds, ended, every, newest, plan, rds, rotate};
use crate::enforced::sessions::trust;
use crate::enforced::{Signer, TEAM, allow, arn, no_permission, one_user, policy, put, with_ann};
use crate::state::{admin, done};
use crate::support::{Options, Server, in_window, invalid, quick_rotations, text};
use sesame::testing::domain::rotation::RotationSettings;
use sesame::testing::server::AuthMode;

/// The parameters of an RDS secret with this name.
fn creation<'a>(
    name: &'a str,
    secret_type: &'a str,
    config: &'a str,
    data: &'a str,
) -> [(&'a str, &'a str); 5] {
    [
        ("SecretName", name),
        ("VersionId", "v1"),
        ("SecretType", secret_type),
        ("ExtendedConfig", config),
        ("SecretData", data),
    ]
}

#[tokio::test]
async fn rule_dy1_1_types_are_written_exactly_so() {
    let server = Server::start().await;
    let (config, data) = (rds("SingleUser"), accounts(&[("app", "hush")]));
    for wrong in [
        "rds",
        "RDS",
        "redis",
        "Polardb",
        "RamCredentials",
        "Ecs",
        "MySQL",
        "PostgreSQL",
        "MongoDB",
        "Oracle",
    ] {
        let parameters = creation("s", wrong, &config, &data);
        assert_eq!(server.refused("CreateSecret", &parameters).await, invalid("SecretType"), "{wrong}");
    }
    assert_eq!(server.stored_count().await, 0);
}

#[tokio::test]
async fn rule_dy1_10_a_value_comes_with_the_state_and_the_dates_of_rotation() {
    let server = Server::start().await;
    done(&server, "POST", "/_sesame/clock", r#"{"set":"2027-01-01T00:00:00Z"}"#).await;
    create_rds(&server, "off", &[]).await;
    create_rds(&server, "on", &every("7d")).await;
    let told = async |name: &str| {
        let answer = server.ok("GetSecretValue", &[("SecretName", name)]).await;
        assert!(answer.get("ExtendedConfig").is_none());
        ["AutomaticRotation", "RotationInterval", "LastRotationDate", "NextRotationDate"]
            .map(|member| answer[member].as_str().unwrap_or("-").to_owned())
            .join(" ")
    };
    assert_eq!(told("off").await, "Disabled - - -");
    assert_eq!(told("on").await, "Enabled 604800s - 2027-01-08T00:00:00Z");
    rotate(&server, "on", "v2").await;
    assert_eq!(told("on").await, "Enabled 604800s 2027-01-01T00:00:00Z 2027-01-08T00:00:00Z");
    assert_eq!(told("on").await, plan(&server, "on").await);
}

#[tokio::test]
async fn rule_r4_10_a_scheduled_version_has_a_fresh_lower_case_uuid() {
    let server = Server::start().await;
    create_rds(&server, "s", &every("6h")).await;
    let mut seen = vec![];
    for _ in 0..2 {
        assert_eq!(advance(&server, 6 * 3600).await["done"], 1);
        let answer = server.ok("GetSecretValue", &[("SecretName", "s")]).await;
        let version = text(&answer["VersionId"]).to_owned();
        let groups: Vec<usize> = version.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{version}");
        let is_lower_hex = |c: char| c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c);
        assert!(version.chars().all(is_lower_hex), "{version}");
        assert!(!seen.contains(&version));
        seen.push(version);
    }
}

#[tokio::test]
async fn rule_r4_12_a_call_needs_the_right_on_the_secret_and_the_schedule_needs_none() {
    let mine = arn(TEAM, "secret/mine");
    let (server, root, ann) = with_ann(&[allow("kms:RotateSecret", &mine)]).await;
    let (config, data) = (rds("SingleUser"), accounts(&[("app", "hush")]));
    for name in ["mine", "other"] {
        let parameters = [&creation(name, "Rds", &config, &data)[..], &every("6h")].concat();
        root.ok(&server, "CreateSecret", &parameters).await;
    }
    ann.ok(&server, "RotateSecret", &[("SecretName", "mine"), ("VersionId", "v2")]).await;
    let other = [("SecretName", "other"), ("VersionId", "v2")];
    assert_eq!(ann.refused(&server, "RotateSecret", &other).await, no_permission(&arn(TEAM, "secret/other")));
    let policy = [&[("SecretName", "mine")], &every("7d")[..]].concat();
    assert_eq!(ann.refused(&server, "UpdateSecretRotationPolicy", &policy).await, no_permission(&mine));
    assert_eq!(advance(&server, 6 * 3600).await["done"], 2);
    assert_eq!(newest(&server).await["trigger"], "schedule");
}

#[tokio::test]
async fn rule_r7_6_every_code_of_a_failure_is_listed_and_told() {
    let server = Server::start().await;
    let all = [
        "TargetUnreachable",
        "TargetRefused",
        "AccountNotFound",
        "RamUserNotFound",
        "AccessKeyLimit",
        "KeyUnavailable",
        "RotatorFailed",
        "RotatorTimeout",
        "Conflict",
    ];
    create_rds(&server, "s", &[]).await;
    for word in all {
        let code = format!("Kms:{word}");
        let faults = json!([{"action": "RotateSecret", "code": code}]).to_string();
        done(&server, "PUT", "/_sesame/faults", &faults).await;
        rotate(&server, "s", "v2").await;
        assert_eq!(ended(&server).await["code"], *code);
        let events = done(&server, "GET", "/_sesame/events?limit=1", "").await;
        assert_eq!(events["events"][0]["data"]["content"]["failureInfo"]["errorCode"], *code);
    }
    let unknown = json!([{"action": "RotateSecret", "code": "Kms:Other"}]).to_string();
    assert_eq!(admin(&server, "PUT", "/_sesame/faults", &unknown).await.status, 400);
}

#[tokio::test]
async fn rule_r9_5_a_function_that_repeats_every_step_takes_turns_with_two_accounts() {
    let server = Server::start().await;
    let value =
        |name: &str, password: &str| json!({"AccountName": name, "AccountPassword": password}).to_string();
    let first = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", &*value("app", "pw1"))];
    server.ok("CreateSecret", &first).await;
    for (version, name, before) in [("v2", "app_rt", "app"), ("v3", "app", "app_rt")] {
        let data = value(name, version);
        let pending = [
            ("SecretName", "s"),
            ("VersionId", version),
            ("SecretData", &*data),
            ("VersionStages", r#"["Pending"]"#),
        ];
        let promote = [("SecretName", "s"), ("VersionStage", "ACSCurrent"), ("MoveToVersion", version)];
        for (action, parameters) in [("PutSecretValue", &pending[..]), ("UpdateSecretVersionStage", &promote)]
        {
            server.ok(action, parameters).await;
            server.ok(action, parameters).await;
        }
        let (current, previous) = both(&server, "s").await;
        assert_eq!(current, format!("{name}/{version}"));
        assert!(previous.starts_with(&format!("{before}/")), "{previous}");
    }
}

#[tokio::test]
async fn rule_dy8_3_names_of_secrets_that_services_own_are_refused() {
    let server = Server::start().await;
    let (config, data) = (rds("SingleUser"), accounts(&[("app", "hush")]));
    for secret_type in ["Generic", "Rds"] {
        let parameters = creation("alb!cert", secret_type, &config, &data);
        assert_eq!(server.refused("CreateSecret", &parameters).await, invalid("SecretName"), "{secret_type}");
    }
    assert_eq!(server.stored_count().await, 0);
}

#[tokio::test]
async fn rule_dy9_2_window_and_force_work_as_for_generic_secrets() {
    let server = Server::start().await;
    let read = [("SecretName", "s")];
    create_rds(&server, "s", &[]).await;
    server.ok("DeleteSecret", &[("SecretName", "s"), ("RecoveryWindowInDays", "7")]).await;
    assert_eq!(server.refused("GetSecretValue", &read).await, in_window());
    server.ok("RestoreSecret", &read).await;
    assert_eq!(both(&server, "s").await.0, "app/hush");
    server.ok("DeleteSecret", &[("SecretName", "s"), ("ForceDeleteWithoutRecovery", "true")]).await;
    assert_eq!(server.refused("GetSecretValue", &read).await.0, 404);
    create_rds(&server, "s", &[]).await;
    server.ok("DeleteSecret", &[("SecretName", "s"), ("RecoveryWindowInDays", "7")]).await;
    advance(&server, 8 * 24 * 3600).await;
    assert_eq!(server.stored_count().await, 0);
}

#[tokio::test]
async fn rule_dy10_1_no_request_adds_or_changes_a_rotator() {
    let server = Server::start().await;
    let before = done(&server, "GET", "/_sesame/rotators", "").await;
    let rotator = json!({"name": "mine", "type": "Rds", "kind": "simulate"}).to_string();
    for (method, path) in [("POST", ""), ("PUT", ""), ("PUT", "/mine"), ("DELETE", "/simulate")] {
        let answer = admin(&server, method, &format!("/_sesame/rotators{path}"), &rotator).await;
        assert!([404, 405].contains(&answer.status), "{method} {path}: {}", answer.status);
    }
    let after: Value = done(&server, "GET", "/_sesame/rotators", "").await;
    assert_eq!(after, before);
}

/// A server in mode `enforced` that checks the roles of the service, or not.
async fn with_roles(check_service_roles: bool) -> Server {
    let rotation = RotationSettings { check_service_roles, ..quick_rotations() };
    Server::with(Options { mode: AuthMode::Enforced, rotation, ..Options::default() }).await
}

#[tokio::test]
async fn rule_dy7_1_and_dy7_2_a_creator_needs_the_right_to_have_the_role_made() {
    let (config, data) = (rds("SingleUser"), accounts(&[("app", "hush")]));
    let ecs =
        json!({"SecretSubType": "Password", "InstanceId": "i-1", "RegionId": "cn-hangzhou"}).to_string();
    let login = json!({"UserName": "root", "Password": "hush"}).to_string();
    let for_rds = json!({"Effect": "Allow", "Action": "ram:CreateServiceLinkedRole", "Resource": "*",
        "Condition": {"StringEquals": {"ram:ServiceName": "secretsmanager-rds.kms.aliyuncs.com"}}});
    let role = |name: &str| json!([{"name": name, "trust": policy(&[trust("Allow", &format!("{TEAM}:root"))]), "policies": []}]);
    let no_roles = json!([]);
    let other = role("AliyunServiceRoleForKMSSecretsManagerForRedis");
    let there = role("AliyunServiceRoleForKMSSecretsManagerForRDS");
    let kms = allow("kms:*", "*");
    for (checks, more, roles, rds_status, ecs_status) in [
        (false, None, &no_roles, 200, 200),
        (true, None, &no_roles, 403, 403),
        (true, None, &other, 403, 403),
        (true, None, &there, 200, 403),
        (true, Some(&for_rds), &no_roles, 200, 403),
    ] {
        let server = with_roles(checks).await;
        let statements: Vec<Value> = [Some(&kms), more].into_iter().flatten().cloned().collect();
        let mut account = one_user(TEAM, "ann", &statements);
        account["roles"] = roles.clone();
        put(&server, &account).await;
        let ann = Signer::of("ann");
        let database = ann.call(&server, "CreateSecret", &creation("s", "Rds", &config, &data)).await;
        let host = ann.call(&server, "CreateSecret", &creation("acs/ecs/s", "ECS", &ecs, &login)).await;
        assert_eq!((database.status, host.status), (rds_status, ecs_status), "{checks} {more:?} {roles}");
        if host.status == 403 {
            assert_eq!(host.refused().1, "Forbidden.NoPermission");
        }
        ann.ok(&server, "CreateSecret", &[("SecretName", "g"), ("VersionId", "v1"), ("SecretData", "one")])
            .await;
        let root = Signer::of(TEAM);
        root.ok(&server, "CreateSecret", &creation("of/root", "Rds", &config, &data)).await;
    }
}

#[tokio::test]
async fn rule_dy5_15_an_account_with_roles_needs_that_of_ram_credentials() {
    let role = |name: &str| json!([{"name": name, "trust": policy(&[trust("Allow", &format!("{TEAM}:root"))]), "policies": []}]);
    let data = json!({"AccessKeys": [{"AccessKeyId": "ann", "AccessKeySecret": "ann-secret"}]}).to_string();
    let config = r#"{"SecretSubType":"RamUserAccessKey","UserName":"ann"}"#;
    for (checks, roles, code) in [
        (true, json!([]), None),
        (true, role("other"), Some("Forbidden.RamRoleNotFound")),
        (true, role("AliyunKMSManagedRAMCrendentialsRole"), None),
        (false, role("other"), None),
    ] {
        let server = with_roles(checks).await;
        let mut account = one_user(TEAM, "ann", &[]);
        account["roles"] = roles;
        put(&server, &account).await;
        let parameters = creation("$Auto", "RAMCredentials", config, &data);
        let answer = Signer::of(TEAM).call(&server, "CreateSecret", &parameters).await;
        match code {
            None => assert_eq!(answer.status, 200, "{}", answer.body),
            Some(code) => {
                assert_eq!((answer.status, &*answer.refused().1), (403, code));
                let log = done(&server, "GET", "/_sesame/requests?action=CreateSecret&limit=1", "").await;
                let reason = log["requests"][0]["reason"].to_string();
                assert!(reason.contains("has no role AliyunKMSManagedRAMCrendentialsRole"), "{log}");
            }
        }
    }
}
