//! Rule 14.10: a parameter with an empty value counts as absent.

use std::collections::BTreeMap;

use sesame::testing::actions::{self, Endpoint, PRODUCTS, Parameter, Product};
use sesame::testing::server::AuthMode;

use crate::support::sign::Acs;
use crate::support::{Answer, Options, Server, form, missing, text};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// A server with a resource of every kind, and their names for requests. All such servers are equal to the last random
/// byte.
struct World {
    server: Server,
    named: BTreeMap<&'static str, String>,
}

impl World {
    async fn new() -> Self {
        let accounts = r#"
            [[accounts]]
            id = "1000000000000001"
            [[accounts.roles]]
            name = "app"
            trust = { Version = "1", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { RAM = ["acs:ram::1000000000000001:root"] } }] }
        "#;
        let server = Server::with(Options { accounts, ..Options::default() }).await;
        server.create("s").await;
        server.create("gone").await;
        server.ok("DeleteSecret", &[("SecretName", "gone")]).await;
        let mut named = BTreeMap::new();
        for (name, more) in [
            ("key", &[][..]),
            ("dying", &[]),
            ("signing", &[("KeySpec", "EC_P256"), ("KeyUsage", "SIGN/VERIFY")]),
            ("encrypting", &[("KeySpec", "EC_SM2"), ("KeyUsage", "ENCRYPT/DECRYPT")]),
            ("external", &[("Origin", "EXTERNAL")]),
        ] {
            let made = server.ok("CreateKey", more).await;
            named.insert(name, text(&made["KeyMetadata"]["KeyId"]).to_owned());
        }
        for (name, key) in
            [("key_version", "key"), ("signing_version", "signing"), ("encrypting_version", "encrypting")]
        {
            let listed = server.ok("ListKeyVersions", &[("KeyId", &named[key])]).await;
            named.insert(name, text(&listed["KeyVersions"]["KeyVersion"][0]["KeyVersionId"]).to_owned());
        }
        server.ok("ScheduleKeyDeletion", &[("KeyId", &named["dying"]), ("PendingWindowInDays", "30")]).await;
        server.ok("CreateAlias", &[("KeyId", &named["key"]), ("AliasName", "alias/there")]).await;
        let sealed = server.ok("Encrypt", &[("KeyId", &named["key"]), ("Plaintext", "text")]).await;
        named.insert("blob", text(&sealed["CiphertextBlob"]).to_owned());
        Self { server, named }
    }

    /// A value that the action accepts.
    fn value(&self, action: &str, name: &str) -> String {
        let named = |name: &str| self.named[name].clone();
        let is = |start: &str| action.starts_with(start);
        let pair = if is("AsymmetricEncrypt") || is("AsymmetricDecrypt") { "encrypting" } else { "signing" };
        match name {
            "SecretName" if is("CreateSecret") => "new".to_owned(),
            "SecretName" if is("RestoreSecret") => "gone".to_owned(),
            "SecretName" | "ResourceId.1" => "s".to_owned(),
            "VersionId" => "v9".to_owned(),
            "MoveToVersion" => "v1".to_owned(),
            "VersionStage" => "Mine".to_owned(),
            "SecretsList" => r#"[{"SecretName":"s"}]"#.to_owned(),
            "KeyId" if is("Asymmetric") || is("GetPublicKey") => named(pair),
            "KeyId" if is("CancelKeyDeletion") => named("dying"),
            "KeyId" if action.contains("Import") || action.contains("KeyMaterial") => named("external"),
            "KeyId" | "DestinationKeyId" => named("key"),
            "KeyVersionId" if is("Asymmetric") || is("GetPublicKey") => named(&format!("{pair}_version")),
            "KeyVersionId" => named("key_version"),
            "Algorithm" if pair == "encrypting" => "SM2PKE".to_owned(),
            "Algorithm" => "ECDSA_SHA_256".to_owned(),
            "Digest" => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
            "AliasName" if is("CreateAlias") => "alias/new".to_owned(),
            "AliasName" => "alias/there".to_owned(),
            "CiphertextBlob" => named("blob"),
            "EnableAutomaticRotation" | "EnableDeletionProtection" => "false".to_owned(),
            "PendingWindowInDays" => "7".to_owned(),
            "Policy"
            | "Description"
            | "SecretData"
            | "Plaintext"
            | "EncryptedKeyMaterial"
            | "ImportToken"
            | "Value" => "QUJD".to_owned(),
            "PolicyName" => "default".to_owned(),
            "RegionId" | "Id" => "cn-hangzhou".to_owned(),
            "ServiceCode" => "kms".to_owned(),
            "ResourceType" => "secret".to_owned(),
            "Tag.1.Key" | "TagKey.1" => "k".to_owned(),
            "Tags" => r#"[{"TagKey":"k","TagValue":"v"}]"#.to_owned(),
            "TagKeys" => r#"["k"]"#.to_owned(),
            "WrappingAlgorithm" => "RSAES_OAEP_SHA_256".to_owned(),
            "WrappingKeySpec" => "RSA_2048".to_owned(),
            "RoleArn" => "acs:ram::1000000000000001:role/app".to_owned(),
            "RoleSessionName" => "session".to_owned(),
            "OIDCProviderArn" => "acs:ram::1000000000000001:oidc-provider/p".to_owned(),
            _ => "x".to_owned(),
        }
    }

    async fn call(&self, version: &str, action: &str, parameters: &[(String, String)]) -> Answer {
        let mut all = vec![("Action", action), ("Version", version)];
        all.extend(parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        self.server.send("POST", "/", &[FORM], form(&all).as_bytes()).await
    }
}

/// All actions, with their products.
fn all_actions() -> impl Iterator<Item = (&'static Product, &'static dyn Endpoint)> {
    PRODUCTS.into_iter().flat_map(|product| product.actions.iter().map(move |action| (product, *action)))
}

/// The name of the first item of a list.
fn first(parameter: &Parameter) -> String {
    parameter.name.replace(".N", ".1")
}

/// Parameters that the table calls optional because another one can replace them: one of them is required.
fn one_of_several(action: &str) -> &'static [&'static str] {
    match action {
        "TagResource" | "UntagResource" => &["SecretName"],
        "UntagResources" => &["TagKey.1"],
        "UpdateSecretVersionStage" => &["MoveToVersion"],
        "SetDeletionProtection" | "ListResourceTags" => &["KeyId"],
        _ => &[],
    }
}

/// The minimum parameters.
fn needed(world: &World, action: &dyn Endpoint) -> Vec<(String, String)> {
    let required = action.parameters().iter().filter(|parameter| parameter.required).map(first);
    let more = one_of_several(action.name()).iter().map(|name| (*name).to_owned());
    let mut names: Vec<String> = required.chain(more).collect();
    names.dedup();
    names.iter().map(|name| (name.clone(), world.value(action.name(), name))).collect()
}

/// Both servers get the same requests in the same order, so that random parts of the answers are equal too.
#[tokio::test]
async fn rule_14_10_empty_optional_parameters_change_no_answer_of_any_action() {
    let (without, with) = (World::new().await, World::new().await);
    let (mut tried, mut done) = (0, Vec::new());
    // Actions that delete something come last, so that the others find it.
    let takes_away =
        |name: &str| ["Delete", "Schedule", "Disable"].iter().any(|start| name.starts_with(start));
    for last in [false, true] {
        for (product, action) in all_actions().filter(|(_, action)| takes_away(action.name()) == last) {
            let name = action.name();
            let needed = needed(&without, action);
            let optional = action.parameters().iter().map(first);
            let optional: Vec<_> = optional.filter(|o| !needed.iter().any(|(n, _)| n == o)).collect();
            tried += optional.len();
            let empty = optional.into_iter().map(|name| (name, String::new()));
            let all: Vec<_> = needed.iter().cloned().chain(empty).collect();
            let plain = without.call(product.version, name, &needed).await;
            let padded = with.call(product.version, name, &all).await;
            assert_eq!((padded.status, &padded.body), (plain.status, &plain.body), "{name} {all:?}");
            if plain.status == 200 {
                done.push(name);
            }
        }
    }
    assert!(tried > 90, "{tried} parameters");
    let real =
        actions::all().filter(|action| action.support() == actions::Support::Implemented).map(Endpoint::name);
    let others: Vec<_> = real.filter(|name| !done.contains(name)).collect();
    // They need input that only a client can make, or another secret, or are always refused.
    let wanted = [
        "AsymmetricDecrypt",
        "DeleteKeyMaterial",
        "ImportKeyMaterial",
        "OpenKmsService",
        "RotateSecret",
        "SetKeyPolicy",
        "SetSecretPolicy",
        "UpdateSecretRotationPolicy",
        "AssumeRoleWithOIDC",
    ];
    assert_eq!(others, wanted, "were not carried out");
}

#[tokio::test]
async fn rule_14_10_an_empty_required_parameter_is_missing_in_every_action() {
    let world = World::new().await;
    let mut tried = 0;
    for (product, action) in all_actions() {
        let name = action.name();
        let needed = needed(&world, action);
        for parameter in action.parameters().iter().filter(|p| p.required && !p.may_be_empty) {
            let left = first(parameter);
            let without: Vec<_> = needed.iter().filter(|(n, _)| *n != left).cloned().collect();
            let with = [&without[..], &[(left.clone(), String::new())]].concat();
            let absent = world.call(product.version, name, &without).await.refused();
            let empty = world.call(product.version, name, &with).await.refused();
            assert_eq!(empty, absent, "{name} {left}");
            // Sts has its own names, and a documented one for a missing token.
            let wanted = match (product.name, left.as_str()) {
                ("Sts", "OIDCToken") => "AuthenticationFail.OIDCToken.Invalid".to_owned(),
                ("Sts", left) => format!("Missing{left}"),
                _ => "MissingParameter".to_owned(),
            };
            // Refused before it is checked: the action is not supported.
            let is_refused = action.support() == actions::Support::Refused;
            assert!(empty.1 == wanted || is_refused, "{name} {left}: {empty:?}");
            tried += 1;
        }
    }
    assert!(tried > 80, "{tried} parameters");
}

#[tokio::test]
async fn rule_14_10_an_empty_description_of_a_key_removes_the_old_one() {
    let server = Server::start().await;
    let key =
        text(&server.ok("CreateKey", &[("Description", "old")]).await["KeyMetadata"]["KeyId"]).to_owned();
    let described =
        async || server.ok("DescribeKey", &[("KeyId", &key)]).await["KeyMetadata"]["Description"].clone();
    assert_eq!(described().await, "old");
    assert_eq!(server.refused("UpdateKeyDescription", &[("KeyId", &key)]).await, missing("Description"));
    assert_eq!(described().await, "old");
    server.ok("UpdateKeyDescription", &[("KeyId", &key), ("Description", "")]).await;
    assert_eq!(described().await, "");
    let optional_one: Vec<&str> = actions::all()
        .flat_map(|a| a.parameters().iter().filter(|p| p.may_be_empty).map(|_| a.name()))
        .collect();
    assert_eq!(optional_one, ["UpdateKeyDescription"]);
}

/// What confidential-containers' data hub sends: query, form, JSON, and signatures in headers and parameters.
#[tokio::test]
async fn rule_14_10_empty_parameters_are_absent_in_every_place_and_stay_signed() {
    let server = Server::with(Options { mode: AuthMode::Signed, ..Options::default() }).await;
    let testid = ("testid", "testsecret");
    let creation = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one"), ("SecretDataType", "")];
    server.call_as(testid, "CreateSecret", &creation).await.ok();
    let read = [("SecretName", "s"), ("VersionId", ""), ("VersionStage", ""), ("DryRun", "")];
    let in_form = server.call_as(testid, "GetSecretValue", &read).await.ok();
    let in_query = Acs::new("GetSecretValue", "n1", &read).send(&server).await.ok();
    let mut in_body = Acs::new("GetSecretValue", "n2", &read[..1]);
    in_body.body = form(&read[1..]);
    let in_body = in_body.send(&server).await.ok();
    for answer in [in_form, in_query, in_body] {
        assert_eq!(answer["SecretData"], "one");
    }
    // Without the empty ones it is another request, for which the signature is wrong.
    let signed = Acs::new("GetSecretValue", "n3", &read);
    let authorization = signed.authorization();
    let cut = Acs { query: read[..1].to_vec(), ..signed };
    assert_eq!(cut.send_with(&server, &authorization).await.refused().1, "SignatureDoesNotMatch");

    let open = Server::start().await;
    open.create("s").await;
    let body =
        r#"{"SecretName":"s","VersionId":"","VersionStage":"","FetchExtendedConfig":"","DryRun":null}"#;
    let target = "/?Action=GetSecretValue&Version=2016-01-20&Recipient=";
    let json = open.send("POST", target, &[("Content-Type", "application/json")], body.as_bytes()).await;
    assert_eq!(json.ok()["SecretData"], "one");
    let get = open.send("GET", &format!("{target}&SecretName=s&VersionId&VersionStage="), &[], b"").await;
    assert_eq!(get.ok()["SecretData"], "one");
}

/// What oss2's AliKMSProvider sends.
#[tokio::test]
async fn rule_14_10_an_empty_encryption_context_is_none() {
    let server = Server::start().await;
    let key = text(&server.ok("CreateKey", &[]).await["KeyMetadata"]["KeyId"]).to_owned();
    let empty = ("EncryptionContext", "");
    let made = server
        .ok("GenerateDataKey", &[("KeyId", &key), ("KeySpec", "AES_256"), ("NumberOfBytes", "32"), empty])
        .await;
    let blob = ("CiphertextBlob", text(&made["CiphertextBlob"]));
    for context in [&[empty][..], &[], &[("EncryptionContext", "{}")]] {
        let opened = server.ok("Decrypt", &[&[blob], context].concat()).await;
        assert_eq!(opened["Plaintext"], made["Plaintext"], "{context:?}");
    }
}
