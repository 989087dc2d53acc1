//! Every row and column of the table of key states, and other reasons to refuse a key: an alias where an id is needed, a
//! name that does not exist, another region or account, a quota.

use super::{
    PLAINTEXT, Refused, alias_not_found, by_alias, first_version, full, import, key_not_found, make,
    metadata, not_modified, schedule, sealed, state, unsupported, version_not_found,
};
use crate::support::{ACCOUNT, Answer, BEIJING, OTHER_ACCOUNT, Options, Server, invalid, refusal, text};
use sesame::testing::domain::Limits;

/// The columns of the table.
const STATES: [&str; 4] = ["Enabled", "Disabled", "PendingDeletion", "PendingImport"];

/// Brings an enabled key into a state. Only a key of external origin can reach the last one.
async fn bring(server: &Server, key: &str, name: &str) {
    match name {
        "Enabled" => {}
        "Disabled" => drop(server.ok("DisableKey", &[("KeyId", key)]).await),
        "PendingDeletion" => schedule(server, key).await,
        _ => drop(server.ok("DeleteKeyMaterial", &[("KeyId", key)]).await),
    }
    assert_eq!(metadata(server, key).await["KeyState"], name);
}

/// A new key of external origin with material, which can be brought into every state.
async fn external(server: &Server) -> String {
    let key = make(server, &[("Origin", "EXTERNAL")]).await;
    import(server, &key, &[5; 32], &[]).await.ok();
    key
}

/// The first row of the table: only an enabled key can be used.
fn used() -> [Option<Refused>; 4] {
    [None, Some(state("Disabled")), Some(state("PendingDeletion")), Some(state("PendingImport"))]
}

fn always() -> [Option<Refused>; 4] {
    [const { None }; 4]
}

/// Calls an action on a new key in each state. A refusal does not change the state.
async fn row(action: &str, more: &[(&str, &str)], want: [Option<Refused>; 4]) {
    let server = Server::start().await;
    for (name, want) in STATES.into_iter().zip(want) {
        let key = external(&server).await;
        bring(&server, &key, name).await;
        let before = metadata(&server, &key).await;
        let answer = server.call(action, &[&[("KeyId", key.as_str())], more].concat()).await;
        match want {
            None => drop(answer.ok()),
            Some(want) => {
                assert_eq!(answer.refused(), want, "{action} in state {name}");
                assert_eq!(metadata(&server, &key).await, before, "{action} in state {name}");
            }
        }
    }
}

#[tokio::test]
async fn key_states_encrypt_decrypt_and_data_keys() {
    row("Encrypt", &[PLAINTEXT], used()).await;
    row("GenerateDataKey", &[], used()).await;
    row("GenerateDataKeyWithoutPlaintext", &[], used()).await;
    let server = Server::start().await;
    let good = make(&server, &[]).await;
    for (name, want) in STATES.into_iter().zip(used()) {
        let key = external(&server).await;
        let (blob, other) = (sealed(&server, &key).await, sealed(&server, &good).await);
        bring(&server, &key, name).await;
        let blob = ("CiphertextBlob", blob.as_str());
        let calls = [
            ("Decrypt", vec![blob]),
            ("ReEncrypt", vec![blob, ("DestinationKeyId", &good)]),
            ("ReEncrypt", vec![("CiphertextBlob", &other), ("DestinationKeyId", &key)]),
        ];
        for (action, parameters) in calls {
            let answer = server.call(action, &parameters).await;
            match &want {
                None => drop(answer.ok()),
                Some(want) => assert_eq!(&answer.refused(), want, "{action} in state {name}"),
            }
        }
    }
}

#[tokio::test]
async fn key_states_asymmetric_actions() {
    let digest = ("Digest", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let server = Server::start().await;
    let spec = ("KeySpec", "EC_SM2");
    let signer = make(&server, &[spec, ("KeyUsage", "SIGN/VERIFY")]).await;
    let sealer = make(&server, &[spec, ("KeyUsage", "ENCRYPT/DECRYPT")]).await;
    let (one, two) = (first_version(&server, &signer).await, first_version(&server, &sealer).await);
    let sign = [("KeyId", signer.as_str()), ("KeyVersionId", &one), ("Algorithm", "SM2DSA"), digest];
    let seal = [("KeyId", sealer.as_str()), ("KeyVersionId", &two), ("Algorithm", "SM2PKE")];
    let value = server.ok("AsymmetricSign", &sign).await;
    let blob = server.ok("AsymmetricEncrypt", &[&seal[..], &[PLAINTEXT]].concat()).await;
    let calls = [
        ("AsymmetricSign", sign.to_vec()),
        ("AsymmetricVerify", [&sign[..], &[("Value", text(&value["Value"]))]].concat()),
        ("GetPublicKey", sign[..2].to_vec()),
        ("AsymmetricEncrypt", [&seal[..], &[PLAINTEXT]].concat()),
        ("AsymmetricDecrypt", [&seal[..], &[("CiphertextBlob", text(&blob["CiphertextBlob"]))]].concat()),
    ];
    for (name, want) in STATES.into_iter().zip(used()).take(3) {
        for key in [&signer, &sealer] {
            bring(&server, key, name).await;
        }
        for (action, parameters) in &calls {
            let answer = server.call(action, parameters).await;
            match &want {
                None => drop(answer.ok()),
                Some(want) => assert_eq!(&answer.refused(), want, "{action} in state {name}"),
            }
        }
    }
    for key in [&signer, &sealer] {
        server.ok("CancelKeyDeletion", &[("KeyId", key)]).await;
    }
    for (action, parameters) in &calls {
        server.ok(action, parameters).await;
    }
}

#[tokio::test]
async fn key_states_describe_and_list() {
    for action in ["DescribeKey", "ListKeyVersions", "ListAliasesByKeyId", "ListResourceTags"] {
        row(action, &[], always()).await;
    }
    let server = Server::start().await;
    for (n, name) in STATES.into_iter().enumerate() {
        let key = external(&server).await;
        server.ok("CreateAlias", &[("KeyId", &key), ("AliasName", &format!("alias/{name}"))]).await;
        bring(&server, &key, name).await;
        assert_eq!(server.ok("ListKeys", &[]).await["TotalCount"], n + 1);
        assert_eq!(server.ok("ListAliases", &[]).await["TotalCount"], n + 1);
    }
    for (n, name) in STATES.into_iter().enumerate() {
        server.ok("DeleteAlias", &[("AliasName", &format!("alias/{name}"))]).await;
        assert_eq!(server.ok("ListAliases", &[]).await["TotalCount"], 3 - n);
    }
}

#[tokio::test]
async fn key_states_enable_and_disable() {
    for (action, after) in [("EnableKey", "Enabled"), ("DisableKey", "Disabled")] {
        row(action, &[], [None, None, Some(not_modified()), Some(not_modified())]).await;
        let server = Server::start().await;
        let key = make(&server, &[]).await;
        for _ in 0..2 {
            server.ok(action, &[("KeyId", &key)]).await;
            assert_eq!(metadata(&server, &key).await["KeyState"], after);
        }
    }
}

#[tokio::test]
async fn key_states_schedule_key_deletion() {
    let days = [("PendingWindowInDays", "7")];
    row("ScheduleKeyDeletion", &days, [None, None, Some(not_modified()), None]).await;
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    server.ok("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "366")]).await;
    assert_eq!(metadata(&server, &key).await["DeleteDate"], "2027-11-25T03:30:00Z");
}

#[tokio::test]
async fn key_states_cancel_key_deletion() {
    let no = || Some(not_modified());
    row("CancelKeyDeletion", &[], [no(), no(), None, no()]).await;
    let server = Server::start().await;
    for (before, after) in [
        ("Enabled", "Enabled"),
        // The service does not document that it remembers the previous state.
        ("Disabled", "Enabled"),
        ("PendingImport", "PendingImport"),
    ] {
        let key = external(&server).await;
        bring(&server, &key, before).await;
        schedule(&server, &key).await;
        server.ok("CancelKeyDeletion", &[("KeyId", &key)]).await;
        let now = metadata(&server, &key).await;
        assert_eq!((&now["KeyState"], &now["DeleteDate"]), (&after.into(), &"".into()), "{before}");
    }
}

#[tokio::test]
async fn key_states_create_alias() {
    row("CreateAlias", &[("AliasName", "alias/x")], {
        let taken = || Some(refusal(400, "AliasAlreadyExists", "AliasName Already Exists."));
        [None, taken(), taken(), taken()]
    })
    .await;
    let server = Server::start().await;
    for (name, want) in STATES.into_iter().zip([None, None, Some(not_modified()), None]) {
        let key = external(&server).await;
        bring(&server, &key, name).await;
        let alias = format!("alias/{name}");
        let answer = server.call("CreateAlias", &[("KeyId", &key), ("AliasName", &alias)]).await;
        match want {
            None => {
                answer.ok();
                assert_eq!(metadata(&server, &alias).await["KeyId"], key);
            }
            Some(want) => {
                assert_eq!(answer.refused(), want, "{name}");
                assert_eq!(server.refused("DescribeKey", &[("KeyId", &alias)]).await, alias_not_found());
            }
        }
    }
}

#[tokio::test]
async fn key_states_update_alias() {
    let server = Server::start().await;
    let old = make(&server, &[]).await;
    let want = [None, None, Some(state("PendingDeletion")), None];
    for (name, want) in STATES.into_iter().zip(want) {
        let alias = format!("alias/{name}");
        server.ok("CreateAlias", &[("KeyId", &old), ("AliasName", &alias)]).await;
        let key = external(&server).await;
        bring(&server, &key, name).await;
        let answer = server.call("UpdateAlias", &[("KeyId", &key), ("AliasName", &alias)]).await;
        let stands_for = match want {
            None => {
                answer.ok();
                &key
            }
            Some(want) => {
                assert_eq!(answer.refused(), want, "{name}");
                &old
            }
        };
        assert_eq!(metadata(&server, &alias).await["KeyId"], stands_for.as_str());
    }
    // Only the state of the target counts.
    server.ok("CreateAlias", &[("KeyId", &old), ("AliasName", "alias/from")]).await;
    let target = make(&server, &[]).await;
    schedule(&server, &old).await;
    server.ok("UpdateAlias", &[("KeyId", &target), ("AliasName", "alias/from")]).await;
}

#[tokio::test]
async fn versions_and_rotation_need_an_enabled_key_made_here() {
    let server = Server::start().await;
    let rotate = [("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];
    for (name, want) in STATES.into_iter().zip(used()).take(3) {
        let key = make(&server, &[]).await;
        bring(&server, &key, name).await;
        let id = [("KeyId", key.as_str())];
        for (action, parameters) in
            [("CreateKeyVersion", id.to_vec()), ("UpdateRotationPolicy", [&id[..], &rotate].concat())]
        {
            let answer = server.call(action, &parameters).await;
            match &want {
                None => drop(answer.ok()),
                Some(want) => assert_eq!(&answer.refused(), want, "{action} in state {name}"),
            }
        }
    }
    let refused = refusal(400, "Rejected.UnsupportedOperation", "Unsupported operation.");
    let imported = external(&server).await;
    let pair = make(&server, &[("KeySpec", "EC_P256")]).await;
    for (action, key, more) in [
        ("CreateKeyVersion", &imported, &[][..]),
        ("UpdateRotationPolicy", &imported, &rotate),
        ("UpdateRotationPolicy", &pair, &rotate),
    ] {
        let parameters = [&[("KeyId", key.as_str())], more].concat();
        assert_eq!(server.refused(action, &parameters).await, refused, "{action}");
    }
}

#[tokio::test]
async fn deletion_protection_holds_in_every_state_and_ends_when_switched_off() {
    let server = Server::start().await;
    for name in ["Enabled", "Disabled", "PendingImport"] {
        let key = external(&server).await;
        let arn = text(&metadata(&server, &key).await["Arn"]).to_owned();
        let target = [("ProtectedResourceArn", arn.as_str())];
        let set = |on| [&target[..], &[("EnableDeletionProtection", on)]].concat();
        let because = [&set("true")[..], &[("DeletionProtectionDescription", "in use by X")]].concat();
        server.ok("SetDeletionProtection", &because).await;
        bring(&server, &key, name).await;
        let shown = metadata(&server, &key).await;
        assert_eq!(shown["DeletionProtection"], "Enabled");
        assert_eq!(shown["DeletionProtectionDescription"], "in use by X");
        let days = [("KeyId", key.as_str()), ("PendingWindowInDays", "7")];
        assert_eq!(server.refused("ScheduleKeyDeletion", &days).await, not_modified(), "{name}");
        assert_eq!(metadata(&server, &key).await["KeyState"], name);
        // A description counts only while protection is switched on.
        let off = [&set("false")[..], &[("DeletionProtectionDescription", "no longer")]].concat();
        server.ok("SetDeletionProtection", &off).await;
        let shown = metadata(&server, &key).await;
        assert_eq!(shown["DeletionProtection"], "Disabled");
        assert_eq!(shown["DeletionProtectionDescription"], serde_json::Value::Null);
        server.ok("ScheduleKeyDeletion", &days).await;
        for on in ["true", "false"] {
            let refused = server.refused("SetDeletionProtection", &set(on)).await;
            assert_eq!(refused, state("PendingDeletion"), "{on}");
        }
    }
}

/// Actions that accept only an id, with their other parameters.
const BY_ID: &[(&str, &[(&str, &str)])] = &[
    ("EnableKey", &[]),
    ("DisableKey", &[]),
    ("ScheduleKeyDeletion", &[("PendingWindowInDays", "7")]),
    ("CancelKeyDeletion", &[]),
    ("UpdateKeyDescription", &[("Description", "d")]),
    ("SetDeletionProtection", &[("EnableDeletionProtection", "true")]),
    ("CreateAlias", &[("AliasName", "alias/new")]),
    ("UpdateAlias", &[("AliasName", "alias/a")]),
    ("ListAliasesByKeyId", &[]),
    ("UpdateRotationPolicy", &[("EnableAutomaticRotation", "false")]),
    ("GetParametersForImport", &[("WrappingAlgorithm", "RSAES_OAEP_SHA_1"), ("WrappingKeySpec", "RSA_2048")]),
    ("ImportKeyMaterial", &[("ImportToken", "AAAA"), ("EncryptedKeyMaterial", "AAAA")]),
    ("DeleteKeyMaterial", &[]),
];

/// Actions that accept an id, an alias, or the ARN of either.
const BY_ANY: &[(&str, &[(&str, &str)])] = &[
    ("DescribeKey", &[]),
    ("Encrypt", &[PLAINTEXT]),
    ("GenerateDataKey", &[]),
    ("GenerateDataKeyWithoutPlaintext", &[]),
    ("ListKeyVersions", &[]),
    ("CreateKeyVersion", &[]),
    ("ListResourceTags", &[]),
];

#[tokio::test]
async fn an_alias_is_refused_where_an_id_is_needed_and_taken_elsewhere() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    server.ok("CreateAlias", &[("KeyId", &key), ("AliasName", "alias/a")]).await;
    let before = metadata(&server, &key).await;
    let arn = format!("acs:kms:cn-hangzhou:{ACCOUNT}:alias/a");
    for named in ["alias/a", &arn] {
        for (action, more) in BY_ID {
            let parameters = [&[("KeyId", named)], *more].concat();
            assert_eq!(server.refused(action, &parameters).await, by_alias(), "{action} {named}");
        }
        assert_eq!(metadata(&server, &key).await, before);
        for (action, more) in BY_ANY.iter().filter(|(action, _)| *action != "CreateKeyVersion") {
            server.ok(action, &[&[("KeyId", named)], *more].concat()).await;
        }
    }
    let encrypted = server.ok("Encrypt", &[("KeyId", "alias/a"), PLAINTEXT]).await;
    assert_eq!(encrypted["KeyId"], key, "the id, also when an alias was given");
    server.ok("CreateKeyVersion", &[("KeyId", "alias/a")]).await;
}

#[tokio::test]
async fn keys_aliases_and_versions_that_nothing_has() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    server.ok("CreateAlias", &[("KeyId", &key), ("AliasName", "alias/a")]).await;
    for (action, more) in BY_ID.iter().chain(BY_ANY) {
        let parameters = [&[("KeyId", "key-nothing")], *more].concat();
        assert_eq!(server.refused(action, &parameters).await, key_not_found(), "{action}");
    }
    for (action, more) in BY_ANY {
        let parameters = [&[("KeyId", "alias/nothing")], *more].concat();
        assert_eq!(server.refused(action, &parameters).await, alias_not_found(), "{action}");
    }
    let nothing = [("AliasName", "alias/nothing")];
    assert_eq!(server.refused("DeleteAlias", &nothing).await, alias_not_found());
    let update = [&[("KeyId", key.as_str())], &nothing[..]].concat();
    assert_eq!(server.refused("UpdateAlias", &update).await, alias_not_found());
    let described = [("KeyId", key.as_str()), ("KeyVersionId", "nothing")];
    assert_eq!(server.refused("DescribeKeyVersion", &described).await, version_not_found());
    // A version of another key is not a version of this one.
    let version = first_version(&server, &make(&server, &[]).await).await;
    let described = [("KeyId", key.as_str()), ("KeyVersionId", &version)];
    assert_eq!(server.refused("DescribeKeyVersion", &described).await, version_not_found());
    let pair = make(&server, &[("KeySpec", "EC_P256")]).await;
    let public = [("KeyId", pair.as_str()), ("KeyVersionId", &version)];
    assert_eq!(server.refused("GetPublicKey", &public).await, version_not_found());
}

#[tokio::test]
async fn a_key_of_another_kind_is_not_supported() {
    let server = Server::start().await;
    let pair = make(&server, &[("KeySpec", "EC_P256")]).await;
    for (action, more) in
        [("Encrypt", &[PLAINTEXT][..]), ("GenerateDataKey", &[]), ("GenerateDataKeyWithoutPlaintext", &[])]
    {
        let parameters = [&[("KeyId", pair.as_str())], more].concat();
        assert_eq!(server.refused(action, &parameters).await, unsupported(), "{action}");
    }
    let key = make(&server, &[]).await;
    let version = first_version(&server, &key).await;
    let public = [("KeyId", key.as_str()), ("KeyVersionId", &version)];
    assert_eq!(server.refused("GetPublicKey", &public).await, unsupported());
    let wrap = [("WrappingAlgorithm", "RSAES_OAEP_SHA_1"), ("WrappingKeySpec", "RSA_2048")];
    let origin = refusal(400, "Unsupported.Origin", "This key origin is not valid for this api.");
    let of_key = [&[("KeyId", key.as_str())], &wrap[..]].concat();
    assert_eq!(server.refused("GetParametersForImport", &of_key).await, origin);
    assert_eq!(server.refused("DeleteKeyMaterial", &[("KeyId", &key)]).await, origin);
}

#[tokio::test]
async fn keys_of_another_region_are_not_found_and_of_another_account_are_forbidden() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    server.ok("CreateAlias", &[("KeyId", &key), ("AliasName", "alias/a")]).await;
    let forbidden = |arn: &str| {
        let message = format!("This operation for {arn} is forbidden by permission system.");
        refusal(403, "Forbidden.NoPermission", &message)
    };
    for resource in [format!("key/{key}"), "alias/a".to_owned()] {
        let region = format!("acs:kms:cn-beijing:{ACCOUNT}:{resource}");
        let account = format!("acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:{resource}");
        for (action, more) in BY_ANY {
            let of = |named| [&[("KeyId", named)], *more].concat();
            assert_eq!(server.refused(action, &of(region.as_str())).await, key_not_found(), "{action}");
            let refused = server.refused(action, &of(account.as_str())).await;
            assert_eq!(refused, forbidden(&account), "{action}");
        }
    }
    let (region, account) = (
        format!("acs:kms:cn-beijing:{ACCOUNT}:key/{key}"),
        format!("acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:key/{key}"),
    );
    for (action, more) in BY_ID {
        let of = |named| [&[("KeyId", named)], *more].concat();
        assert_eq!(server.refused(action, &of(region.as_str())).await, key_not_found(), "{action}");
        assert_eq!(server.refused(action, &of(account.as_str())).await, forbidden(&account), "{action}");
    }
    // Its id alone means nothing elsewhere, and neither does its blob.
    let blob = sealed(&server, &key).await;
    for (action, parameter) in [("DescribeKey", ("KeyId", &key)), ("Decrypt", ("CiphertextBlob", &blob))] {
        let (name, value) = parameter;
        let there = server.call_at(BEIJING, action, &[(name, value.as_str())]).await;
        assert_eq!(there.refused(), key_not_found(), "{action}");
    }
    let other = ("other", "other-secret");
    let described = server.call_as(other, "DescribeKey", &[("KeyId", &key)]).await;
    assert_eq!(described.refused(), key_not_found());
    let opened = server.call_as(other, "Decrypt", &[("CiphertextBlob", &blob)]).await;
    assert_eq!(opened.refused(), key_not_found());
    assert_eq!(server.call_as(other, "ListKeys", &[]).await.ok()["TotalCount"], 0);
    assert_eq!(server.ok_in("cn-beijing", "ListKeys", &[]).await["TotalCount"], 0);
}

#[tokio::test]
async fn names_of_aliases() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let longest = format!("alias/{}", "x".repeat(249));
    let over = format!("{longest}x");
    let create = |name| [("KeyId", key.as_str()), ("AliasName", name)];
    for bad in ["alias/acs/x", "alias/acs", "alias/", "alia/x", "Alias/x", over.as_str()] {
        assert_eq!(server.refused("CreateAlias", &create(bad)).await, invalid("AliasName"), "{bad}");
    }
    assert_eq!(server.ok("ListAliases", &[]).await["TotalCount"], 0);
    server.ok("CreateAlias", &create(&longest)).await;
    let taken = refusal(400, "AliasAlreadyExists", "AliasName Already Exists.");
    let another = make(&server, &[]).await;
    for key in [&key, &another] {
        let twice = [("KeyId", key.as_str()), ("AliasName", &longest)];
        assert_eq!(server.refused("CreateAlias", &twice).await, taken);
    }
    assert_eq!(metadata(&server, &longest).await["KeyId"], key);
    // Another region has its own names.
    let beijing = "cn-beijing";
    let there = text(&server.ok_in(beijing, "CreateKey", &[]).await["KeyMetadata"]["KeyId"]).to_owned();
    server.ok_in(beijing, "CreateAlias", &[("KeyId", &there), ("AliasName", &longest)]).await;
    server.ok("DeleteAlias", &[("AliasName", &longest)]).await;
    server.ok("CreateAlias", &create(&longest)).await;
}

#[tokio::test]
async fn rule_12_3_a_quota_counts_per_account_and_region() {
    // As on the cloud. The limit of aliases is in proportion.
    let limits = Limits { keys_per_account: 200, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).await;
    let mut keys = Vec::new();
    for _ in 0..200 {
        keys.push(make(&server, &[]).await);
    }
    assert_eq!(server.refused("CreateKey", &[]).await, full());
    // Another region and another account have room, and the service's own key is not limited.
    server.ok_in("cn-beijing", "CreateKey", &[]).await;
    server.call_as(("other", "other-secret"), "CreateKey", &[]).await.ok();
    server.create("s").await;
    // A key that is scheduled for deletion still counts; a deleted one does not.
    schedule(&server, &keys[0]).await;
    assert_eq!(server.refused("CreateKey", &[]).await, full());
    server.advance_seconds(8 * 86_400).await;
    make(&server, &[]).await;
    assert_eq!(server.refused("CreateKey", &[]).await, full());
    let alias = |n: usize| format!("alias/{n}");
    for n in 0..300 {
        server.ok("CreateAlias", &[("KeyId", &keys[1 + n % 2]), ("AliasName", &alias(n))]).await;
    }
    let more = [("KeyId", keys[3].as_str()), ("AliasName", "alias/more")];
    assert_eq!(server.refused("CreateAlias", &more).await, full());
    server.ok("UpdateAlias", &[("KeyId", &keys[3]), ("AliasName", &alias(0))]).await;
    server.ok("DeleteAlias", &[("AliasName", &alias(0))]).await;
    server.ok("CreateAlias", &more).await;
}

#[tokio::test]
async fn the_services_own_key_is_described_and_not_changed() {
    let server = Server::start().await;
    server.create("s").await;
    let services = [("Filters", r#"[{"Key":"CreatorType","Values":["Service"]}]"#)];
    let listed = server.ok("ListKeys", &services).await;
    let key = text(&listed["Keys"]["Key"][0]["KeyId"]).to_owned();
    let before = metadata(&server, &key).await;
    let tags = [("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#)];
    let region = ("RegionId", "cn-hangzhou");
    let tag =
        [region, ("ResourceType", "key"), ("ResourceId.1", &key), ("Tag.1.Key", "a"), ("Tag.1.Value", "b")];
    let untag = [region, ("ResourceType", "key"), ("ResourceId.1", &key), ("TagKey.1", "a")];
    let mut calls = vec![
        ("TagResource", &tags[..]),
        ("UntagResource", &[("TagKeys", r#"["a"]"#)]),
        ("TagResources", &tag),
        ("UntagResources", &untag),
    ];
    calls.extend(BY_ID.iter().filter(|(action, _)| {
        // These are refused for other reasons: no alias of that name, no rotation and no import for such a key.
        !["ListAliasesByKeyId", "UpdateAlias", "UpdateRotationPolicy"].contains(action)
            && !action.contains("Import")
            && !action.contains("Material")
    }));
    for (action, more) in calls {
        let parameters = [&[("KeyId", key.as_str())], more].concat();
        assert_eq!(server.refused(action, &parameters).await, unsupported(), "{action}");
    }
    assert_eq!(metadata(&server, &key).await, before);
    let tags = server.ok("ListResourceTags", &[("KeyId", &key)]).await;
    assert_eq!(tags["Tags"]["Tag"], serde_json::json!([]));
    assert_eq!(server.value("s", &[]).await, "one");
}

/// Gives a key the maximum number of versions, bypassing the API: ten thousand calls would take too long.
async fn fill_versions(dir: &std::path::Path, key: &str) {
    let url = format!("sqlite:{}", dir.join("sesame.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    let fill = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) \
        INSERT INTO key_versions (key_id, number, id, material, created) \
        SELECT key_id, i, 'filled-' || i, material, created FROM key_versions, n WHERE key_id = $1 AND number = 1";
    sqlx::query(fill).bind(key).execute(&pool).await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn rule_12_3_versions_of_keys_have_a_quota() {
    let dir = tempfile::tempdir().unwrap();
    // As on the cloud: 10,000 versions.
    let limits = Limits { keys_per_account: 200, ..Limits::default() };
    let on_disk = || Server::with(Options { dir: Some(dir.path()), limits, ..Default::default() });
    let server = on_disk().await;
    let (full_of, other) = (make(&server, &[]).await, make(&server, &[]).await);
    server.stop().await;
    fill_versions(dir.path(), &full_of).await;

    let server = on_disk().await;
    let listed = server.ok("ListKeyVersions", &[("KeyId", &full_of)]).await;
    assert_eq!(listed["TotalCount"], 9_999, "the other key has one");
    for key in [&other, &full_of] {
        assert_eq!(server.refused("CreateKeyVersion", &[("KeyId", key)]).await, full());
    }
    // Another region has room, and automatic rotation is not limited.
    let there = "cn-beijing";
    let key = text(&server.ok_in(there, "CreateKey", &[]).await["KeyMetadata"]["KeyId"]).to_owned();
    server.ok_in(there, "CreateKeyVersion", &[("KeyId", &key)]).await;
    let rotate = [("KeyId", other.as_str()), ("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];
    server.ok("UpdateRotationPolicy", &rotate).await;
    server.advance_seconds(8 * 86_400).await;
    assert_eq!(server.ok("ListKeyVersions", &[("KeyId", &other)]).await["TotalCount"], 2);
    server.stop().await;
}

#[tokio::test]
async fn rule_12_3_the_last_version_is_given_once() {
    let dir = tempfile::tempdir().unwrap();
    // As on the cloud: 10,000 versions.
    let limits = Limits { keys_per_account: 200, ..Limits::default() };
    let on_disk = || Server::with(Options { dir: Some(dir.path()), limits, ..Default::default() });
    let server = on_disk().await;
    let key = make(&server, &[]).await;
    server.stop().await;
    fill_versions(dir.path(), &key).await;
    let server = on_disk().await;
    let id = [("KeyId", key.as_str())];
    let create = || server.call("CreateKeyVersion", &id);
    let answers: [Answer; 4] = tokio::join!(create(), create(), create(), create()).into();
    let given = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(given, 1, "there was room for one");
    assert_eq!(server.ok("ListKeyVersions", &id).await["TotalCount"], 10_000);
    server.stop().await;
}
