//! Without policies accounts are strictly separated: a request that names something of another account is refused, whether
//! it exists or not, and changes nothing.

use sesame::testing::actions::{ACTIONS, Endpoint};
use sesame::testing::server::AuthMode;

use super::{Signer, arn, no_permission, stored};
use crate::support::{ACCOUNT, OTHER_ACCOUNT, Options, Server, invalid, refusal, text};

/// Parameters that name a secret or a key and accept an ARN of another account, and the beginning of such an ARN.
const NAMING: &[(&str, &str)] = &[
    ("SecretName", "secret/"),
    ("KeyId", "key/"),
    ("EncryptionKeyId", "key/"),
    ("DestinationKeyId", "key/"),
    ("SourceKeyId", "key/"),
    ("ProtectedResourceArn", "key/"),
    ("ResourceId.N", "secret/"),
    ("ResourceId.N", "key/"),
    ("SecretsList", "secret/"),
];

/// Parameters that accept a secret only by its plain name (rule 1.5).
const PLAIN_NAMES: [&str; 3] = ["CreateSecret", "TagResource", "UntagResource"];

/// Actions that cannot name anything of others; `DeleteAlias` takes a plain name, `Decrypt` a ciphertext.
const NAMELESS: &[&str] = &[
    "CreateKey",
    "Decrypt",
    "DeleteAlias",
    "DescribeAccountKmsStatus",
    "DescribeRegions",
    "GetChallenge",
    "GetDefaultKmsInstance",
    "GetManagedDataKey",
    "GetRandomPassword",
    "ListAliases",
    "ListKeys",
    "ListManagedDataKeyVersions",
    "ListSecrets",
    "OpenKmsService",
];

/// A valid value for every other required parameter.
fn value(parameter: &str) -> &str {
    match parameter {
        "SecretName" => "mine",
        "AliasName" => "alias/mine",
        "Policy" => "{}",
        "VersionId" | "KeyVersionId" | "SourceKeyVersionId" => "v1",
        "CiphertextBlob" | "Plaintext" | "Digest" | "Value" | "ImportToken" | "EncryptedKeyMaterial" => {
            "AAAA"
        }
        "Algorithm" | "SourceEncryptionAlgorithm" => "SM2PKE",
        "EnableDeletionProtection" | "EnableAutomaticRotation" => "true",
        "PendingWindowInDays" => "7",
        "RegionId" => "cn-hangzhou",
        "Tags" => r#"[{"TagKey":"k","TagValue":"v"}]"#,
        "TagKeys" => r#"["k"]"#,
        "WrappingAlgorithm" => "RSAES_OAEP_SHA_256",
        "WrappingKeySpec" => "RSA_2048",
        _ => "x",
    }
}

/// The parameters of a call in which one names something of another account.
fn naming(action: &dyn Endpoint, parameter: &str, foreign: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    for one in action.parameters() {
        let needed = one.required || parameter == "SourceKeyId" && one.name.starts_with("Source");
        if one.name == parameter {
            let value = if parameter == "SecretsList" {
                format!(r#"[{{"SecretName":"{foreign}"}}]"#)
            } else {
                foreign.to_owned()
            };
            parameters.push((one.name.replace(".N", ".1"), value));
        } else if one.name == "ResourceType" {
            let kind = if foreign.contains(":secret/") { "secret" } else { "key" };
            parameters.push((one.name.to_owned(), kind.to_owned()));
        } else if needed && !one.name.ends_with("Context") {
            parameters.push((one.name.to_owned(), value(one.name).to_owned()));
        }
    }
    parameters
}

/// A call that names something of another account.
async fn reach_out(server: &Server, action: &dyn Endpoint, parameter: &str, foreign: &str) {
    let parameters = naming(action, parameter, foreign);
    let mut parameters: Vec<_> = parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    // These name a secret or a key, never both.
    if PLAIN_NAMES.contains(&action.name()) && parameter == "KeyId" {
        parameters.retain(|(name, _)| *name != "SecretName");
    }
    let own = Signer { id: "testid".to_owned(), secret: "testsecret".to_owned(), token: None };
    let answer = own.call(server, action.name(), &parameters).await;
    let name = action.name();
    if name == "BatchGetSecretValue" {
        let answer = answer.ok();
        let error = &answer["Errors"][0];
        let refused = (403, text(&error["Code"]).to_owned(), text(&error["Message"]).to_owned());
        assert_eq!((refused, &error["HttpStatus"]), (no_permission(foreign), &403.into()), "{answer}");
        assert_eq!(answer["SecretValues"], serde_json::json!([]));
    } else if PLAIN_NAMES.contains(&name) && parameter == "SecretName" {
        assert_eq!(answer.refused(), invalid("SecretName"), "{name}");
    } else if name == "ReEncrypt" && parameter == "DestinationKeyId" {
        // Whose ciphertext it is is checked first, and this one has no owner.
        assert_eq!(answer.refused(), invalid("CiphertextBlob"));
    } else {
        assert_eq!(answer.refused(), no_permission(foreign), "{name} with {parameter} of another account");
    }
}

/// Every action with each of its parameters that name something, and what kind of thing it names.
fn naming_calls() -> impl Iterator<Item = (&'static dyn Endpoint, &'static str, &'static str)> {
    ACTIONS.iter().flat_map(|action| {
        let takes = |name: &str| action.parameters().iter().any(|one| one.name == name);
        let naming = NAMING.iter().filter(move |(parameter, _)| takes(parameter));
        naming.map(move |(parameter, kind)| (*action, *parameter, *kind))
    })
}

#[test]
fn actions_that_name_nothing_are_listed() {
    let names = |action: &&str| naming_calls().any(|(other, ..)| other.name() == *action);
    let nameless: Vec<&str> = ACTIONS.iter().map(|action| action.name()).filter(|a| !names(a)).collect();
    assert_eq!(nameless, NAMELESS);
}

#[tokio::test]
async fn in_open_and_signed_nothing_of_another_account_is_reached_by_its_arn() {
    for mode in [AuthMode::Open, AuthMode::Signed] {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::with(Options { mode, dir: Some(dir.path()), ..Options::default() }).await;
        let other = Signer::of("other");
        other.create(&server, "theirs", &[]).await;
        let key = other.make_key(&server, &[]).await;
        for (action, parameter, kind) in naming_calls() {
            let there = if kind == "key/" { key.as_str() } else { "theirs" };
            for name in [there, "nothing-there"] {
                let before = stored(dir.path());
                let foreign = arn(OTHER_ACCOUNT, &format!("{kind}{name}"));
                reach_out(&server, action, parameter, &foreign).await;
                assert_eq!(stored(dir.path()), before, "{} with {parameter}, {mode:?}", action.name());
            }
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn in_open_and_signed_a_ciphertext_of_another_account_has_no_key() {
    for mode in [AuthMode::Open, AuthMode::Signed] {
        let server = Server::with(Options { mode, ..Options::default() }).await;
        let (own, other) = (Signer::of("own"), Signer::of("other"));
        let own = if mode == AuthMode::Open {
            own
        } else {
            Signer { id: "testid".to_owned(), secret: "testsecret".to_owned(), token: None }
        };
        let theirs = other.make_key(&server, &[]).await;
        let mine = own.make_key(&server, &[]).await;
        let sealed = other.ok(&server, "Encrypt", &[("KeyId", &theirs), ("Plaintext", "AAAA")]).await;
        let blob = ("CiphertextBlob", text(&sealed["CiphertextBlob"]));
        let unknown = refusal(404, "Forbidden.KeyNotFound", "The specified Key is not found.");
        assert_eq!(own.refused(&server, "Decrypt", &[blob]).await, unknown);
        let again = [blob, ("DestinationKeyId", mine.as_str())];
        assert_eq!(own.refused(&server, "ReEncrypt", &again).await, unknown);
        // There is also no way to put something into the other account.
        let foreign = arn(OTHER_ACCOUNT, &format!("key/{theirs}"));
        let sealed = own.ok(&server, "Encrypt", &[("KeyId", &mine), ("Plaintext", "AAAA")]).await;
        let again = [("CiphertextBlob", text(&sealed["CiphertextBlob"])), ("DestinationKeyId", &foreign)];
        assert_eq!(own.refused(&server, "ReEncrypt", &again).await, no_permission(&foreign));
        assert_eq!(other.ok(&server, "Decrypt", &[blob]).await["Plaintext"], "AAAA");
    }
}

#[tokio::test]
async fn a_secret_can_be_named_by_its_own_arn_in_every_mode() {
    for mode in [AuthMode::Open, AuthMode::Signed, AuthMode::Enforced] {
        let server = Server::with(Options { mode, ..Options::default() }).await;
        let own = Signer { id: "testid".to_owned(), secret: "testsecret".to_owned(), token: None };
        let made = own.create(&server, "s", &[]).await;
        assert_eq!(made, arn(ACCOUNT, "secret/s"));
        assert_eq!(own.read(&server, &made).await.ok()["SecretData"], "one");
        let key = own.make_key(&server, &[]).await;
        let named = arn(ACCOUNT, &format!("key/{key}"));
        own.ok(&server, "DescribeKey", &[("KeyId", &named)]).await;
    }
}
