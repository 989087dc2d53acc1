//! The five types: creation, reading, listing, and what they refuse.

use serde_json::{Value, json};

use super::{accounts, advance, both, create_rds, plan, rds, rotate, value};
use crate::support::{Server, invalid, not_found, refusal, text};

/// Name, type, `ExtendedConfig` and `SecretData` of one secret of each type but RAMCredentials.
fn one_of_each() -> Vec<(&'static str, &'static str, Value, String)> {
    let redis = json!({"SecretSubType": "DoubleUsers", "InstanceId": "r-1", "RegionId": "cn-hangzhou",
        "AccountName": "app", "CloneAccountName": "app_clone", "AccountPrivilege": "RoleReadWrite"});
    let polar = json!({"SecretSubType": "DoubleUsers", "DBClusterId": "pc-1", "RegionId": "cn-hangzhou", "DBType": "MySQL",
        "AccountName": "app", "CloneAccountName": "app_clone", "AccountType": "Normal"});
    let ecs = |sub: &str| json!({"SecretSubType": sub, "InstanceId": "i-1", "RegionId": "cn-hangzhou"});
    let login = json!({"UserName": "root", "Password": "hush"}).to_string();
    let key = json!({"UserName": "root", "PublicKey": "ssh-rsa A", "PrivateKey": "hush"}).to_string();
    vec![
        ("rds", "Rds", serde_json::from_str(&rds("SingleUser")).unwrap(), accounts(&[("app", "hush")])),
        ("redis", "Redis", redis, "$Auto".to_owned()),
        ("polar", "PolarDB", polar, "$Auto".to_owned()),
        ("acs/ecs/login", "ECS", ecs("Password"), login),
        ("acs/ecs/key", "ECS", ecs("SSHKey"), key),
    ]
}

async fn create(server: &Server, (name, kind, config, data): &(&str, &str, Value, String)) -> Value {
    let config = config.to_string();
    let parameters = [
        ("SecretName", *name),
        ("VersionId", "v1"),
        ("SecretType", kind),
        ("ExtendedConfig", &config),
        ("SecretData", data),
    ];
    server.ok("CreateSecret", &parameters).await
}

/// What a creation is refused with.
async fn refused(server: &Server, kind: &str, name: &str, config: &str, data: &str) -> (u16, String, String) {
    let parameters = [
        ("SecretName", name),
        ("VersionId", "v1"),
        ("SecretType", kind),
        ("ExtendedConfig", config),
        ("SecretData", data),
    ];
    server.refused("CreateSecret", &parameters).await
}

#[tokio::test]
async fn rule_8_1_and_8_2_and_dy8_1_and_dy8_2_and_dy6_5_each_type_is_created_read_described_listed_and_rotated()
 {
    let server = Server::start().await;
    for secret in one_of_each() {
        let (name, kind, config, _) = &secret;
        let created = create(&server, &secret).await;
        assert_eq!(created["SecretType"], **kind);
        assert_eq!(created["AutomaticRotation"], "Disabled");
        let mut wanted = config.clone();
        wanted["CustomData"] = json!({});
        let told = |answer: &Value| serde_json::from_str::<Value>(text(&answer["ExtendedConfig"])).unwrap();
        assert_eq!(told(&created), wanted);
        let before = value(&server, name, "ACSCurrent").await;
        let plain = server.ok("GetSecretValue", &[("SecretName", name)]).await;
        assert_eq!(
            (plain["ExtendedConfig"].as_str(), &plain["AutomaticRotation"]),
            (None, &json!("Disabled"))
        );
        let full =
            server.ok("GetSecretValue", &[("SecretName", name), ("FetchExtendedConfig", "True")]).await;
        assert_eq!(told(&full), wanted, "rule DY1.10");
        let described = server.ok("DescribeSecret", &[("SecretName", name)]).await;
        assert_eq!((told(&described), &described["SecretType"]), (wanted, &json!(kind)));
        assert_eq!(described["OwingService"], "", "rule DY8.2");
        rotate(&server, name, "v2").await;
        let after = value(&server, name, "ACSCurrent").await;
        assert_ne!(before, after, "{name}");
        assert_eq!(before["UserName"], after["UserName"], "rule DY6.5");
        assert_eq!(
            before.as_object().unwrap().keys().collect::<Vec<_>>(),
            after.as_object().unwrap().keys().collect::<Vec<_>>()
        );
    }
    for (kind, count) in [("rds", 1), ("Redis", 1), ("PolarDB", 1), ("ECS", 2), ("RAMCredentials", 0)] {
        let filters = json!([{"Key": "SecretType", "Values": [kind]}]).to_string();
        let listed = server.ok("ListSecrets", &[("Filters", &filters)]).await;
        assert_eq!(listed["TotalCount"], count, "{kind}");
        assert!(!listed.to_string().contains("AutomaticRotation"), "rule DY8.1");
        assert!(!listed.to_string().contains("ExtendedConfig"), "rule DY8.1");
        for row in listed["SecretList"]["Secret"].as_array().unwrap() {
            assert_eq!(row["OwingService"], "", "rule DY8.2");
        }
    }
}

#[tokio::test]
async fn rule_8_13_and_dy10_5_a_simulated_login_key_is_a_real_pair() {
    let server = Server::start().await;
    let all = one_of_each();
    create(&server, all.last().unwrap()).await;
    rotate(&server, "acs/ecs/key", "v2").await;
    let pair = value(&server, "acs/ecs/key", "ACSCurrent").await;
    assert_eq!(pair["UserName"], "root", "rule DY6.5");
    assert!(text(&pair["PublicKey"]).starts_with("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ"));
    assert!(text(&pair["PrivateKey"]).starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
}

#[tokio::test]
async fn rule_r5_3_and_8_9_two_accounts_take_turns_and_the_one_that_was_current_stays_valid() {
    let server = Server::start().await;
    let data = accounts(&[("a", "pw1"), ("b", "pw0")]);
    let parameters = [
        ("SecretName", "s"),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("ExtendedConfig", &rds("DoubleUsers")),
        ("SecretData", &data),
    ];
    server.ok("CreateSecret", &parameters).await;
    assert_eq!(both(&server, "s").await, ("a/pw1".to_owned(), "b/pw0".to_owned()));
    rotate(&server, "s", "v2").await;
    let (b2, previous) = both(&server, "s").await;
    assert!(b2.starts_with("b/") && b2 != "b/pw0", "{b2}");
    assert_eq!(previous, "a/pw1");
    rotate(&server, "s", "v3").await;
    let (a3, previous) = both(&server, "s").await;
    assert!(a3.starts_with("a/") && a3 != "a/pw1", "{a3}");
    assert_eq!(previous, b2);
}

#[tokio::test]
async fn rule_r5_4_and_r5_5_and_r5_6_the_second_account_is_there_from_the_beginning_or_made_by_the_first_rotation()
 {
    let server = Server::start().await;
    let parameters = [
        ("SecretName", "s"),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("ExtendedConfig", &rds("DoubleUsers")),
        ("SecretData", &accounts(&[("a", "pw1")])),
    ];
    server.ok("CreateSecret", &parameters).await;
    assert_eq!(both(&server, "s").await.1, "-");
    rotate(&server, "s", "v2").await;
    let (current, previous) = both(&server, "s").await;
    assert!(current.starts_with("a_clone/") && previous == "a/pw1", "{current} {previous}");
    let all = one_of_each();
    let created = create(&server, &all[1]).await;
    assert_eq!(created["VersionId"], "v1");
    let (current, previous) = both(&server, "redis").await;
    assert!(current.starts_with("app/") && previous.starts_with("app_clone/"), "{current} {previous}");
    let ids = server.versions("redis").await;
    assert!(ids.starts_with("v1[ACSCurrent] ") && ids.ends_with("[ACSPrevious]"), "rule R5.6: {ids}");
}

#[tokio::test]
async fn rule_r6_1_and_4_4_only_the_two_labels_are_readable_and_ids_are_ignored() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    rotate(&server, "s", "v2").await;
    let read = |selectors: &'static [(&str, &str)]| {
        let server = &server;
        async move {
            let answer = server.ok("GetSecretValue", &[&[("SecretName", "s")], selectors].concat()).await;
            text(&answer["VersionId"]).to_owned()
        }
    };
    assert_eq!(read(&[]).await, "v2");
    assert_eq!(read(&[("VersionId", "v1")]).await, "v2");
    assert_eq!(read(&[("VersionId", "nothing")]).await, "v2");
    assert_eq!(read(&[("VersionStage", "ACSPrevious"), ("VersionId", "v2")]).await, "v1");
    let other = [("SecretName", "s"), ("VersionStage", "Mine")];
    assert_eq!(server.refused("GetSecretValue", &other).await, not_found());
}

#[tokio::test]
async fn rule_dy8_what_only_generic_secrets_can_do_is_refused_also_when_nothing_would_change() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    let unsupported = || refusal(400, "Rejected.UnsupportedOperation", "Unsupported operation.");
    let data = text(&server.ok("GetSecretValue", &[("SecretName", "s")]).await["SecretData"]).to_owned();
    let put = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", &*data)];
    assert_eq!(server.refused("PutSecretValue", &put).await, unsupported());
    let stage = [("SecretName", "s"), ("VersionStage", "Mine"), ("MoveToVersion", "v1")];
    assert_eq!(server.refused("UpdateSecretVersionStage", &stage).await, unsupported());
    let tag = [("SecretName", "s"), ("Tags", r#"[{"TagKey":"k","TagValue":"v"}]"#)];
    server.ok("TagResource", &tag).await;
    server.ok("DeleteSecret", &[("SecretName", "s")]).await;
    server.ok("RestoreSecret", &[("SecretName", "s")]).await;
    let list = r#"[{"SecretName":"s","FetchExtendedConfig":"true"},{"SecretName":"s2"}]"#;
    let batch = server.ok("BatchGetSecretValue", &[("SecretsList", list)]).await;
    assert_eq!(batch["SecretValues"][0]["VersionStages"], json!({"VersionStage": ["ACSCurrent"]}));
    assert!(text(&batch["SecretValues"][0]["ExtendedConfig"]).contains("rm-1"));
}

#[tokio::test]
async fn rule_8_12_and_14_6_custom_data_is_replaced_in_both_forms_and_ignored_for_generic() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    let custom = async || {
        let told = server.ok("DescribeSecret", &[("SecretName", "s")]).await;
        serde_json::from_str::<Value>(text(&told["ExtendedConfig"])).unwrap()["CustomData"].clone()
    };
    server.ok("UpdateSecret", &[("SecretName", "s"), ("ExtendedConfig.CustomData", r#"{"a":"b"}"#)]).await;
    assert_eq!(custom().await, json!({"a": "b"}));
    server.ok("UpdateSecret", &[("SecretName", "s"), ("ExtendedConfig.CustomData.c", "d")]).await;
    assert_eq!(custom().await, json!({"c": "d"}));
    server.ok("UpdateSecret", &[("SecretName", "s"), ("Description", "text")]).await;
    assert_eq!(custom().await, json!({"c": "d"}));
    let wrong = [("SecretName", "s"), ("ExtendedConfig.CustomData", "[]")];
    assert_eq!(server.refused("UpdateSecret", &wrong).await, invalid("ExtendedConfig.CustomData"));
    server.create("g").await;
    server.ok("UpdateSecret", &[("SecretName", "g"), ("ExtendedConfig.CustomData", "[]")]).await;
}

#[tokio::test]
async fn rule_r1_5_and_r1_6_generic_ignores_rotation_parameters() {
    let server = Server::start().await;
    let cases: [&[(&str, &str)]; 4] = [
        &[("EnableAutomaticRotation", "true")],
        &[("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")],
        &[("EnableAutomaticRotation", "true"), ("RotationInterval", "nonsense"), ("ExtendedConfig", "{")],
        &[("EnableAutomaticRotation", "false")],
    ];
    for (at, more) in cases.into_iter().enumerate() {
        let name = format!("s{at}");
        let parameters = [("SecretName", &*name), ("VersionId", "v1"), ("SecretData", "one")];
        let created = server.ok("CreateSecret", &[&parameters, more].concat()).await;
        assert!(created.get("AutomaticRotation").is_none() && created.get("ExtendedConfig").is_none());
        assert_eq!(plan(&server, &name).await, "- - - -");
    }
}

#[tokio::test]
async fn rule_1_2_and_8_3_and_dy5_3_names_belong_to_types() {
    let server = Server::start().await;
    let (config, data) = (rds("SingleUser"), accounts(&[("a", "hush")]));
    assert_eq!(refused(&server, "Rds", "acs/x", &config, &data).await, invalid("SecretName"));
    let ecs = one_of_each()[3].2.to_string();
    let login = one_of_each()[3].3.clone();
    for name in ["login", "acs/ecs/", "acs/ram/user/a"] {
        assert_eq!(refused(&server, "ECS", name, &ecs, &login).await, invalid("SecretName"), "{name}");
    }
    let ram = r#"{"SecretSubType":"RamUserAccessKey","UserName":"a"}"#;
    assert_eq!(refused(&server, "RAMCredentials", "acs/ram/user/a", ram, "{}").await, invalid("SecretName"));
    server.create("generic").await;
    assert_eq!(plan(&server, "generic").await, "- - - -");
}

#[tokio::test]
async fn rule_dy1_4_and_dy1_8_and_dy2_2_a_wrong_shape_names_its_parameter_and_stores_nothing() {
    let server = Server::start().await;
    let (config, data) = (rds("SingleUser"), accounts(&[("a", "hush")]));
    for (wrong, parameter) in [
        (refused(&server, "Rds", "s", "", &data).await, "ExtendedConfig"),
        (refused(&server, "Rds", "s", "[]", &data).await, "ExtendedConfig"),
        (refused(&server, "Rds", "s", &rds("DualUser"), &data).await, "ExtendedConfig"),
        (refused(&server, "Rds", "s", &config, "hush").await, "SecretData"),
        (refused(&server, "Rds", "s", &config, &accounts(&[("a", "1"), ("b", "2")])).await, "SecretData"),
        (refused(&server, "rds", "s", &config, &data).await, "SecretType"),
    ] {
        assert_eq!(wrong, invalid(parameter));
    }
    let binary = [
        ("SecretName", "s"),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("ExtendedConfig", &*config),
        ("SecretData", &*data),
        ("SecretDataType", "binary"),
    ];
    assert_eq!(server.refused("CreateSecret", &binary).await, invalid("SecretDataType"));
    assert_eq!(server.stored_count().await, 0);
}

#[tokio::test]
async fn rule_dy3_6_and_dy4_3_an_account_that_another_secret_has_is_refused() {
    let server = Server::start().await;
    let all = one_of_each();
    for (name, kind, config, data) in &all[1..3] {
        create(&server, &(name, kind, config.clone(), data.clone())).await;
        let again = refused(&server, kind, &format!("{name}2"), &config.to_string(), data).await;
        assert_eq!((again.0, &*again.1), (409, "Rejected.ResourceExist"));
        let force = [("SecretName", *name), ("ForceDeleteWithoutRecovery", "true")];
        server.ok("DeleteSecret", &force).await;
        create(&server, &(name, kind, config.clone(), data.clone())).await;
    }
}

#[tokio::test]
async fn rule_dy1_3_generic_clients_send_each_member_of_extended_config_as_a_parameter() {
    let server = Server::start().await;
    let data = accounts(&[("app", "hush")]);
    let parameters = [
        ("SecretName", "s"),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("ExtendedConfig.SecretSubType", "SingleUser"),
        ("ExtendedConfig.DBInstanceId", "rm-1"),
        ("ExtendedConfig.CustomData.team", "a"),
        ("SecretData", &*data),
    ];
    let created = server.ok("CreateSecret", &parameters).await;
    let config: Value = serde_json::from_str(text(&created["ExtendedConfig"])).unwrap();
    assert_eq!(
        config,
        json!({"SecretSubType": "SingleUser", "DBInstanceId": "rm-1", "CustomData": {"team": "a"}})
    );
}

#[tokio::test]
async fn rule_r6_4_with_two_accounts_a_cached_value_stays_good_for_an_hour_and_until_the_next_rotation() {
    let server = Server::start().await;
    for secret in &one_of_each()[1..3] {
        create(&server, secret).await;
        let (cached, _) = both(&server, secret.0).await;
        rotate(&server, secret.0, "v2").await;
        advance(&server, 3600).await;
        let (fetched, previous) = both(&server, secret.0).await;
        assert_eq!(previous, cached, "the account that a client cached has its password still");
        assert_ne!(fetched, cached);
    }
}
